"""Order parameters of a two-layer erf network that learns a cubic teacher.

Closed forms for Gaussian inputs: with q = w·w*, D = 1 + 2|w|²,
⟨H₁ erf(w·x)⟩ = 2q/√(πD) and ⟨H₃ erf(w·x)⟩ = -4q³/(√π D^(3/2)), checked by quadrature; they
need no test examples and carry no test noise (Rubin, Seroussi, Ringel, arXiv 2310.03789,
App. A.4).
"""

import math
from dataclasses import dataclass
from typing import final

from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import Network, TwoLayerNetwork
from phasegrok.observables.base import Observable
from phasegrok.observables.measurement import Measurement
from phasegrok.schema import Symmetry
from phasegrok.tasks import CubicTeacher, Task

__all__ = ["AlignedFraction", "CubicDiscrepancy", "LinearDiscrepancy", "TeacherOverlap"]


@final
@dataclass(frozen=True, kw_only=True)
class TeacherOverlap(Observable):
    """q = w·w* of every hidden neuron; the law is even in q."""

    name: str = "teacher_overlap"
    long_name: str = "overlap q = w·w* of each hidden neuron with the teacher"
    dims: tuple[str, ...] = ("neuron",)
    symmetry: Symmetry = Symmetry.SIGN

    def measure(self, measurement: Measurement) -> Tensor:
        """(run, neuron)."""
        return _overlaps(measurement)

    def check(self, network: Network, task: Task) -> None:
        """Refuse networks without hidden neurons and tasks without a teacher."""
        _check_two_layers(self.name, network, task)


@final
@dataclass(frozen=True, kw_only=True)
class AlignedFraction(Observable):
    """Fraction of hidden neurons with |q| beyond a threshold.

    Parameters
    ----------
    threshold : float
        In units of the teacher's length 1.
    """

    threshold: float = 0.5
    name: str = "aligned_fraction"

    @property
    def long_name(self) -> str:
        """Says the threshold."""
        return f"fraction of hidden neurons with |q| > {self.threshold:g}"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        return (_overlaps(measurement).abs() > self.threshold).double().mean(dim=1)

    def check(self, network: Network, task: Task) -> None:
        """Refuse networks without hidden neurons and tasks without a teacher."""
        _check_two_layers(self.name, network, task)


@final
@dataclass(frozen=True, kw_only=True)
class LinearDiscrepancy(Observable):
    """b = 1 - ⟨f H₁⟩: what the network has not learned of the linear part."""

    name: str = "linear_discrepancy"
    long_name: str = "linear discrepancy b = 1 - ⟨f H₁⟩"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        overlaps, spread = _overlaps(measurement), _spread(measurement)
        terms = 2.0 * overlaps / (math.pi * spread).sqrt()
        return 1.0 - (_readout(measurement) * terms).sum(dim=1)

    def check(self, network: Network, task: Task) -> None:
        """Refuse other activations: the closed form is that of erf."""
        _check_erf(self.name, network, task)


@final
@dataclass(frozen=True, kw_only=True)
class CubicDiscrepancy(Observable):
    """c = ε - ⟨f H₃⟩/6: what the network has not learned of the cubic part."""

    name: str = "cubic_discrepancy"
    long_name: str = "cubic discrepancy c = ε - ⟨f H₃⟩/6"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        overlaps, spread = _overlaps(measurement), _spread(measurement)
        # Products and square roots round alike in every vector lane; powers do not.
        cubes, volumes = overlaps * overlaps * overlaps, spread * spread.sqrt()
        terms = -4.0 * cubes / (6.0 * math.sqrt(math.pi) * volumes)
        learned = (_readout(measurement) * terms).sum(dim=1)
        return measurement.task_numbers("cubic") - learned

    def check(self, network: Network, task: Task) -> None:
        """Refuse other activations: the closed form is that of erf."""
        _check_erf(self.name, network, task)


def _overlaps(measurement: Measurement) -> Tensor:
    first = measurement.parameters["first"].double()
    teacher = measurement.truth["teacher"].double()
    return (first * teacher[:, None, :]).sum(dim=2)


def _spread(measurement: Measurement) -> Tensor:
    return 1.0 + 2.0 * measurement.parameters["first"].double().square().sum(dim=2)


def _readout(measurement: Measurement) -> Tensor:
    return measurement.parameters["readout"].double()[:, 0]


def _check_two_layers(name: str, network: Network, task: Task) -> None:
    if not isinstance(network, TwoLayerNetwork) or not isinstance(task, CubicTeacher):
        raise InvalidStudyError(
            f"{name} needs the network two_layer and the task cubic_teacher, received "
            f"{type(network).__name__} and {type(task).__name__}; leave it out."
        )


def _check_erf(name: str, network: Network, task: Task) -> None:
    _check_two_layers(name, network, task)
    activation = getattr(network, "activation", "none")
    if activation != "erf":
        raise InvalidStudyError(
            f"{name} is a closed form for the activation 'erf', received {activation!r}; leave "
            "it out, or measure test_loss."
        )
