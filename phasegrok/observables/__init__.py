"""What is measured on live networks: pure functions with a name, a unit, a description."""

from collections.abc import Callable, Sequence

from phasegrok.errors import InvalidStudyError
from phasegrok.observables.answers import Accuracy, TargetOverlap, TestAccuracy
from phasegrok.observables.base import Observable
from phasegrok.observables.cubic_teacher import (
    AlignedFraction,
    CubicDiscrepancy,
    LinearDiscrepancy,
    TeacherOverlap,
)
from phasegrok.observables.linear_teacher import ModeStrength
from phasegrok.observables.losses import TestLoss, TrainLoss
from phasegrok.observables.measurement import Measurement
from phasegrok.study import Part, build_part

__all__ = [
    "OBSERVABLES",
    "Accuracy",
    "AlignedFraction",
    "CubicDiscrepancy",
    "LinearDiscrepancy",
    "Measurement",
    "ModeStrength",
    "Observable",
    "TargetOverlap",
    "TeacherOverlap",
    "TestAccuracy",
    "TestLoss",
    "TrainLoss",
    "build_observables",
]

OBSERVABLES: dict[str, Callable[..., Observable]] = {
    "accuracy": Accuracy,
    "aligned_fraction": AlignedFraction,
    "cubic_discrepancy": CubicDiscrepancy,
    "linear_discrepancy": LinearDiscrepancy,
    "mode_strength": ModeStrength,
    "target_overlap": TargetOverlap,
    "teacher_overlap": TeacherOverlap,
    "test_accuracy": TestAccuracy,
    "test_loss": TestLoss,
    "train_loss": TrainLoss,
}
"""Built-in kinds, by the name used in a study."""


def build_observables(descriptions: Sequence[Part]) -> tuple[Observable, ...]:
    """Make the observables that parts describe.

    Parameters
    ----------
    descriptions : sequence of Part
        Kinds and options.

    Returns
    -------
    tuple of Observable
        In the same order.

    Raises
    ------
    InvalidStudyError
        For an unknown kind or option, a plug-in that is none, or a name used twice.
    """
    built = tuple(build_part(each, OBSERVABLES, "observable") for each in descriptions)
    names = [each.name for each in built if isinstance(each, Observable)]
    if len(names) < len(built):
        raise InvalidStudyError(
            "an observable must be a phasegrok.observables.Observable, received "
            f"{[type(each).__name__ for each in built]}. See docs/extending.md."
        )
    if len(set(names)) < len(names):
        raise InvalidStudyError(
            f"every observable needs a name of its own, received {names}; give one the option "
            "'name'."
        )
    return built
