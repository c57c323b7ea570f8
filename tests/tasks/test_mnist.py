"""Digits: real ones, scaled as told, chosen by disorder, nested; damaged folders refused."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import part
from phasegrok.tasks import Mnist, TaskData, build_task, read_idx, write_idx
from phasegrok.tasks.mnist import SHIPPED


def drawn(seed: int = 3, disorder: int = 0, **changes: Any) -> TaskData:
    options = {"example_count": 100, "test_count": 20}
    return Mnist(**(options | changes)).draw(study_seed=seed, disorder=disorder)


def test_the_subset_is_balanced_and_real() -> None:
    for name, count in (("train", 200), ("t10k", 100)):
        images = read_idx(SHIPPED / f"{name}-images-idx3-ubyte.gz")
        labels = read_idx(SHIPPED / f"{name}-labels-idx1-ubyte.gz")
        assert images.shape == (10 * count, 28, 28)
        assert np.bincount(labels).tolist() == [count] * 10
        # The first labels of MNIST itself, until a digit has all of its images.
        first = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4] if count == 200 else [7, 2, 1, 0, 4, 1, 4, 9]
        assert labels[: len(first)].tolist() == first
        assert len(np.unique(images.reshape(10 * count, -1), axis=0)) == 10 * count
        # A one has less ink than any other digit, a zero the most.
        ink = [images[labels == digit].mean() for digit in range(10)]
        assert (int(np.argmin(ink)), int(np.argmax(ink))) == (1, 0)


def test_pixels_are_scaled_and_every_label_goes_with_its_image() -> None:
    data = drawn(example_count=2000, test_count=1000)
    assert data.test is not None
    for name, examples in (("train", data.train), ("t10k", data.test)):
        images = read_idx(SHIPPED / f"{name}-images-idx3-ubyte.gz").reshape(-1, 784)
        labels = read_idx(SHIPPED / f"{name}-labels-idx1-ubyte.gz")
        stored = {
            image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)
        }
        pixels = (examples.inputs * 0.3081 + 0.1307) * 255.0
        rounded = np.rint(pixels).astype(np.uint8)
        np.testing.assert_allclose(pixels, rounded, atol=1e-10)
        found = [stored.pop(image.tobytes()) for image in rounded]
        assert found == examples.targets.tolist()  # Each image once.
    assert abs(data.train.inputs.mean()) < 0.05  # Those of the subset, not of all of MNIST.
    assert abs(data.train.inputs.std() - 1.0) < 0.05


def test_subsets_are_nested_and_drawn_by_disorder() -> None:
    few, many = drawn(example_count=30, test_count=5), drawn()
    np.testing.assert_array_equal(few.train.inputs, many.train.inputs[:30])
    np.testing.assert_array_equal(few.train.targets, many.train.targets[:30])
    assert few.test is not None
    assert many.test is not None
    np.testing.assert_array_equal(few.test.inputs, many.test.inputs[:5])
    draws = [drawn(seed, disorder).train.inputs for seed in (1, 2) for disorder in (0, 1)]
    for first in range(4):
        for second in range(first):
            assert not np.array_equal(draws[first], draws[second])
    assert drawn(test_count=0).test is None


def test_classes_are_their_places_in_the_list() -> None:
    every, few = drawn(example_count=2000), drawn(example_count=400, classes=[7, 2])
    task = Mnist(example_count=1, classes=(7, 2))
    assert (task.output_size, task.input_shape) == (2, (784,))
    kept = np.isin(every.train.targets, [2, 7])
    np.testing.assert_array_equal(few.train.inputs, every.train.inputs[kept])
    np.testing.assert_array_equal(
        np.array([7, 2])[few.train.targets], every.train.targets[kept]
    )


def copied(folder: Path) -> Path:
    for path in SHIPPED.glob("*.gz"):
        shutil.copy(path, folder)
    return folder


def test_a_folder_of_ones_own_plain_or_compressed(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    packed = folder / "train-images-idx3-ubyte.gz"
    write_idx(folder / "train-images-idx3-ubyte", read_idx(packed))
    packed.unlink()
    same = drawn(folder=str(folder))
    np.testing.assert_array_equal(same.train.inputs, drawn().train.inputs)


def test_refuses_folders_without_sound_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidStudyError, match=r"train-images-idx3-ubyte or .* has neither"):
        drawn(folder=str(tmp_path))
    folder = copied(tmp_path)
    labels = folder / "train-labels-idx1-ubyte.gz"
    for bad in (read_idx(labels)[:-1], read_idx(labels) + np.uint8(1)):
        write_idx(labels, bad)
        with pytest.raises(InvalidStudyError, match="a label 0 to 9 for each, received images"):
            drawn(folder=str(folder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"example_count": 0}, "example_count of mnist must be at least 1, received 0"),
        ({"test_count": -1}, "test_count of mnist must be at least 0"),
        ({"classes": [3]}, r"two or more different digits, received \[3\]"),
        ({"classes": [3, 3]}, r"two or more different digits, received \[3, 3\]"),
        ({"classes": [3, 10]}, "digit in the classes of mnist must be at most 9, received 10"),
        ({"folder": 3}, "the folder of mnist must be text, received 3"),
        ({"example_cout": 3}, "Did you mean 'example_count'"),
    ],
)
def test_refuses_what_chooses_no_images(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        build_task(part("mnist", **({"example_count": 10} | options)))


def test_refuses_more_images_than_there_are() -> None:
    message = r"needs 401 images of the digits \[0, 1\] in the files train-\* .* hold 400; ask"
    with pytest.raises(InvalidStudyError, match=message):
        drawn(example_count=401, classes=[0, 1])
