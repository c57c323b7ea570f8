"""Order parameters of linear networks that learn a linear teacher, in closed form."""

from dataclasses import dataclass
from typing import final

from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import DeepNetwork, Network, TwoLayerNetwork
from phasegrok.networks.padding import aligned_product
from phasegrok.observables.base import Observable
from phasegrok.observables.measurement import Measurement
from phasegrok.study.checks import require_whole
from phasegrok.tasks import LinearTeacher, Task

__all__ = ["ModeStrength"]


@final
@dataclass(frozen=True, kw_only=True)
class ModeStrength(Observable):
    """m_k = u_kᵀ W v_k, how much of the modes of the teacher the linear map W holds.

    It is the strength times the singular value of the mode where all is learned, and 0 where
    nothing is. u_k and v_k are the teacher's directions.

    Parameters
    ----------
    mode : int or None
        Which mode, counted from 0 in the order of the teacher's singular values, as one number
        of a run, such as events need; None for all of them.

    References
    ----------
    Saxe, McClelland, Ganguli, arXiv 1312.6120 (ICLR 2014).
    """

    mode: int | None = None
    name: str = "mode_strength"

    def __post_init__(self) -> None:
        """Refuse what counts no mode.

        Raises
        ------
        InvalidStudyError
            For a negative number or a fraction.
        """
        if self.mode is not None:
            require_whole("the mode of mode_strength", self.mode, minimum=0)

    @property
    def long_name(self) -> str:
        """Says which mode."""
        which = "each mode" if self.mode is None else f"mode {self.mode}"
        return f"strength uᵀWv of {which} of the teacher in the network"

    @property
    def dims(self) -> tuple[str, ...]:
        """("mode",), or none for a single mode."""
        return ("mode",) if self.mode is None else ()

    def measure(self, measurement: Measurement) -> Tensor:
        """(run, mode), or (run,) for a single mode."""
        left, right = (
            measurement.truth[name].double().transpose(1, 2) for name in ("left", "right")
        )
        if self.mode is not None:
            left, right = (each[:, self.mode : self.mode + 1] for each in (left, right))
        layers = _layers(measurement)
        rows = left.expand(len(layers[0]), -1, -1)
        for weights in reversed(layers):
            rows = aligned_product(rows, weights)
        strengths = (rows * right).sum(dim=2)
        return strengths if self.mode is None else strengths[:, 0]

    def check(self, network: Network, task: Task) -> None:
        """Refuse networks that are not linear, other tasks, and modes that there are not."""
        linear = getattr(network, "activation", "") == "linear"
        known = isinstance(network, DeepNetwork | TwoLayerNetwork) and linear
        if not known or not isinstance(task, LinearTeacher):
            raise InvalidStudyError(
                f"{self.name} needs the network deep_linear, or two_layer with the activation "
                "'linear', and the task linear_teacher, received "
                f"{type(network).__name__} and {type(task).__name__}; leave it out, or measure "
                "target_overlap."
            )
        count = len(task.singular_values)
        if self.mode is not None and self.mode >= count:
            raise InvalidStudyError(
                f"{self.name} needs one of the {count} modes of the teacher, counted from 0, "
                f"received {self.mode}; give a smaller number."
            )


def _layers(measurement: Measurement) -> list[Tensor]:
    """Weights (run, above, below) of all layers from the inputs on, in float64."""
    weights = measurement.parameters
    return [weights[leaf.name].double() for leaf in measurement.network.leaves]
