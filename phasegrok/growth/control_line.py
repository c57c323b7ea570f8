"""The values of one control that a study takes: its range, its rounding, its domain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self, final

from phasegrok.collect.batches import group_units
from phasegrok.errors import InvalidStudyError, InvalidValueError, did_you_mean
from phasegrok.growth.checks import check_number
from phasegrok.growth.location import check_finest
from phasegrok.growth.next_values import short_value
from phasegrok.study import Plan, RunRequest, Study, known_controls, requested_runs

__all__ = ["ControlLine", "check_control", "values_of_line"]

_TRIES: Final = 12
"""Halvings of a step beyond the range, until the study takes its end."""


@final
@dataclass(frozen=True, kw_only=True)
class ControlLine:
    """A control with the range in which its place is looked for.

    Parameters
    ----------
    study : Study
        Description.
    first : RunRequest
        A run on the line; its other controls and its start are those of all.
    control : str
        Along what.
    resolution : float
        What is to be told apart.
    whole : bool
        Whether its values are whole numbers.
    low, high : float
        The range.
    """

    study: Study
    first: RunRequest
    control: str
    resolution: float
    whole: bool = False
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(
        cls,
        study: Study,
        *,
        control: str,
        resolution: float,
        low: float | None = None,
        high: float | None = None,
    ) -> Self:
        """Take the line of a plan.

        Raises
        ------
        InvalidStudyError
            If the plan is no line of points.
        InvalidValueError
            For a range or a resolution that means nothing, or an end that the study refuses.
        """
        values = values_of_line(study, control)
        first = requested_runs(study)[0]
        line = cls(study=study, first=first, control=control, resolution=resolution)
        return line._with_whole(values)._with_range(values, low, high)

    def rounded(self, value: float) -> float:
        """Round to a fifth of the resolution, or to a whole number."""
        return float(round(value)) if self.whole else short_value(value, self.resolution)

    def point(self, value: float) -> dict[str, Any]:
        """Give all controls of a point of the line."""
        return {**self.first.controls, self.control: int(value) if self.whole else value}

    def takes(self, value: float) -> bool:
        """Tell whether the study may be carried out at this value."""
        plan = Plan(points=[self.point(value)], starts=[self.first.start])
        study = replace(self.study, plan=plan)
        try:
            group_units(study, requested_runs(study))
        except InvalidStudyError:
            return False
        return True

    def widened(self, *, below: bool, above: bool) -> Self:
        """Grow by half where asked, as far as the study takes its values; the same if not."""
        step = 0.5 * (self.high - self.low)
        low = self._beyond(self.low, -step) if below else self.low
        high = self._beyond(self.high, step) if above else self.high
        return replace(self, low=low, high=high)

    def _beyond(self, end: float, step: float) -> float:
        for _ in range(_TRIES):
            value = self.rounded(end + step)
            if abs(value - end) < 0.5 * self.resolution:
                break
            if self.takes(value):
                return value
            step *= 0.5
        return end

    def _with_whole(self, values: Sequence[float]) -> Self:
        """Take whole numbers where all are and a fraction is refused, or finer than asked."""
        if not all(float(value).is_integer() for value in values):
            return self
        needed = not self.takes(min(values) + 0.5)
        if needed and self.resolution < 1.0:
            raise InvalidValueError(
                f"the resolution of {self.control!r}, which takes whole numbers, must be at "
                f"least 1, received {self.resolution!r}; raise it."
            )
        given = all(type(value) is int for value in values) and self.resolution >= 1.0
        return replace(self, whole=needed or given)

    def _with_range(
        self, values: Sequence[float], low: float | None, high: float | None
    ) -> Self:
        for name, each in (("low", low), ("high", high)):
            if each is not None:
                check_number(name, each, positive=False)
                self._check_end(name, float(each))
        first = float(min(values) if low is None else low)
        last = float(max(values) if high is None else high)
        if not first + self.resolution < last:
            raise InvalidValueError(
                f"the range of the control must be wider than the resolution "
                f"{self.resolution!r}, received {first} to {last}; widen it, or lower the "
                "resolution."
            )
        check_finest(0.25 * self.resolution, first, last)
        return replace(self, low=first, high=last)

    def _check_end(self, name: str, value: float) -> None:
        if not self.takes(self.rounded(value)):
            raise InvalidValueError(
                f"{name} must be a value of {self.control!r} that the study takes, received "
                f"{value!r}; give an end of the range within its domain."
            )


def check_control(study: Study, control: Any) -> None:
    """Refuse what is no control.

    Raises
    ------
    InvalidValueError
        With the nearest known name.
    """
    known = known_controls(study)
    if not isinstance(control, str) or control not in known:
        raise InvalidValueError(
            f"{control!r} is no control of this study." + did_you_mean(control, known)
        )


def values_of_line(study: Study, control: str) -> list[float]:
    """Find the values of the control in a plan that varies nothing else.

    Parameters
    ----------
    study : Study
        Description.
    control : str
        Along what.

    Returns
    -------
    list of float
        As the plan states them.

    Raises
    ------
    InvalidStudyError
        If the plan is no line of four points, or its means would have no errors.
    """
    points = study.plan.control_points()
    others = {tuple(sorted((n, v) for n, v in p.items() if n != control)) for p in points}
    starts = {start for plan in study.plan.entries() for start in plan.starts}
    if len(others) > 1 or len(starts) > 1:
        raise InvalidStudyError(
            f"refining along {control!r} needs a plan that varies nothing else, received "
            f"{len(others)} combinations of other controls and the starts {sorted(starts)}; "
            "make a study of one of them."
        )
    values = [point.get(control) for point in points]
    numbers = [v for v in values if isinstance(v, int | float) and type(v) is not bool]
    if len(numbers) < max(len(values), 4):
        raise InvalidStudyError(
            f"refining along {control!r} needs a plan with four numbers or more for it, "
            f"received {values}; list them in [plan.grid]."
        )
    if max(study.plan.disorders, study.plan.replicas) < 2:
        raise InvalidStudyError(
            "refining needs at least two disorders or two replicas, so that every mean has an "
            "error, received one of each; raise replicas in [plan]."
        )
    return numbers
