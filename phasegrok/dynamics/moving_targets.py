"""Targets that change within a run, with a number of the task in which they are affine."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import ExampleBatch
from phasegrok.study import Ramp
from phasegrok.tasks import Examples, Task, TaskData

__all__ = ["AffineData", "AffineTargets", "affine_data", "float_fields"]

_ROUNDING = 1e-9


def float_fields(part: object) -> list[str]:
    """Names of the options of a part that are numbers with a decimal point."""
    if not is_dataclass(part):
        return []
    return [each.name for each in fields(part) if each.type in (float, "float")]


@final
@dataclass(frozen=True, kw_only=True)
class AffineData:
    """One draw of a task at two values of one of its numbers.

    Parameters
    ----------
    first, second : TaskData
        The draw at the ends of the range.
    low, high : float
        These ends.
    """

    first: TaskData
    second: TaskData
    low: float
    high: float


def affine_data(task: Task, ramp: Ramp, *, study_seed: int, disorder: int) -> AffineData:
    """Draw a task at the ends of a ramp, and make sure that targets are affine between.

    Parameters
    ----------
    task : Task
        A dataclass.
    ramp : Ramp
        Values of one of its numbers.
    study_seed, disorder : int
        As in `Task.draw`.

    Returns
    -------
    AffineData
        Inputs are the same at both ends.

    Raises
    ------
    InvalidStudyError
        Where inputs depend on the number, or targets do so other than affinely.
    """
    control, values = ramp.control, [value for _, value in ramp.knots]
    low, high = min(values), max(values)
    places = (low, high, 0.5 * (low + high))
    first, second, middle = (
        replace(task, **{control: place}).draw(study_seed=study_seed, disorder=disorder)  # type: ignore[type-var]
        for place in places
    )
    for side in ("train", "test"):
        sets = [getattr(each, side) for each in (first, second, middle)]
        if sets[0] is not None and not _is_affine(sets):
            raise InvalidStudyError(
                f"{control!r} of the task {type(task).__name__} cannot change within a run: "
                "that needs inputs which do not depend on it and targets which are affine in "
                f"it, and its {side} examples are not so between {low:g} and {high:g}; make it "
                "a control of the plan."
            )
    return AffineData(first=first, second=second, low=low, high=high)


def _is_affine(sets: Sequence[Examples]) -> bool:
    first, second, middle = sets
    if not all(np.array_equal(first.inputs, each.inputs) for each in (second, middle)):
        return False
    ends: list[npt.NDArray[Any]] = [np.asarray(each.targets) for each in (first, second)]
    if ends[0].dtype.kind != "f":
        return False
    scale = max(float(np.abs(each).max(initial=0.0)) for each in ends)
    miss = np.abs(0.5 * (ends[0] + ends[1]) - middle.targets).max(initial=0.0)
    return bool(miss <= _ROUNDING * max(scale, 1e-300))


@final
class AffineTargets:
    """Targets of some examples at any value of a number of the task.

    Parameters
    ----------
    low, high : ExampleBatch
        The examples at the ends of the range, (1 or run, example[, output]).
    ends : (1 or run, 2) float64 tensor
        The ends.
    """

    def __init__(self, low: ExampleBatch, high: ExampleBatch, ends: Tensor) -> None:
        self._low = low.targets
        self._change = high.targets - low.targets
        self._ends = ends

    def at(self, values: Tensor) -> Tensor:
        """Targets at values (run,), of the shape of those of the examples."""
        own = values if self._low.shape[0] > 1 else values[:1]
        share = (own - self._ends[:, 0]) / (self._ends[:, 1] - self._ends[:, 0])
        shape = (-1, *[1] * (self._low.dim() - 1))
        return self._low + share.to(self._low.dtype).view(shape) * self._change

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs."""
        if self._low.shape[0] > 1:
            index = list(rows)
            self._low, self._change = self._low[index], self._change[index]
            self._ends = self._ends[index]
