"""A linear teacher with given singular values, on Gaussian inputs that may be whitened."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidStudyError
from phasegrok.seeding import seed
from phasegrok.study.checks import (
    require_boolean,
    require_list,
    require_non_negative,
    require_number,
    require_positive,
    require_whole,
)
from phasegrok.tasks.data import Examples, TaskData
from phasegrok.tasks.whitening import mapped_rows, orthonormal_columns, whitened

__all__ = ["LinearTeacher"]

Array = npt.NDArray[np.float64]


@final
@dataclass(frozen=True, kw_only=True)
class LinearTeacher:
    """y = strength · S x + label_noise · ξ with S = Σ_k s_k u_k v_kᵀ and unit normal ξ.

    The orthonormal directions u_k and v_k are drawn by disorder; with a single input or output
    the direction is 1, so that S = s for one of each. Inputs are Gaussian of mean zero, with
    the variance c_k along v_k and 1 along all other directions. The loss is
    L = (1/2n) Σ_μ |f(x_μ) - y_μ|², which for whitened inputs without label noise and
    f(x) = W x is ½ tr[(W - S) C (W - S)ᵀ] exactly, C the covariance of the inputs.

    Teacher, inputs and noise depend neither on `strength` nor on `label_noise`, so the targets
    are affine in both.

    Parameters
    ----------
    input_size, output_size : int
        Numbers of inputs and outputs.
    singular_values : list of float
        s_k > 0 of each mode, at most as many as inputs and as outputs.
    example_count : int
        Number n of training examples.
    variances : list of float
        c_k > 0, one for each mode; 1 where the list is empty.
    whitened : bool
        Whether Σ_μ x_μ x_μᵀ / n of the training inputs is the covariance C exactly; test
        inputs are transformed by the same map. Whitening mixes all n examples, so the first
        of them are other ones for every n; data are nested in n only without it.
    strength, label_noise : float
        Factor of S, and standard deviation of the noise, of training and test labels alike.
    test_count : int
        Number of fresh examples; 0 for none.

    References
    ----------
    Saxe, McClelland, Ganguli, arXiv 1312.6120 (ICLR 2014): modes of deep linear networks.
    """

    input_size: int
    output_size: int
    singular_values: tuple[float, ...]
    example_count: int
    variances: tuple[float, ...] = ()
    whitened: bool = True
    strength: float = 1.0
    label_noise: float = 0.0
    test_count: int = 0
    loss: str = "half_mean_squared_error"

    def __post_init__(self) -> None:
        """Refuse sizes and numbers that make no teacher.

        Raises
        ------
        InvalidStudyError
            For sizes below 1, values that are not positive, more modes than inputs or
            outputs, or fewer examples than inputs where they are to be whitened.
        """
        smallest = {"input_size": 1, "output_size": 1, "example_count": 1, "test_count": 0}
        for name, least in smallest.items():
            size = require_whole(_called(name), getattr(self, name), minimum=least)
            object.__setattr__(self, name, size)
        for name in ("singular_values", "variances"):
            values = require_list(_called(name), getattr(self, name))
            numbers = tuple(float(require_positive(_called(name), each)) for each in values)
            object.__setattr__(self, name, numbers)
        require_boolean(_called("whitened"), self.whitened)
        require_number(_called("strength"), self.strength)
        require_non_negative(_called("label_noise"), self.label_noise)
        self._check_counts()

    def _check_counts(self) -> None:
        modes, most = len(self.singular_values), min(self.input_size, self.output_size)
        if not 1 <= modes <= most:
            raise InvalidStudyError(
                f"{_called('singular_values')} must be 1 to {most} for {self.input_size} "
                f"inputs and {self.output_size} outputs, received {modes}; change the list "
                "or a size."
            )
        if self.variances and len(self.variances) != modes:
            raise InvalidStudyError(
                f"{_called('variances')} must be one for each of the {modes} singular values, "
                f"received {len(self.variances)}; leave them out for inputs of variance 1."
            )
        if self.whitened and self.example_count < self.input_size:
            raise InvalidStudyError(
                f"linear_teacher whitens its {self.input_size} inputs over at least as many "
                f"examples, received an example_count of {self.example_count}; raise it or set "
                "whitened = false."
            )

    @property
    def input_shape(self) -> tuple[int]:
        """Shape of one input, (d,)."""
        return (int(self.input_size),)

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        """Draw a teacher and its examples.

        Parameters
        ----------
        study_seed : int
            Seed of the study.
        disorder : int
            Which draw.

        Returns
        -------
        TaskData
            Inputs (example, input) and targets (example[, output]), dimensionless; without the
            output axis for one output. Truth: "left" u (output, mode), "right" v (input, mode),
            "singular_values" s_k as stated, without the strength, "strengths" strength · s_k,
            and "variances" c_k, (mode,) each.
        """

        def normal(role: str, count: int, size: int) -> Array:
            return _source(study_seed, disorder, role, size).standard_normal((count, size))

        truth = self._truth(study_seed, disorder)
        train = normal("data", self.example_count, self.input_size)
        test = normal("test data", self.test_count, self.input_size)
        if self.whitened:
            train, test = whitened(train, test)
        noise = normal("label noise", self.example_count, self.output_size)
        test_noise = normal("test label noise", self.test_count, self.output_size)
        return TaskData(
            train=self._examples(train, noise, truth),
            test=self._examples(test, test_noise, truth) if self.test_count else None,
            truth=truth,
        )

    def _truth(self, study_seed: int, disorder: int) -> dict[str, Array]:
        values = np.array(self.singular_values)
        left, right = (
            orthonormal_columns(
                _source(study_seed, disorder, role, size), size=size, count=len(values)
            )
            for role, size in (("left", self.output_size), ("right", self.input_size))
        )
        return {
            "left": left,
            "right": right,
            "singular_values": values,
            "strengths": self.strength * values,
            "variances": np.array(self.variances or (1.0,) * len(values)),
        }

    def _examples(self, normal: Array, noise: Array, truth: dict[str, Array]) -> Examples:
        left, right = truth["left"], truth["right"]
        inputs = normal
        if self.variances:
            stretch = np.sqrt(truth["variances"]) - 1.0
            inputs = normal + mapped_rows(mapped_rows(normal, right) * stretch, right.T)
        signal = mapped_rows(mapped_rows(inputs, right) * truth["singular_values"], left.T)
        targets = self.strength * signal + self.label_noise * noise
        return Examples(
            inputs=inputs, targets=targets[:, 0] if self.output_size == 1 else targets
        )


def _source(study_seed: int, disorder: int, role: str, size: int) -> np.random.Generator:
    """Rows drawn from it are nested: the first ones are the same for every number of them."""
    return np.random.default_rng(seed(study_seed, role, {"disorder": disorder, "size": size}))


def _called(name: str) -> str:
    return f"the {name} of linear_teacher"
