"""Whether two phases of neurons coexist, and where, how wide and how heavy the second is."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.inference.basins import BASIN_QUANTITIES, basins
from phasegrok.inference.effective import (
    EffectiveNumbers,
    effective_numbers,
    group_values,
)
from phasegrok.inference.evidence import Evidence
from phasegrok.inference.folded import (
    FoldedFit,
    best_point,
    bin_folded,
    densities,
    fit_folded,
    peak_of,
    shared,
    target_of,
)
from phasegrok.inference.likelihoods import Counts
from phasegrok.inference.models import NEAREST_DROPLET, OnePhase, TwoPhases
from phasegrok.inference.priors import FloatArray
from phasegrok.inference.sampling import Grade, Health
from phasegrok.schema import RECORD, RUN, Symmetry

__all__ = [
    "NEURON",
    "CoexistenceFit",
    "Decision",
    "fit_coexistence",
    "fit_coexistence_labelled",
]

NEURON: Final = "neuron"
"""Dimension of the neurons of a network."""

ATTRIBUTE: Final = "phasegrok_coexistence"
FEWEST_OVERLAPS: Final = 200
LEAST_LOG_ODDS: Final = 5.0
"""ln B from which two phases are accepted."""

LEAST_WEIGHT: Final = 0.01
"""A second phase must be excluded down to this weight before one phase is accepted."""

SURE: Final = 0.95
WORST_PREDICTIVE: Final = 0.01
LEVELS: Final = {
    "lower_95": 0.025,
    "lower_68": 0.16,
    "median": 0.5,
    "upper_68": 0.84,
    "upper_95": 0.975,
}


@final
@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether two phases coexist, with the reason.

    Parameters
    ----------
    two_phases : bool or None
        None where the data do not tell.
    reason : str
        One sentence.
    """

    two_phases: bool | None
    reason: str


@final
@dataclass(frozen=True, kw_only=True)
class CoexistenceFit:
    """The law of the folded overlaps at one point, and what it says about two phases.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws (chain, draw) of the parameters of the two-phase family and of the phases read
        off each drawn density: position, width, weight, valley, depth, barrier.
    density : xarray.Dataset
        Per bin: counts and the median and 95 % bounds of p(|q|), per unit of |q|.
    two_phase_evidence, one_phase_evidence : Evidence
        ln Z of either family.
    two_phase_predictive, one_phase_predictive : float
        Posterior-predictive probability of the deviance: near 0 the family does not fit.
    health : Health
        Of the draws.
    effective : EffectiveNumbers
        What the overlaps are worth, and what was taken as independent.
    valley_probability : float
        Share of the drawn densities that have a second maximum.
    decision : Decision
        Whether two phases coexist, and why.
    """

    posterior: xr.Dataset
    density: xr.Dataset
    two_phase_evidence: Evidence
    one_phase_evidence: Evidence
    two_phase_predictive: float
    one_phase_predictive: float
    health: Health
    effective: EffectiveNumbers
    valley_probability: float
    decision: Decision

    @property
    def two_phases(self) -> bool | None:
        """True, False, or None where the data do not tell."""
        return self.decision.two_phases

    @property
    def log_evidence_difference(self) -> float:
        """Ln Z of two phases less ln Z of one."""
        return self.two_phase_evidence.log_evidence - self.one_phase_evidence.log_evidence

    @property
    def summary(self) -> xr.Dataset:
        """Median and central 68 % and 95 % bounds of every quantity, along ``level``.

        Draws without a second maximum have no second phase and are left out of position,
        width, weight, valley and barrier: read them with `valley_probability`.
        """
        levels = xr.DataArray(list(LEVELS), dims="level", name="level")
        quantiles = {
            name: ("level", _quantiles(variable.values))
            for name, variable in self.posterior.data_vars.items()
        }
        described = xr.Dataset(quantiles, coords={"level": levels})
        for name, variable in self.posterior.data_vars.items():
            described[name].attrs.update(variable.attrs)
        return described

    def __str__(self) -> str:
        found = {True: "Two phases coexist", False: "One phase", None: "Undetermined"}
        parts = [f"{found[self.two_phases]}: {self.decision.reason}."]
        if self.valley_probability > 0:
            parts.append(f"Droplet phase: {self._phrase()} (95 % intervals).")
        effective = self.effective
        parts.append(
            f"{effective.number} overlaps in {effective.groups} independent groups "
            f"({effective.kind}), worth {effective.balance_share * effective.number:.0f} for "
            f"the weight; chains {self.health.grade}."
        )
        return " ".join(parts)

    def _phrase(self) -> str:
        summary = self.summary
        words = []
        for name in ("position", "width", "weight"):
            at = {level: float(summary[name].sel(level=level)) for level in LEVELS}
            words.append(
                f"{name} {at['median']:.4g} [{at['lower_95']:.4g}, {at['upper_95']:.4g}]"
            )
        return ", ".join(words)

    def to_dataset(self) -> xr.Dataset:
        """Return everything as one dataset that netCDF can hold."""
        numbers = {
            "two_phase_evidence": asdict(self.two_phase_evidence),
            "one_phase_evidence": asdict(self.one_phase_evidence),
            "two_phase_predictive": self.two_phase_predictive,
            "one_phase_predictive": self.one_phase_predictive,
            "health": asdict(self.health),
            "effective": asdict(self.effective),
            "valley_probability": self.valley_probability,
            "decision": asdict(self.decision),
        }
        names = {name: f"bin_{name}" for name in self.density.data_vars}
        merged = xr.merge([self.posterior, self.density.rename(names)])
        return merged.assign_attrs({ATTRIBUTE: json.dumps(numbers)})

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Rebuild what `to_dataset` returned.

        Raises
        ------
        FormatError
            Where the dataset holds no fit of coexistence.
        """
        if ATTRIBUTE not in dataset.attrs:
            message = (
                f"a stored fit has the attribute {ATTRIBUTE!r}, received only "
                f"{sorted(map(str, dataset.attrs))}; write it with CoexistenceFit.to_dataset."
            )
            raise FormatError(message)
        numbers = json.loads(dataset.attrs[ATTRIBUTE])
        bins = [name for name in dataset.data_vars if "bin" in dataset[name].dims]
        renamed = {name: str(name).removeprefix("bin_") for name in bins}
        return cls(
            posterior=dataset.drop_dims("bin").drop_attrs(deep=False),
            density=dataset[bins].rename(renamed).drop_attrs(deep=False),
            two_phase_evidence=Evidence(**numbers["two_phase_evidence"]),
            one_phase_evidence=Evidence(**numbers["one_phase_evidence"]),
            two_phase_predictive=numbers["two_phase_predictive"],
            one_phase_predictive=numbers["one_phase_predictive"],
            health=Health(**numbers["health"]),
            effective=EffectiveNumbers(**numbers["effective"]),
            valley_probability=numbers["valley_probability"],
            decision=Decision(**numbers["decision"]),
        )


def _quantiles(draws: FloatArray) -> FloatArray:
    defined = draws[np.isfinite(draws)]
    if not defined.size:
        return np.full(len(LEVELS), np.nan)
    quantiles: FloatArray = np.quantile(defined, list(LEVELS.values()))
    return quantiles


def _checked(overlaps: FloatArray | Sequence[FloatArray], symmetry: str) -> list[FloatArray]:
    """Return the overlaps of each run as a finite (record, neuron) array."""
    if symmetry != Symmetry.SIGN:
        message = (
            "phases are looked for after folding by a declared symmetry, here 'sign', "
            f"received {symmetry!r}; declare it where p(q) = p(-q), else do not use this fit."
        )
        raise InvalidValueError(message)
    runs = [np.asarray(run, dtype=float) for run in overlaps]
    if not runs or any(run.ndim != 2 for run in runs):
        message = (
            "overlaps must be (run, record, neuron) or a list of (record, neuron) arrays, "
            f"received shapes {[run.shape for run in runs][:5]}; add the missing axes."
        )
        raise InvalidValueError(message)
    number = sum(run.size for run in runs)
    if number < FEWEST_OVERLAPS:
        raise InsufficientSamplesError("coexistence", required=FEWEST_OVERLAPS, received=number)
    if not all(np.isfinite(run).all() for run in runs):
        message = (
            "every overlap must be finite, received NaN or infinity; leave out diverged runs "
            "and records that were never made."
        )
        raise InvalidValueError(message)
    return runs


def _refuse_repeated(folded: FloatArray) -> None:
    median = float(np.median(folded))
    distinct = np.unique(folded).size
    if median == 0.0 or distinct < folded.size / 20:
        message = (
            f"the overlaps must vary continuously, received {distinct} distinct values of "
            f"{folded.size} with median {median:g}; for discrete values bins would make "
            "maxima of their own."
        )
        raise InvalidValueError(message)


def _spread(data: Counts, folded: FloatArray) -> float:
    """Standard deviation of the central phase, robust against a minority beyond."""
    spread = float(np.median(folded)) / 0.6745  # Median of |z| for a standard normal z.
    return max(spread, float(data.widths[0]))


def _find_cut(data: Counts, spread: float, seed: np.random.SeedSequence) -> float | None:
    """Valley of the best two-phase density with every overlap worth one; None without."""
    target = target_of(TwoPhases(spread=spread), data)
    best = best_point(target, seed=seed)
    generator = np.random.default_rng(seed)
    drawn = densities(
        target, np.tile(best, (200, 1)), peak=peak_of(target, best), generator=generator
    )
    phases = basins(np.log(drawn / data.widths), data.edges, beyond=NEAREST_DROPLET * spread)
    if np.mean(phases["depth"] > 0) < 0.5:
        return None
    return float(np.nanmedian(phases["valley"]))


def _doubts(two: FoldedFit, one: FoldedFit) -> list[str]:
    """What forbids any answer, whatever the numbers say."""
    doubts = []
    if two.chains.health.grade is Grade.UNUSABLE:
        doubts.append("the chains did not converge")
    odds = two.evidence.log_evidence - one.evidence.log_evidence
    # Where the odds are far beyond the threshold an error of a few nats changes nothing.
    if abs(odds) < 5.0 * LEAST_LOG_ODDS:
        for name, fit in (("two phases", two), ("one phase", one)):
            if not fit.evidence.consistent:
                doubts.append(f"the evidence of {name} is refused: {fit.evidence}")
    return doubts


def _decide(
    two: FoldedFit, one: FoldedFit, *, valley_probability: float, largest_weight: float
) -> Decision:
    odds = two.evidence.log_evidence - one.evidence.log_evidence
    error = float(np.hypot(two.evidence.standard_error, one.evidence.standard_error))
    stated = (
        f"ln B = {odds:.1f} ± {error:.1f} for two phases against one with heavy tails, a "
        f"second maximum in {valley_probability:.0%} of the posterior"
    )
    doubts = _doubts(two, one)
    if doubts:
        return Decision(two_phases=None, reason="; ".join(doubts))
    if odds - error >= LEAST_LOG_ODDS and valley_probability >= SURE:
        if two.predictive < WORST_PREDICTIVE:
            reason = (
                f"{stated}, but two phases do not fit the counts (p = {two.predictive:.3f})"
            )
            return Decision(two_phases=None, reason=reason)
        return Decision(two_phases=True, reason=stated)
    if valley_probability <= 1.0 - SURE:
        return Decision(two_phases=False, reason=stated)
    one_suffices = odds + error <= 0.0 and one.predictive >= WORST_PREDICTIVE
    if one_suffices and largest_weight < LEAST_WEIGHT:
        reason = f"{stated}; a second phase weighs less than {largest_weight:.2g} (95 %)"
        return Decision(two_phases=False, reason=reason)
    return Decision(two_phases=None, reason=stated)


def _posterior(two: FoldedFit, model: TwoPhases, data: Counts) -> xr.Dataset:
    sizes = two.chains.draws.sizes
    shape = (sizes["chain"], sizes["draw"])
    parameters = model.space.values(two.chains.flat())
    phases = basins(
        np.log(two.probabilities / data.widths),
        data.edges,
        beyond=NEAREST_DROPLET * model.spread,
    )
    meanings = {p.name: p.meaning for p in model.space.parameters} | BASIN_QUANTITIES
    variables = {
        name: (("chain", "draw"), values.reshape(shape), {"long_name": meanings[name]})
        for name, values in (parameters | phases).items()
    }
    return xr.Dataset(variables)


def _density(two: FoldedFit, data: Counts) -> xr.Dataset:
    lower, median, upper = np.quantile(
        two.probabilities / data.widths, [0.025, 0.5, 0.975], axis=0
    )
    return xr.Dataset(
        {
            "lower_edge": ("bin", data.edges[:-1], {"long_name": "|q| where the bin begins"}),
            "upper_edge": ("bin", data.edges[1:], {"long_name": "|q| where the bin ends"}),
            "counts": ("bin", data.counts, {"long_name": "overlaps counted"}),
            "median": ("bin", median, {"long_name": "p(|q|), posterior median"}),
            "lower_95": ("bin", lower, {"long_name": "p(|q|), lower 95 % bound"}),
            "upper_95": ("bin", upper, {"long_name": "p(|q|), upper 95 % bound"}),
        }
    )


def fit_coexistence(
    overlaps: FloatArray | Sequence[FloatArray],
    *,
    seed: int,
    symmetry: str = Symmetry.SIGN,
    disorder: Sequence[object] | None = None,
) -> CoexistenceFit:
    """Fit the phases that coexist among the neurons' overlaps with the teacher.

    The law of |q| is a phase about 0 (Student's t) plus droplets at ±q* (skewed normal),
    labels summed over, with a smooth misfit of the log density integrated out. Position,
    width and weight are read off each drawn density, divided at its barrier, so that they
    mean the same for any law: see `BASIN_QUANTITIES`. The likelihood weighs every overlap by
    its effective share from the variance between disorders (else runs, else blocks of
    records), separately for the shape of either phase and for their balance, and accounts for
    the few groups that this share was estimated from.

    Parameters
    ----------
    overlaps : (run, record, neuron) array, or sequence of (record, neuron) arrays
        q = w·w* of equilibrated records; the lists may differ in length. Dimensionless.
    seed : int
        The only source of randomness.
    symmetry : str
        Declared symmetry of p(q); only "sign", ±q equivalent, is meaningful here.
    disorder : sequence, optional
        Draw of data and teacher of each run. Runs of one disorder are one independent group.

    Returns
    -------
    CoexistenceFit
        Credible intervals, evidence, health and decision.

    Raises
    ------
    InvalidValueError
        Where shapes, symmetry or values cannot be meant.
    InsufficientSamplesError
        For fewer than 200 overlaps.

    References
    ----------
    .. [1] Rubin, Seroussi and Ringel, arXiv 2310.03789 (2024), for the phases.
    .. [2] Borgs and Kotecký, J. Stat. Phys. 61, 79 (1990), for phases by their basins.
    """
    runs = [np.abs(run) for run in _checked(overlaps, symmetry)]
    if disorder is not None and len(disorder) != len(runs):
        message = (
            f"one disorder per run is needed, received {len(disorder)} for {len(runs)} runs; "
            "repeat the label for runs that share data."
        )
        raise InvalidValueError(message)
    groups = group_values(runs, disorder)
    folded = groups.pooled
    _refuse_repeated(folded)
    data = bin_folded(folded)
    spread = _spread(data, folded)
    pilot, first, second = np.random.SeedSequence(seed).spawn(3)
    cut = _find_cut(data, spread, pilot)
    effective = effective_numbers(groups, cut)
    weighed = shared(data, effective, cut)
    model = TwoPhases(spread=spread)
    freedom = effective.freedom
    two = fit_folded(target_of(model, weighed, freedom=freedom), seed=first)
    rival = target_of(OnePhase(spread=spread), weighed, freedom=freedom)
    one = fit_folded(rival, seed=second)
    posterior = _posterior(two, model, weighed)
    valley_probability = float(np.mean(posterior["depth"].values > 0))
    return CoexistenceFit(
        posterior=posterior,
        density=_density(two, weighed),
        two_phase_evidence=two.evidence,
        one_phase_evidence=one.evidence,
        two_phase_predictive=two.predictive,
        one_phase_predictive=one.predictive,
        health=two.chains.health,
        effective=effective,
        valley_probability=valley_probability,
        decision=_decide(
            two,
            one,
            valley_probability=valley_probability,
            largest_weight=float(np.quantile(np.nan_to_num(posterior["weight"]), 0.95)),
        ),
    )


def fit_coexistence_labelled(overlaps: xr.DataArray, *, seed: int) -> CoexistenceFit:
    """Fit labelled overlaps: see `fit_coexistence`.

    Parameters
    ----------
    overlaps : xarray.DataArray
        Dims (run, record, neuron) in any order. The attribute ``symmetry`` must be "sign".
        Coordinates used where present: ``disorder`` (run), and ``record_count`` (run), beyond
        which records were never made.
    seed : int
        The only source of randomness.

    Returns
    -------
    CoexistenceFit
        As for `fit_coexistence`.

    Raises
    ------
    InvalidValueError
        Where a dimension or the declared symmetry is missing, or values cannot be meant.
    """
    if set(overlaps.dims) != {RUN, RECORD, NEURON}:
        message = (
            f"overlaps need the dimensions {(RUN, RECORD, NEURON)}, received {overlaps.dims}; "
            "select one point and rename."
        )
        raise InvalidValueError(message)
    values = overlaps.transpose(RUN, RECORD, NEURON).values
    counts = (
        overlaps.coords["record_count"].values.astype(int)
        if "record_count" in overlaps.coords
        else np.full(len(values), values.shape[1])
    )
    disorder = (
        list(overlaps.coords["disorder"].values) if "disorder" in overlaps.coords else None
    )
    return fit_coexistence(
        [run[:count] for run, count in zip(values, counts, strict=True)],
        seed=seed,
        symmetry=str(overlaps.attrs.get("symmetry", Symmetry.NONE)),
        disorder=disorder,
    )
