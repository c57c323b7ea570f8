"""A linear teacher with a cubic part, on Gaussian inputs."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from phasegrok.seeding import seed
from phasegrok.study.checks import require_whole
from phasegrok.tasks.data import Examples, TaskData

__all__ = ["CubicTeacher"]


@final
@dataclass(frozen=True, kw_only=True)
class CubicTeacher:
    """y(x) = H₁(w*·x) + ε H₃(w*·x) with x ~ N(0, I) and |w*| = 1, without label noise.

    H₁(z) = z and H₃(z) = z³ - 3z are Hermite polynomials, so ‖H₃‖² = 6. The loss is
    L = ½ Σ_μ (f(x_μ) - y_μ)², hence the temperature of a posterior is the variance σ² of its
    measurement noise.

    Parameters
    ----------
    input_size : int
        Number d of inputs.
    example_count : int
        Number n of training examples.
    cubic : float
        ε.
    test_count : int
        Number of fresh examples for the test loss; 0 for none.

    References
    ----------
    Rubin, Seroussi, Ringel, arXiv 2310.03789 (ICLR 2024), Eqs. 1-2.
    """

    input_size: int
    example_count: int
    cubic: float
    test_count: int = 1000
    loss: str = "half_squared_error"

    def __post_init__(self) -> None:
        """Refuse sizes that leave nothing to learn.

        Raises
        ------
        InvalidStudyError
            For a size below 1 or a negative number of test examples.
        """
        for name, least in {"input_size": 1, "example_count": 1, "test_count": 0}.items():
            count = require_whole(
                f"the {name} of cubic_teacher", getattr(self, name), minimum=least
            )
            object.__setattr__(self, name, count)

    @property
    def input_shape(self) -> tuple[int]:
        """Shape of one input, (d,)."""
        return (int(self.input_size),)

    @property
    def output_size(self) -> int:
        """One output."""
        return 1

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        """Draw a teacher and its examples.

        Parameters
        ----------
        study_seed : int
            Seed of the study.
        disorder : int
            Which draw. Data are nested: the first n examples are the same for every n.

        Returns
        -------
        TaskData
            Inputs (example, input) and targets (example,), dimensionless; truth "teacher" is
            the unit vector w* (input,).
        """
        labels = {"disorder": disorder, "input_size": self.input_size}
        direction = _generator(study_seed, "teacher", labels).standard_normal(self.input_size)
        teacher = direction / np.linalg.norm(direction)
        train = self._examples(
            _generator(study_seed, "data", labels), teacher, self.example_count
        )
        test = None
        if self.test_count:
            source = _generator(study_seed, "test data", labels)
            test = self._examples(source, teacher, self.test_count)
        return TaskData(train=train, test=test, truth={"teacher": teacher})

    def _examples(
        self, source: np.random.Generator, teacher: npt.NDArray[np.float64], count: int
    ) -> Examples:
        inputs = source.standard_normal((int(count), self.input_size))
        z = inputs @ teacher
        return Examples(inputs=inputs, targets=z + self.cubic * (z**3 - 3.0 * z))


def _generator(study_seed: int, role: str, labels: dict[str, int]) -> np.random.Generator:
    return np.random.default_rng(seed(study_seed, role, dict(labels)))
