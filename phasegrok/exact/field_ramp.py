"""A field that rises and falls at given rates, and the dataset of runs that follow it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, final

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.exact.checking import FloatArray, require_memory, whole_number
from phasegrok.exact.labels import RunLabels, Source
from phasegrok.exact.limits import (
    LARGEST_MODERATE,
    moderate_number,
    moderate_positive,
    require_run_memory,
)
from phasegrok.exact.samples import Observed, samples_dataset
from phasegrok.exact.streams import STREAM_BYTES
from phasegrok.schema import NOW, RECORD, RUN

__all__ = ["FIELD", "FieldRamp", "Sweep", "field_now", "ramped_dataset", "require_ramp"]

FIELD: Final = "field"
DIRECTIONS: Final = ("up", "down", "around")


@final
@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One way of a field through its range.

    Parameters
    ----------
    direction : str
        "up", "down" or "around".
    rate : float
        Change of the field per unit of time.
    """

    direction: str
    rate: float


@final
@dataclass(frozen=True, kw_only=True)
class FieldRamp:
    """A field driven linearly between two ends.

    Parameters
    ----------
    lowest, highest : float
        Ends of the range.
    rates : tuple of float
        Change of the field per unit of time, above zero; each is a run of its own.
    record_count : int
        Records at equal distances of the field along one way, both ends included.
    directions : tuple of str
        "up", "down", or "around": up and then down within one run.

    Raises
    ------
    InvalidValueError
        For ends, rates, counts or directions without meaning, or records that are more than
        fit into memory or lie closer than numbers are told apart.
    """

    lowest: float
    highest: float
    rates: tuple[float, ...]
    record_count: int
    directions: tuple[str, ...] = ("up", "down")

    def __post_init__(self) -> None:
        """Check every number."""
        self._check_records()
        for name, listed in (("rates", self.rates), ("directions", self.directions)):
            if not isinstance(listed, list | tuple):
                raise InvalidValueError(
                    f"{name} must be a tuple, received {listed!r}; put one into a tuple too."
                )
        for rate in self.rates:
            moderate_positive("every rate", rate)
        for direction in self.directions:
            if direction not in DIRECTIONS:
                raise InvalidValueError(
                    f"there is no direction {direction!r}."
                    + did_you_mean(direction, DIRECTIONS)
                )
        for name, listed in (("rates", self.rates), ("directions", self.directions)):
            if not listed or len(set(listed)) < len(listed):
                raise InvalidValueError(
                    f"{name} must be given and differ, received {listed!r}."
                )

    def _check_records(self) -> None:
        low = moderate_number("lowest", self.lowest)
        high = moderate_number("highest", self.highest)
        # Integers without bound and short floats have no place in an array or a seed.
        object.__setattr__(self, "lowest", low)
        object.__setattr__(self, "highest", high)
        if low >= high:
            raise InvalidValueError(f"lowest must lie below highest, received {low}, {high}.")
        count = whole_number("record_count", self.record_count, minimum=2)
        require_memory(f"a ramp of {count:.3g} records", 64.0 * count)
        if self.spacing <= max(np.spacing(max(abs(low), abs(high))), 1.0 / LARGEST_MODERATE):
            raise InvalidValueError(
                f"{count} records from {low!r} to {high!r} cannot be told apart; widen the "
                "range, or ask for fewer."
            )

    @property
    def spacing(self) -> float:
        """Change of the field from one record to the next."""
        return (self.highest - self.lowest) / (self.record_count - 1)

    def fields(self, direction: str) -> FloatArray:
        """Field at every record of a run."""
        up = np.linspace(self.lowest, self.highest, self.record_count)
        ways = {"up": up, "down": up[::-1], "around": np.concatenate([up, up[-2::-1]])}
        return ways[direction]

    def sweeps(self) -> list[Sweep]:
        """Every rate in every direction."""
        pairs = product(self.rates, self.directions)
        return [Sweep(direction=direction, rate=float(rate)) for rate, direction in pairs]

    def runs(
        self, points: Sequence[Mapping[str, float]], sweep: Sweep, replica_count: int
    ) -> list[RunLabels]:
        """List the runs of one sweep at several points, replicas of a point together."""
        count = whole_number("replica_count", replica_count, minimum=1)
        require_run_memory(len(points) * count, other_bytes=STREAM_BYTES)
        replicas = range(count)
        fields = self.fields(sweep.direction)
        details = {
            "rate": sweep.rate,
            "first_field": float(fields[0]),
            "last_field": float(fields[-1]),
            "spacing": self.spacing,
        }
        start = "high" if sweep.direction == "down" else "low"
        return [
            RunLabels(controls=point, replica=replica, start=start, details=details)
            for point in points
            for replica in replicas
        ]


def require_ramp(ramp: object) -> None:
    """Refuse what is no ramp.

    Parameters
    ----------
    ramp : object
        Should be a FieldRamp.

    Raises
    ------
    InvalidValueError
        For anything else.
    """
    if not isinstance(ramp, FieldRamp):
        raise InvalidValueError(
            f"ramp must be a FieldRamp, received {type(ramp).__name__}; make one of its ends, "
            "rates and record_count."
        )


def ramped_dataset(
    source: Source,
    runs: Sequence[RunLabels],
    sweep: Sweep,
    *,
    step: npt.NDArray[np.int64],
    time: FloatArray,
    variables: Mapping[str, Observed],
    derived: Mapping[str, FloatArray] | None = None,
) -> xr.Dataset:
    """Put the runs of one sweep into the schema.

    Parameters
    ----------
    source : Source
        Where they come from.
    runs : sequence of RunLabels
        One per run.
    sweep : Sweep
        Direction and the rate at which the field did move.
    step : (record,) array
        Updates before each record.
    time : (record,) array
        Time of each record.
    variables : mapping
        With ``field_now``.
    derived : mapping, optional
        Further coordinates on run.

    Returns
    -------
    Dataset
        With ``field_now(run, record)`` and, on run, ``direction``, ``rate`` and ``field``, the
        field that each began with.
    """
    first = np.array([run.details["first_field"] for run in runs])
    dataset = samples_dataset(
        source, runs, step=step, variables=variables, derived={FIELD: first, **(derived or {})}
    )
    shape = (len(runs), len(step))
    return dataset.assign_coords(
        direction=(RUN, np.full(len(runs), sweep.direction, dtype=object)),
        rate=(RUN, np.full(len(runs), sweep.rate)),
        time=((RUN, RECORD), np.broadcast_to(time, shape)),
    )


def field_now(fields: FloatArray, run_count: int) -> dict[str, Observed]:
    """Make the variable that says where the field stood at each record."""
    values = np.broadcast_to(fields, (run_count, fields.size))
    return {FIELD + NOW: Observed(values=values, long_name="field at the record")}
