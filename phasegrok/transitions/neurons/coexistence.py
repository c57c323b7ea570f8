"""Whether two phases of neurons coexist, and where, how wide and how heavy the second is."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.inference.basins import BASIN_QUANTITIES, basins
from phasegrok.inference.counts import Counts, bin_folded, with_effective_shares
from phasegrok.inference.effective import effective_numbers, group_values
from phasegrok.inference.folded import FoldedFit, fit_folded
from phasegrok.inference.models import NEAREST_DROPLET, OnePhase, TwoPhases
from phasegrok.inference.target import best_point, draw_probabilities, peak_of, target_of
from phasegrok.schema import RECORD, RUN, Symmetry
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.seeds import checked_seed
from phasegrok.transitions.neurons.coexistence_fit import CoexistenceFit
from phasegrok.transitions.neurons.decision import decide

__all__ = ["NEURON", "fit_coexistence", "fit_coexistence_labelled"]

NEURON: Final = "neuron"
"""Dimension of the neurons of a network."""

FEWEST_OVERLAPS: Final = 200
"""Overlaps below which no fit is tried."""


def _checked_runs(
    overlaps: FloatArray | Sequence[FloatArray], symmetry: str
) -> list[FloatArray]:
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
    starts, deviations = seed.spawn(2)
    best = best_point(target, seed=starts)
    generator = np.random.default_rng(deviations)
    drawn = draw_probabilities(
        target, np.tile(best, (200, 1)), peak=peak_of(target, best), generator=generator
    )
    phases = basins(np.log(drawn / data.widths), data.edges, beyond=NEAREST_DROPLET * spread)
    if np.mean(phases["depth"] > 0) < 0.5:
        return None
    return float(np.nanmedian(phases["valley"]))


def _posterior(two: FoldedFit, model: TwoPhases, data: Counts) -> xr.Dataset:
    """Draws (chain, draw) of the parameters and of the phases read off each drawn density."""
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
    """Counts (bin) and the posterior of the density p(|q|), per unit of |q|."""
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
    runs = [np.abs(run) for run in _checked_runs(overlaps, symmetry)]
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
    pilot, first, second = np.random.SeedSequence(checked_seed(seed)).spawn(3)
    cut = _find_cut(data, spread, pilot)
    effective = effective_numbers(groups, cut)
    weighed = with_effective_shares(data, effective, cut)
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
        decision=decide(
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
