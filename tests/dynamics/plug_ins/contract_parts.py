"""Parts of the user's own, of every kind that later studies will bring."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from phasegrok.dynamics import Drive, Integrator, Penalty, Settings, StartContext, State, System
from phasegrok.networks import Leaf, Network, Parameters, SingleRunNetwork
from phasegrok.observables import Measurement, Observable
from phasegrok.seeding import seed
from phasegrok.tasks import Examples, TaskData


def _source(study_seed: int, disorder: int, role: str = "data") -> np.random.Generator:
    return np.random.default_rng(seed(study_seed, role, {"disorder": disorder}))


@dataclass(frozen=True, kw_only=True)
class Images:
    """Noisy pictures of one of three stripes, to be told apart."""

    example_count: int
    contrast: float = 1.0
    test_count: int = 10
    loss: str = "cross_entropy"
    input_shape: tuple[int, ...] = (1, 8, 8)
    output_size: int = 3

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        train = self._examples(_source(study_seed, disorder), self.example_count)
        test = self._examples(_source(study_seed, disorder, "test"), self.test_count)
        return TaskData(train=train, test=test)

    def _examples(self, source: np.random.Generator, count: int) -> Examples:
        noise = source.standard_normal((count, *self.input_shape))
        classes = source.integers(3, size=count)
        for image, label in zip(noise, classes, strict=True):
            image[:, 2 * label + 1] += self.contrast
        return Examples(inputs=noise, targets=classes)


@dataclass(frozen=True, kw_only=True)
class SparseTeacher:
    """y = β*·x with few components, one or several outputs, or with noise on the labels."""

    example_count: int
    input_size: int
    nonzero: int = 1
    label_noise: float = 0.0
    output_size: int = 1
    test_count: int = 8
    loss: str = "half_squared_error"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.input_size,)

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        teacher = np.zeros((self.input_size, self.output_size))
        teacher[: self.nonzero] = 1.0 + np.arange(self.output_size)
        train = self._examples(_source(study_seed, disorder), teacher, self.example_count)
        test = self._examples(_source(study_seed, disorder, "test"), teacher, self.test_count)
        return TaskData(train=train, test=test, truth={"teacher": teacher[:, 0]})

    def _examples(
        self, source: np.random.Generator, teacher: npt.NDArray[np.float64], count: int
    ) -> Examples:
        inputs = source.standard_normal((count, self.input_size))
        targets = inputs @ teacher
        targets += self.label_noise * source.standard_normal(targets.shape)
        return Examples(
            inputs=inputs, targets=targets[:, 0] if self.output_size == 1 else targets
        )


@dataclass(frozen=True, kw_only=True)
class SeenFraction:
    """A task whose number of examples follows from a fraction, as in modular arithmetic."""

    fraction: float
    loss: str = "half_squared_error"
    input_shape: tuple[int, ...] = (4,)
    output_size: int = 1

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        inputs = _source(study_seed, disorder).standard_normal((40, 4))[
            : int(40 * self.fraction)
        ]
        return TaskData(train=Examples(inputs=inputs, targets=inputs[:, 0]))


@dataclass(frozen=True, kw_only=True)
class MatrixEntries:
    """Entries of a matrix of rank one; inputs are whole numbers, row and column."""

    example_count: int
    size: int = 5
    loss: str = "half_squared_error"
    input_shape: tuple[int, ...] = (2,)
    output_size: int = 1

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        source = _source(study_seed, disorder)
        left, right = source.standard_normal((2, self.size))
        where = source.permutation(self.size**2)[: self.example_count]
        rows, columns = np.divmod(where, self.size)
        inputs = np.stack([rows, columns], axis=1)
        return TaskData(train=Examples(inputs=inputs, targets=left[rows] * right[columns]))


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Examples that teach nothing: all inputs and targets are zero."""

    input_size: int
    example_count: int = 1
    loss: str = "half_squared_error"
    output_size: int = 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.input_size,)

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        del study_seed, disorder
        inputs = np.zeros((self.example_count, self.input_size))
        return TaskData(train=Examples(inputs=inputs, targets=np.zeros(self.example_count)))


@dataclass(frozen=True, kw_only=True)
class TwoOnes:
    """Two examples of input and target one: with `Square`, L = (θ² - 1)²."""

    example_count: int = 2
    loss: str = "half_squared_error"
    input_shape: tuple[int, ...] = (1,)
    output_size: int = 1

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        del study_seed, disorder
        ones = np.ones((self.example_count, 1))
        return TaskData(train=Examples(inputs=ones, targets=ones[:, 0]))


class Convolution(nn.Module):
    """A small convolutional network."""

    def __init__(self, channels: int = 4, output_size: int = 3) -> None:
        super().__init__()
        self.filters = nn.Conv2d(1, channels, 3)
        self.readout = nn.Linear(channels * 9, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = torch.nn.functional.avg_pool2d(torch.relu(self.filters(inputs)), 2)
        answers: Tensor = self.readout(hidden.flatten(1))
        return answers


class Perceptron(nn.Module):
    """Two layers with biases and an own parameter that no `reset_parameters` knows."""

    def __init__(self, input_size: int, width: int, output_size: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_size, width), nn.Tanh(), nn.Linear(width, output_size)
        )
        self.scale = nn.Parameter(torch.randn(1))

    def forward(self, inputs: Tensor) -> Tensor:
        answers: Tensor = self.layers(inputs) * self.scale
        return answers


class Dropping(nn.Module):
    """A module that draws random numbers of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5), nn.Linear(2, 1))


class Normalised(nn.Module):
    """A module with a memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))


@dataclass(frozen=True, kw_only=True)
class TwoLayersOneRun(SingleRunNetwork):
    """The two-layer erf network, written for one run as a user would."""

    width: int
    input_shape: tuple[int, ...]
    output_size: int = 1
    activation: str = "erf"

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return (
            Leaf("first", (self.width, self.input_shape[0])),
            Leaf("readout", (self.output_size, self.width)),
        )

    def single_outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None
    ) -> Tensor:
        del noise
        functions = {
            "erf": torch.erf,
            "tanh": torch.tanh,
            "relu": torch.relu,
            "quadratic": torch.square,
            "linear": torch.clone,
        }
        hidden = functions[self.activation](inputs @ parameters["first"].T)
        answers = hidden @ parameters["readout"].T
        return answers[:, 0] if self.output_size == 1 else answers


@dataclass(frozen=True, kw_only=True)
class Dropout(SingleRunNetwork):
    """Two layers whose hidden neurons are dropped, each for each example on its own."""

    width: int
    input_shape: tuple[int, ...]
    dropped: float = 0.5

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return (
            Leaf("first", (self.width, self.input_shape[0])),
            Leaf("readout", (self.width,)),
        )

    def noise_shape(self, example_count: int) -> tuple[int, ...] | None:
        return (example_count, self.width)

    def single_outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None
    ) -> Tensor:
        hidden = torch.tanh(inputs @ parameters["first"].T)
        if noise is not None:
            hidden = hidden * (noise >= self.dropped) / (1.0 - self.dropped)
        return (hidden * parameters["readout"]).sum(-1)


@dataclass(frozen=True, kw_only=True)
class Diagonal(Network):
    """f(x) = Σ_i (u_i² - v_i²) x_i."""

    input_size: int

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return Leaf("plus", (self.input_size,)), Leaf("minus", (self.input_size,))

    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        del noise
        slopes = parameters["plus"].square() - parameters["minus"].square()
        return (slopes[:, None, :] * inputs).sum(-1)


@dataclass(frozen=True, kw_only=True)
class Square(Network):
    """f(x) = Σ_i θ_i² x_i."""

    input_size: int

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return (Leaf("weights", (self.input_size,)),)

    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        del noise
        return (parameters["weights"].square()[:, None, :] * inputs).sum(-1)


@dataclass(frozen=True, kw_only=True)
class MatrixFactorisation(SingleRunNetwork):
    """M = U Vᵀ, seen at the entries that the inputs name."""

    size: int
    rank: int
    input_shape: tuple[int, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return Leaf("left", (self.size, self.rank)), Leaf("right", (self.size, self.rank))

    def single_outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None
    ) -> Tensor:
        del noise
        return (parameters["left"][inputs[:, 0]] * parameters["right"][inputs[:, 1]]).sum(-1)


@dataclass(frozen=True, kw_only=True)
class Linear(Network):
    """f(x) = w·x, its weights in two layers when asked, each with a prior of its own."""

    input_size: int
    second_size: int = 0
    prior_variance: float = 1.0

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        first = Leaf("weights", (self.input_size - self.second_size,))
        return (first, Leaf("others", (self.second_size,))) if self.second_size else (first,)

    def prior_variances(self) -> dict[str, float]:
        return {leaf.name: self.prior_variance for leaf in self.leaves}

    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        del noise
        weights = torch.cat([parameters[leaf.name] for leaf in self.leaves], dim=1)
        return (weights[:, None, :] * inputs).sum(-1)


@dataclass(frozen=True, kw_only=True)
class SmoothSparsity(Penalty):
    """Σ √(θ² + floor): nearly |θ|, with a gradient everywhere."""

    floor: float = 0.01

    def energy(self, parameters: Parameters) -> Tensor:
        terms = [(each.square() + self.floor).sqrt().sum() for each in parameters.values()]
        return torch.stack(terms).sum()


@dataclass(frozen=True, kw_only=True)
class LargestWeight(Observable):
    """Largest weight of a run, by absolute value."""

    name: str = "largest_weight"
    long_name: str = "largest absolute weight"

    def measure(self, measurement: Measurement) -> Tensor:
        return measurement.rows.abs().amax(dim=1)


@dataclass(frozen=True, kw_only=True)
class Weights(Observable):
    """All weights of the first layer."""

    name: str = "weights"
    long_name: str = "weights of the first layer"
    dims: tuple[str, ...] = ("weight",)

    def measure(self, measurement: Measurement) -> Tensor:
        return next(iter(measurement.parameters.values())).flatten(1)


@dataclass(frozen=True, kw_only=True)
class RefusesNan(Observable):
    """Raises on numbers without meaning, as an eigenvalue routine would."""

    name: str = "finite_sum"
    long_name: str = "sum of the weights"

    def measure(self, measurement: Measurement) -> Tensor:
        if not bool(measurement.rows.isfinite().all()):
            raise ArithmeticError("weights must be finite")
        return measurement.rows.sum(dim=1)


@dataclass(frozen=True, kw_only=True)
class SignDescent(Integrator):
    """θ ← θ - η sign(∂U/∂θ)."""

    step_size: float

    def begin(self, state: State, system: System, settings: Settings) -> None:
        del state, system, settings

    def step(self, state: State, system: System, drive: Drive) -> None:
        step_size = drive.settings["step_size"]
        data = system.data_gradient(state.position, drive.minibatch, drive.noise).rows
        full = system.assemble(data, state.position, torch.empty_like(state.position))
        state.position.sub_(full.sign() * step_size)
        state.time += step_size[:, 0].double()


def ones_start(context: StartContext) -> Parameters:
    """All weights one."""
    return {
        leaf.name: torch.ones(leaf.shape, dtype=context.dtype)
        for leaf in context.network.leaves
    }


@dataclass(frozen=True, kw_only=True)
class StudentFromPrior:
    """Data that a two-layer erf student drawn from its own prior would give, with noise."""

    example_count: int
    input_size: int
    width: int
    noise_variance: float
    first_variance: float = 1.0
    readout_variance: float = 1.0
    loss: str = "half_squared_error"
    output_size: int = 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.input_size,)

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        source = _source(study_seed, disorder)
        inputs = source.standard_normal((self.example_count, self.input_size))
        first = source.standard_normal((self.width, self.input_size))
        first *= math.sqrt(self.first_variance / self.input_size)
        readout = source.standard_normal(self.width)
        readout *= math.sqrt(self.readout_variance / self.width)
        erf = np.vectorize(math.erf)
        clean = erf(inputs @ first.T) @ readout
        noise = math.sqrt(self.noise_variance) * source.standard_normal(self.example_count)
        return TaskData(
            train=Examples(inputs=inputs, targets=clean + noise),
            truth={"first": first, "readout": readout},
        )
