"""Handwritten digits: a random subset of MNIST for every disorder."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidStudyError
from phasegrok.seeding import seed
from phasegrok.study.checks import require_list, require_text, require_whole
from phasegrok.tasks.data import Examples, TaskData
from phasegrok.tasks.idx import read_idx

__all__ = ["PIXEL_DEVIATION", "PIXEL_MEAN", "SHIPPED", "Mnist"]

_INSTALLED = Path(__file__).with_name("mnist_subset")
_IN_CLONE = Path(__file__).parents[2] / "data" / "mnist"

SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _IN_CLONE
"""Folder of the subset that comes with the package: 2,000 training and 1,000 test images.

In a clone it is ``data/mnist``, from which a wheel takes it.
"""

PIXEL_MEAN, PIXEL_DEVIATION = 0.1307, 0.3081
"""Of all pixels of the 60,000 training images, where 1 is full ink."""

_IMAGES = "{}-images-idx3-ubyte"
_LABELS = "{}-labels-idx1-ubyte"
_SIDE = 28


@final
@dataclass(frozen=True, kw_only=True)
class Mnist:
    """Which digit is on a picture of 28 × 28 pixels, by cross entropy.

    A pixel of b = 0 to 255 is x = (b/255 - 0.1307)/0.3081: mean 0 and variance 1 over all
    training images of MNIST, whatever subset is used. The subset and its order are drawn by
    disorder, and are nested: the first n examples are the same for every larger n.

    Parameters
    ----------
    example_count, test_count : int
        Numbers of training and of test images; 0 for no test.
    classes : list of int
        Digits that are told apart, at least two; the output of a digit is its place here.
    folder : str
        Holds the four IDX files by their names, plain or with ``.gz``; empty for the subset
        that comes with the package, with 200 training and 100 test images of each digit.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner, Proceedings of the IEEE 86, 2278 (1998).
    """

    example_count: int
    test_count: int = 1000
    classes: tuple[int, ...] = tuple(range(10))
    folder: str = ""
    loss: str = "cross_entropy"

    def __post_init__(self) -> None:
        """Refuse counts and digits without meaning; files are looked at when drawing.

        Raises
        ------
        InvalidStudyError
            For a count below its least, or digits that are fewer than two, unknown or equal.
        """
        for name, least in {"example_count": 1, "test_count": 0}.items():
            count = require_whole(f"the {name} of mnist", getattr(self, name), minimum=least)
            object.__setattr__(self, name, count)
        digits = tuple(
            require_whole("every digit in the classes of mnist", each, minimum=0, maximum=9)
            for each in require_list("the classes of mnist", self.classes)
        )
        if len(digits) < 2 or len(set(digits)) < len(digits):
            raise InvalidStudyError(
                f"the classes of mnist must be two or more different digits, received "
                f"{list(digits)}; change the list."
            )
        object.__setattr__(self, "classes", digits)
        require_text("the folder of mnist", self.folder)

    @property
    def input_shape(self) -> tuple[int]:
        """Shape of one input, (784,): rows of pixels one after another."""
        return (_SIDE * _SIDE,)

    @property
    def output_size(self) -> int:
        """One output for each class."""
        return len(self.classes)

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        """Choose the images of a disorder.

        Parameters
        ----------
        study_seed : int
            Seed of the study.
        disorder : int
            Which draw.

        Returns
        -------
        TaskData
            Inputs (example, pixel), dimensionless, and targets (example,), the place of the
            digit in `classes`; no truth.

        Raises
        ------
        InvalidStudyError
            If a file is missing or damaged, or holds fewer images of these digits.
        """
        train = self._chosen(
            "train", self.example_count, study_seed=study_seed, disorder=disorder
        )
        test = (
            self._chosen("t10k", self.test_count, study_seed=study_seed, disorder=disorder)
            if self.test_count
            else None
        )
        return TaskData(train=train, test=test)

    def _chosen(self, part: str, count: int, *, study_seed: int, disorder: int) -> Examples:
        folder = Path(self.folder) if self.folder else SHIPPED
        images, labels = _stored(folder, part)
        source = np.random.default_rng(
            seed(study_seed, f"mnist {part}", {"disorder": disorder})
        )
        order = source.permutation(len(labels))
        order = order[np.isin(labels[order], self.classes)]
        if len(order) < count:
            raise InvalidStudyError(
                f"mnist needs {count} images of the digits {list(self.classes)} in the files "
                f"{part}-* of {folder}, which hold {len(order)}; ask for fewer, or give a "
                "folder with more."
            )
        index = order[:count]
        places = np.zeros(10, dtype=np.int64)
        places[list(self.classes)] = np.arange(len(self.classes))
        pixels = images[index].reshape(count, -1) / 255.0
        return Examples(
            inputs=(pixels - PIXEL_MEAN) / PIXEL_DEVIATION, targets=places[labels[index]]
        )


@lru_cache(maxsize=4)
def _stored(folder: Path, part: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Images (image, row, column) and labels (image,) of one of the two parts."""
    images = read_idx(_found(folder, _IMAGES.format(part)))
    labels = read_idx(_found(folder, _LABELS.format(part)))
    expected = (len(labels), _SIDE, _SIDE)
    if images.shape != expected or labels.ndim != 1 or labels.max(initial=0) > 9:
        raise InvalidStudyError(
            f"the files {part}-* of {folder} must hold images of {_SIDE} × {_SIDE} pixels and "
            f"a label 0 to 9 for each, received images of the shape {images.shape} and labels "
            f"of the shape {labels.shape} up to {labels.max(initial=0)}; fetch both again."
        )
    return images, labels


def _found(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise InvalidStudyError(
        f"mnist needs the file {name} or {name}.gz in the folder {folder}, which has neither; "
        "give the folder that holds the four files of MNIST."
    )
