"""From labelled samples to chains by size, control and disorder."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import InsufficientSamplesError, InvalidValueError, did_you_mean
from phasegrok.schema import RECORD, RUN, Symmetry
from phasegrok.statistics import pooled_autocorrelation_time, ragged_autocorrelation_time
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.demands import (
    LARGEST_MAGNITUDE,
    real_numbers,
    require_array,
    require_dimension,
    require_magnitude,
)
from phasegrok.transitions.usable_runs import record_counts, usable_runs

__all__ = ["FEWEST_RECORDS", "Chain", "SizeChains", "gather_chains"]

FEWEST_RECORDS = 8
"""Shorter chains have no autocorrelation time and no halves to compare."""

_ROUNDING: Final = 1e-9
"""Controls closer than this share of their range are one."""

_FEWEST_DISTINCT: Final = 20


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """The order parameter of one run.

    Parameters
    ----------
    values : (record,) array
        Folded where the law is declared even.
    control : float
        Value of the control.
    disorder : object
        Which draw of what is random in the system; None where nothing is.
    """

    values: FloatArray
    control: float
    disorder: object


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SizeChains:
    """All chains of one size.

    Parameters
    ----------
    size : float
        As given: linear extent, or number of degrees of freedom.
    volume : float
        Number N of degrees of freedom, L^d of a linear extent.
    chains : tuple of Chain
        Sorted by control.
    """

    size: float
    volume: float
    chains: tuple[Chain, ...]

    @property
    def controls(self) -> FloatArray:
        """Distinct values of the control, sorted."""
        return np.unique([chain.control for chain in self.chains])

    @property
    def disorders(self) -> list[object]:
        """Distinct disorders, in the order of their first chain."""
        return list(dict.fromkeys(chain.disorder for chain in self.chains))

    def of_disorder(self, disorder: object) -> "SizeChains":
        """Keep the chains of one disorder."""
        kept = tuple(chain for chain in self.chains if chain.disorder == disorder)
        return SizeChains(size=self.size, volume=self.volume, chains=kept)

    def at(self, control: float) -> list[Chain]:
        """Chains at one value of the control."""
        return [chain for chain in self.chains if chain.control == control]

    def autocorrelation_time(self, control: float) -> float:
        """Integrated autocorrelation time in records at one control, from all its chains.

        Deviations count from the common mean: chains that stay in different phases have a
        time as long as themselves, however fast they move within a phase.
        """
        values = [chain.values for chain in self.at(control)]
        if len({each.size for each in values}) > 1:
            return float(ragged_autocorrelation_time(values).time)
        return float(pooled_autocorrelation_time(np.stack(values)).time)

    def pooled(self, control: float) -> FloatArray:
        """All values at one control, (draw,)."""
        return np.concatenate([chain.values for chain in self.at(control)])


def gather_chains(
    samples: xr.DataArray, *, control: str, size: str, dimension: int | None
) -> tuple[SizeChains, ...]:
    """Sort the runs of a labelled array by size.

    Parameters
    ----------
    samples : DataArray
        Order parameter of dims (run, record) or (run, step), with numbers named by `control`
        and `size` as coordinates on ``run``; ``disorder``, ``outcome`` and ``record_count``
        are used where they are there. The attribute ``symmetry`` = "sign" folds.
    control, size : str
        Coordinates.
    dimension : int or None
        Of space, where the size is a linear extent; None where it is a number of degrees of
        freedom.

    Returns
    -------
    tuple of SizeChains
        Sorted by size. Runs that diverged or failed are left out.

    Raises
    ------
    InvalidValueError
        For what is no labelled array, other dimensions, missing or unsound coordinates, one
        coordinate as control and size, or values that are not finite.
    InsufficientSamplesError
        If no run is left, or chains have fewer than 8 records.
    """
    require_array("an order parameter", samples)
    require_dimension(dimension)
    _refuse_one_name(control, size)
    record = _record_dimension(samples)
    numbers = {name: _numbers(samples, name) for name in (control, size)}
    controls = _alike(numbers[control])
    if np.any(numbers[size] <= 0):
        raise InvalidValueError(
            f"sizes must be positive, received {numbers[size].min()} in {size!r}."
        )
    rows = samples.transpose(RUN, record).to_numpy()
    real_numbers("the order parameter", rows[:0])
    fold = str(samples.attrs.get("symmetry", Symmetry.NONE)) == Symmetry.SIGN
    counts = _record_counts(samples, rows.shape[1])
    disorder = _labels(samples, "disorder")
    found: dict[float, list[Chain]] = {}
    for run in _usable_runs(samples):
        values = _sound(rows[run, : counts[run]], run)
        chain = Chain(
            values=np.abs(values) if fold else values,
            control=float(controls[run]),
            disorder=None if disorder is None else disorder[run],
        )
        found.setdefault(float(numbers[size][run]), []).append(chain)
    _refuse_copies([chain for chains in found.values() for chain in chains])
    if not found:
        raise InsufficientSamplesError("an order of transition", required=1, received=0)
    power = 1 if dimension is None else int(dimension)
    return tuple(
        SizeChains(
            size=each,
            volume=_volume(each, power),
            chains=tuple(sorted(found[each], key=lambda chain: chain.control)),
        )
        for each in sorted(found)
    )


def _refuse_one_name(control: str, size: str) -> None:
    """Of one coordinate every size would have one value of the control."""
    if control == size:
        raise InvalidValueError(
            f"the control and the size must be different coordinates, received {size!r} as "
            "both; name what is varied at fixed size as the control."
        )


def _record_dimension(samples: xr.DataArray) -> str:
    dims = [str(name) for name in samples.dims]
    others = [name for name in dims if name != RUN]
    if RUN not in dims or others not in (["record"], ["step"]):
        raise InvalidValueError(
            f"an order parameter needs the dimensions ('run', '{RECORD}') or ('run', 'step'), "
            f"received {tuple(dims)}; reduce or rename the others."
        )
    return others[0]


def _numbers(samples: xr.DataArray, name: str) -> FloatArray:
    if name not in samples.coords or samples.coords[name].dims != (RUN,):
        there = [str(each) for each in samples.coords if samples.coords[each].dims == (RUN,)]
        raise InvalidValueError(
            f"there is no coordinate {name!r} on 'run'." + did_you_mean(name, there)
        )
    raw = samples.coords[name].to_numpy()
    if raw.dtype.kind not in "fiu" or not np.isfinite(raw).all():
        raise InvalidValueError(
            f"the coordinate {name!r} must hold finite numbers, received {raw.dtype} with "
            f"values such as {raw.ravel()[:3].tolist()}."
        )
    numbers = np.asarray(raw, dtype=np.float64)
    require_magnitude(f"the coordinate {name!r}", numbers)
    return numbers


def _alike(controls: FloatArray) -> FloatArray:
    """Controls that differ by rounding alone, made equal."""
    if not controls.size:
        return controls
    values, place = np.unique(controls, return_inverse=True)
    apart = np.diff(values) > _ROUNDING * float(np.ptp(values))
    group = np.concatenate([[0], np.cumsum(apart)]).astype(np.int64)
    first = np.flatnonzero(np.concatenate([[True], apart]))
    alike: FloatArray = values[first][group][place]
    return alike


def _refuse_copies(chains: Sequence[Chain]) -> None:
    """Refuse runs that hold the same numbers: chance repeats few values only."""
    seen: dict[bytes, Chain] = {}
    for chain in chains:
        other = seen.setdefault(chain.values.tobytes(), chain)
        if other is not chain and np.unique(chain.values).size >= _FEWEST_DISTINCT:
            raise InvalidValueError(
                f"every run must be a sample of its own, received two at the control "
                f"{chain.control:g} with the same {chain.values.size} records; leave the copy "
                "out."
            )


def _volume(size: float, power: int) -> float:
    """L^d, refused where that is beyond all numbers."""
    logarithm = power * np.log10(size)
    if abs(logarithm) > np.log10(LARGEST_MAGNITUDE):
        raise InvalidValueError(
            f"sizes to the power of the dimension {power} must be numbers of degrees of "
            f"freedom below {LARGEST_MAGNITUDE:g}, received 1e{logarithm:.0f}; give None where "
            "the size is such a number itself."
        )
    return size**power


def _labels(samples: xr.DataArray, name: str) -> list[Any] | None:
    if name not in samples.coords or samples.coords[name].dims != (RUN,):
        return None
    labels: list[Any] = samples.coords[name].to_numpy().tolist()
    for label in labels:
        # A label that differs from itself, as NaN does, belongs to no group.
        if not isinstance(label, Hashable) or label != label:
            raise InvalidValueError(
                f"every {name} must be a number or a word, received {label!r}; label all runs, "
                "or leave the coordinate out where nothing is random."
            )
    return labels if len(set(labels)) > 1 else None


def _record_counts(samples: xr.DataArray, most: int) -> NDArray[np.int64]:
    if "record_count" not in samples.coords:
        return np.full(samples.sizes[RUN], most, dtype=np.int64)
    return record_counts(samples.coords["record_count"], most)


def _usable_runs(samples: xr.DataArray) -> list[int]:
    if "outcome" not in samples.coords:
        return list(range(samples.sizes[RUN]))
    usable: list[int] = np.flatnonzero(usable_runs(samples.coords["outcome"])).tolist()
    return usable


def _sound(row: NDArray[Any], run: int) -> FloatArray:
    values = np.asarray(row, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InvalidValueError(
            f"the run at position {run} holds values that are not finite; leave the run out, "
            "or give the coordinate 'record_count' where its last records were never made."
        )
    if values.size < FEWEST_RECORDS:
        raise InsufficientSamplesError(
            f"the run at position {run}", required=FEWEST_RECORDS, received=values.size
        )
    require_magnitude(f"the run at position {run}", values)
    return values
