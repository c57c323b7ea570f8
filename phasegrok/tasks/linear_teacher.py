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
        labels = {"disorder": disorder}
        values = np.array(self.singular_values)
        truth = {
            "left": _directions(study_seed, "left", labels, self.output_size, len(values)),
            "right": _directions(study_seed, "right", labels, self.input_size, len(values)),
            "singular_values": values,
            "strengths": self.strength * values,
            "variances": np.array(self.variances or (1.0,) * len(values)),
        }
        train, test = (
            self._normal(study_seed, role, labels, (count, self.input_size))
            for role, count in (("data", self.example_count), ("test data", self.test_count))
        )
        if self.whitened:
            train, test = _whitened(train, test)
        return TaskData(
            train=self._examples(study_seed, "label noise", labels, train, truth),
            test=self._examples(study_seed, "test label noise", labels, test, truth)
            if self.test_count
            else None,
            truth=truth,
        )

    def _examples(
        self,
        study_seed: int,
        role: str,
        labels: dict[str, int],
        normal: Array,
        truth: dict[str, Array],
    ) -> Examples:
        left, right = truth["left"], truth["right"]
        inputs = normal
        if self.variances:
            stretch = np.sqrt(truth["variances"]) - 1.0
            inputs = normal + _mapped(_mapped(normal, right) * stretch, right.T)
        signal = _mapped(_mapped(inputs, right) * truth["singular_values"], left.T)
        noise = self._normal(study_seed, role, labels, signal.shape)
        targets = self.strength * signal + self.label_noise * noise
        return Examples(
            inputs=inputs, targets=targets[:, 0] if self.output_size == 1 else targets
        )

    def _normal(
        self, study_seed: int, role: str, labels: dict[str, int], shape: tuple[int, ...]
    ) -> Array:
        """Rows of normal numbers, (example, column): the first are the same for every count."""
        source = np.random.default_rng(seed(study_seed, role, labels | {"size": shape[1]}))
        return source.standard_normal(shape)


def _called(name: str) -> str:
    return f"the {name} of linear_teacher"


def _mapped(rows: Array, matrix: Array) -> Array:
    """Rows times a matrix; unlike a product by BLAS, each row rounds alike in any number."""
    product: Array = np.einsum("ei,io->eo", rows, matrix, optimize=False)
    return product


def _directions(
    study_seed: int, role: str, labels: dict[str, int], size: int, count: int
) -> Array:
    """Orthonormal columns (size, count) of uniform law."""
    if size == 1:
        return np.ones((1, 1))
    source = np.random.default_rng(seed(study_seed, role, labels | {"size": size}))
    columns, triangle = np.linalg.qr(source.standard_normal((count, size)).T)
    # The signs of QR are those of an implementation; without them the law is not uniform.
    return columns * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)


def _whitened(train: Array, test: Array) -> tuple[Array, Array]:
    """Both sets by the symmetric map that makes trainᵀ train / n the unit matrix.

    Of all whitening maps it moves the inputs least (Kessy, Lewin, Strimmer, The American
    Statistician 72, 309 (2018)). From the singular values of the inputs themselves, so that
    nothing is squared.
    """
    left, spread, right = np.linalg.svd(train, full_matrices=False)
    root = np.sqrt(len(train))
    return root * (left @ right), (test @ right.T) * (root / spread) @ right
