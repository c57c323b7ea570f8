"""From samples to a verdict."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from phasegrok.errors import NoConvergenceError
from phasegrok.transitions.blocks import widest_leap
from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.verdict.features import SizeFeatures, measure_features
from phasegrok.verdict.gate import LARGEST_RATIO, mixing_ratio
from phasegrok.verdict.result import Verdict
from phasegrok.verdict.sentences import doubts, grounds, wanted_data
from phasegrok.verdict.tables import size_table, verdict_table
from phasegrok.verdict.weighing import ANSWERS, FEWEST_SIZES, UNDETERMINED, weigh

__all__ = ["order_of_transition"]

_FEWEST_CONTROLS: Final = 4


def order_of_transition(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    seed: int = 0,
) -> Verdict:
    """Tell which order the transition along a control has.

    Parameters
    ----------
    samples : DataArray
        Order parameter of dims (run, record) or (run, step): a mean over N degrees of freedom,
        in equilibrium, from several chains at each of several controls and at least three
        sizes, started from both sides. ``control`` and ``size`` are coordinates on ``run``;
        a coordinate ``disorder`` is used where there is one. Its attribute ``symmetry`` is
        "sign" where the law is even: then it is folded first.
    control, size : str
        Names of the coordinates.
    dimension : int or None
        d where the size is a linear extent L, so that N = L^d; None where it is N itself, the
        mean-field kind: U/T = N f(m).
    seed : int
        The only source of randomness.

    Returns
    -------
    Verdict
        First-order, continuous or crossover only where that is at least 0.9 probable and
        survives its checks; "continuous" always means: or first-order with a correlation
        volume beyond the largest size.

    Raises
    ------
    InvalidValueError
        For missing coordinates, other dimensions, or values that are not finite.
    InsufficientSamplesError
        If no run is usable, or chains have fewer than 8 records.

    Notes
    -----
    At every size the density of the order parameter is fitted as a smooth function of the
    control. The steepest slope of its mean, its largest variance and the barrier between two
    peaks are compared over sizes with the laws of each kind of transition, whose parameters
    are integrated out by tempered ensembles: Challa, Landau and Binder, Phys. Rev. B 34, 1841
    (1986); Lee and Kosterlitz, Phys. Rev. B 43, 3265 (1991); Borgs and Kotecký, J. Stat. Phys.
    61, 79 (1990). Chains that have not mixed within a phase are refused.
    """
    gathered = gather_chains(samples, control=control, size=size, dimension=dimension)
    features, refused = _usable(gathered, seed)
    names = {
        "control": control,
        "size": size,
        "dimension": -1 if dimension is None else dimension,
    }
    if len(features) < FEWEST_SIZES:
        return _too_few(features, refused, names)
    weighing = weigh(features, dimension, seed=np.random.SeedSequence([seed, 1]))
    table = verdict_table(features, weighing, dimension).assign_attrs(names)
    return Verdict(
        order=weighing.order,
        probabilities=weighing.probabilities,
        grounds=grounds(weighing, features),
        against=(*doubts(weighing), *refused),
        wanted=wanted_data(weighing, features, dimension, size),
        table=table,
    )


def _usable(gathered: Sequence[SizeChains], seed: int) -> tuple[list[SizeFeatures], list[str]]:
    """Features of the sizes that count, and why the others do not."""
    kept: list[SizeFeatures] = []
    refused: list[str] = []
    for number, each in enumerate(gathered):
        reason, features = _measured(each, np.random.default_rng([seed, 0, number]))
        if features is None:
            refused.append(f"the size {each.size:g} does not count: {reason}")
        else:
            kept.append(features)
    return kept, refused


def _measured(
    chains: SizeChains, generator: np.random.Generator
) -> tuple[str, SizeFeatures | None]:
    if chains.controls.size < _FEWEST_CONTROLS:
        return f"{chains.controls.size} controls, {_FEWEST_CONTROLS} are needed", None
    if not any(np.ptp(chains.pooled(float(g))) > 0.0 for g in chains.controls):
        return "the order parameter does not vary", None
    mixing = mixing_ratio(chains)
    if mixing > LARGEST_RATIO:
        return (
            f"its chains have not equilibrated (halves of chains differ within a phase by "
            f"{mixing:.2f} of its variance, at most {LARGEST_RATIO} is sound)",
            None,
        )
    leap = max(
        (widest_leap(chains.of_disorder(each)) for each in chains.disorders),
        key=lambda each: each is not None,
    )
    if leap is not None:
        return (
            f"the order parameter leaps between the controls {leap[0]:g} and {leap[1]:g}, "
            "whose values do not overlap; add controls between them",
            None,
        )
    try:
        return "", measure_features(chains, mixing=mixing, generator=generator)
    except NoConvergenceError as error:
        return str(error), None


def _too_few(
    features: Sequence[SizeFeatures], refused: Sequence[str], names: Mapping[str, Any]
) -> Verdict:
    return Verdict(
        order=UNDETERMINED,
        probabilities=dict.fromkeys(ANSWERS[:3], 0.0) | {UNDETERMINED: 1.0},
        grounds=(),
        against=(f"{len(features)} usable sizes, {FEWEST_SIZES} are needed", *refused),
        wanted=(
            f"Give at least {FEWEST_SIZES} sizes spanning a factor 4 in N, each with several "
            "chains, started from both sides, that mix within each phase."
        ),
        table=size_table(features).assign_attrs(names),
    )
