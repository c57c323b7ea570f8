"""Points of coexistence of one size with their errors, and why any of them is not known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np

from phasegrok.errors import NoConvergenceError
from phasegrok.statistics.samples import FloatArray, Status
from phasegrok.transitions.blocks import blocks_of, widest_leap
from phasegrok.transitions.chains import SizeChains
from phasegrok.transitions.phases.phase_changes import round_trips, start_disagreement
from phasegrok.transitions.phases.phase_densities import PhaseDensities
from phasegrok.transitions.phases.reweighted_densities import reweighted_densities
from phasegrok.transitions.phases.surface_densities import surface_densities
from phasegrok.transitions.phases.two_phases import TwoPhases, read_two_phases

__all__ = ["FEWEST_ROUND_TRIPS", "QUANTITIES", "SizePoints", "measure_points"]

QUANTITIES: Final = (
    "equal_weight_point",
    "equal_height_point",
    "jump",
    "mean_below",
    "mean_above",
    "barrier",
)
"""What is measured, in this order."""

FEWEST_ROUND_TRIPS: Final = 10
"""With fewer, weights tell where chains were started."""

_OF_WEIGHTS: Final = np.isin(
    QUANTITIES, ["equal_weight_point", "equal_height_point", "barrier"]
)
_RESAMPLES: Final = 100
_LARGEST_DISAGREEMENT: Final = 4.0
_LARGEST_LOSS: Final = 0.1
_LEAST_SIGNIFICANCE: Final = 2.0
_LEAST_SEEN: Final = 10
"""Records in the three bins about the minimum."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SizePoints:
    """Coexistence at one size.

    Parameters
    ----------
    size, volume : float
        As given, and N.
    values, errors : (quantity,) array
        In the order of `QUANTITIES`.
    status : (quantity,) integer array
        `Status` of each.
    round_trips : int
        Journeys from phase to phase and back, over all chains; over disorders, the fewest.
    start_disagreement : float
        See `phase_changes.start_disagreement`; over disorders, the largest.
    disorders : int
        How many show two phases; 1 where nothing is random.
    spread : float
        Standard deviation of the equal-weight point over disorders.
    reason : str
        What is amiss.
    """

    size: float
    volume: float
    values: FloatArray
    errors: FloatArray
    status: np.ndarray[tuple[int], np.dtype[np.int64]]
    round_trips: int
    start_disagreement: float
    disorders: int
    spread: float
    reason: str


class _Read(NamedTuple):
    """One disorder, or all where nothing is random."""

    densities: PhaseDensities | None
    phases: TwoPhases
    trips: int
    disagreement: float
    valley_seen: bool


def measure_points(
    size: SizeChains,
    *,
    energies: SizeChains | None,
    weight_ratio: float,
    generator: np.random.Generator,
) -> SizePoints:
    """Measure the coexistence of one size.

    Parameters
    ----------
    size : SizeChains
        The order parameter.
    energies : SizeChains or None
        The conjugate of the control, chain by chain.
    weight_ratio : float
        See `phase_points.coexistence_points`.
    generator : numpy.random.Generator
        For resampling.

    Returns
    -------
    SizePoints
    """
    if len(size.disorders) == 1:
        read = _read(size, energies, weight_ratio)
        if read.densities is None or not np.isfinite(read.phases.equal_height_point):
            return _refused(size, read.phases.reason, read.trips)
        return _with_errors(size, read, weight_ratio, generator)
    reads = [
        _read(
            size.of_disorder(each),
            None if energies is None else energies.of_disorder(each),
            weight_ratio,
        )
        for each in size.disorders
    ]
    return _averaged(size, reads)


def _read(size: SizeChains, energies: SizeChains | None, weight_ratio: float) -> _Read:
    reason = _obstacle(size, energies)
    if reason:
        return _Read(None, TwoPhases(reason=reason), 0, 0.0, False)
    try:
        densities: PhaseDensities = (
            surface_densities(size)
            if energies is None
            else reweighted_densities(size, energies)
        )
        phases = read_two_phases(densities, weight_ratio=weight_ratio)
    except NoConvergenceError as error:
        return _Read(None, TwoPhases(reason=str(error)), 0, 0.0, False)
    if not np.isfinite(phases.equal_height_point):
        return _Read(densities, phases, 0, 0.0, False)
    sides = densities.sides(phases.equal_height_point, cut=phases.cut)
    return _Read(
        densities,
        phases,
        round_trips(size.chains, lower_mean=sides.lower_mean, upper_mean=sides.upper_mean),
        start_disagreement(size, cut=phases.cut),
        _seen(densities, phases),
    )


def _obstacle(size: SizeChains, energies: SizeChains | None) -> str:
    """Why nothing can be read at all; empty where something can."""
    if not any(np.ptp(size.pooled(float(control))) > 0.0 for control in size.controls):
        return "the order parameter does not vary"
    if size.controls.size < 2:
        return "" if energies is not None else "without the energy two controls are needed"
    leap = widest_leap(blocks_of(size))
    if leap is None:
        return ""
    return (
        f"the order parameter leaps between the controls {leap[0]:g} and {leap[1]:g}, whose "
        "values do not overlap; add controls between them"
    )


def _seen(densities: PhaseDensities, phases: TwoPhases) -> bool:
    """Whether records between the phases tell how rare they are."""
    middle = int((phases.cut - densities.bins.edges[0]) // densities.bins.width)
    seen = densities.records[max(middle - 1, 0) : middle + 2].sum()
    return bool(seen >= _LEAST_SEEN)


def _values(phases: TwoPhases) -> FloatArray:
    return np.array([getattr(phases, name) for name in QUANTITIES], dtype=np.float64)


def _refused(size: SizeChains, reason: str, trips: int) -> SizePoints:
    nothing = np.full(len(QUANTITIES), np.nan)
    return SizePoints(
        size=size.size,
        volume=size.volume,
        values=nothing,
        errors=nothing,
        status=np.full(len(QUANTITIES), int(Status.REFUSED)),
        round_trips=trips,
        start_disagreement=0.0,
        disorders=0,
        spread=float("nan"),
        reason=reason,
    )


def _with_errors(
    size: SizeChains, read: _Read, weight_ratio: float, generator: np.random.Generator
) -> SizePoints:
    """Resample the blocks of one body of chains."""
    densities, phases = read.densities, read.phases
    if densities is None:
        return _refused(size, phases.reason, read.trips)
    draws = _draws(densities, phases, weight_ratio, generator)
    lost = 1.0 - float(np.isfinite(draws[:, -1]).mean())
    if lost > _LARGEST_LOSS:
        return _refused(
            size, f"two maxima do not survive resampling ({lost:.0%} lost)", read.trips
        )
    values = _values(phases)
    errors = _spreads(draws)
    if read.valley_seen and values[-1] < _LEAST_SIGNIFICANCE * errors[-1]:
        return _refused(
            size,
            f"two maxima may be noise: barrier {values[-1]:.2g} ± {errors[-1]:.2g}",
            read.trips,
        )
    doubts = _doubts([read], short=densities.short)
    return _judged(size, values, errors, reads=[read], doubts=doubts, spread=float("nan"))


def _draws(
    densities: PhaseDensities,
    phases: TwoPhases,
    weight_ratio: float,
    generator: np.random.Generator,
) -> FloatArray:
    """Values on resampled blocks, (draw, quantity); NaN where a draw has no two phases."""
    rows = []
    for _ in range(_RESAMPLES):
        try:
            drawn = read_two_phases(
                densities.resampled(generator), weight_ratio=weight_ratio, cut=phases.cut
            )
        except NoConvergenceError:
            drawn = TwoPhases()
        rows.append(_values(drawn))
    return np.stack(rows)


def _spreads(draws: FloatArray) -> FloatArray:
    columns = [column[np.isfinite(column)] for column in draws.T]
    return np.array([each.std(ddof=1) if each.size > 1 else np.nan for each in columns])


def _averaged(size: SizeChains, reads: Sequence[_Read]) -> SizePoints:
    """Average over disorders, each read at its own points."""
    kept = [each for each in reads if np.isfinite(each.phases.equal_weight_point)]
    lacking = len(reads) - len(kept)
    if len(kept) < 2:
        why = next((each.phases.reason for each in reads if each.phases.reason), "")
        return _refused(
            size, f"{len(kept)} of {len(reads)} disorders show two phases: {why}", 0
        )
    table = np.stack([_values(each.phases) for each in kept])
    errors = table.std(axis=0, ddof=1) / np.sqrt(len(kept))
    doubts = _doubts(kept, short=False)
    if lacking:
        doubts.append(f"{lacking} of {len(reads)} disorders are left out: no two phases")
    return _judged(
        size,
        table.mean(axis=0),
        errors,
        reads=kept,
        doubts=doubts,
        spread=float(table[:, 0].std(ddof=1)),
    )


def _doubts(reads: Sequence[_Read], *, short: bool) -> list[str]:
    """What makes errors lower bounds."""
    doubts = []
    trips = min(each.trips for each in reads)
    if trips < FEWEST_ROUND_TRIPS:
        doubts.append(f"weights are unknown: {trips} round trips between the phases")
    disagreement = max(each.disagreement for each in reads)
    # Of many disorders one is far out by chance.
    largest = _LARGEST_DISAGREEMENT + np.sqrt(2.0 * np.log(len(reads)))
    if disagreement > largest:
        doubts.append(
            f"weights are unknown: starts disagree by {disagreement:.1f} standard errors"
        )
    if short:
        doubts.append("chains are too short for blocks of ten autocorrelation times")
    return doubts


def _judged(
    size: SizeChains,
    values: FloatArray,
    errors: FloatArray,
    *,
    reads: Sequence[_Read],
    doubts: Sequence[str],
    spread: float,
) -> SizePoints:
    status = np.full(len(QUANTITIES), int(Status.RESOLVED))
    weights_only = bool(doubts) and all("weights are unknown" in each for each in doubts)
    status[_OF_WEIGHTS if weights_only else slice(None)] = int(
        Status.UNRESOLVED if doubts else Status.RESOLVED
    )
    reasons = list(doubts) + sorted({each.phases.reason for each in reads} - {""})
    if not all(each.valley_seen for each in reads):
        values = np.where(np.array(QUANTITIES) == "barrier", np.nan, values)
        reasons.append("no barrier: hardly a record lies between the phases")
    refused = ~np.isfinite(values) | ~np.isfinite(errors)
    status[refused] = int(Status.REFUSED)
    return SizePoints(
        size=size.size,
        volume=size.volume,
        values=np.where(refused, np.nan, values),
        errors=np.where(refused, np.nan, errors),
        status=status,
        round_trips=min(each.trips for each in reads),
        start_disagreement=max(each.disagreement for each in reads),
        disorders=len(reads),
        spread=spread,
        reason="; ".join(reasons),
    )
