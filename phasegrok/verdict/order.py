"""From samples to a verdict."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.seeds import checked_seed
from phasegrok.transitions.chains import gather_chains
from phasegrok.transitions.demands import require_dimension
from phasegrok.verdict.answers import ANSWERS, UNDETERMINED
from phasegrok.verdict.kinetic_tables import ONE_SIZE, lifetime_columns, width_columns
from phasegrok.verdict.kinetics import lifetime_signature, loop_signature
from phasegrok.verdict.models import energy_models, scaling_models
from phasegrok.verdict.readings import (
    Places,
    Reading,
    read_energy,
    read_sizes,
    unexplained,
    weigh_reading,
)
from phasegrok.verdict.result import Verdict
from phasegrok.verdict.sentences import doubts, grounds, too_few, wanted_data
from phasegrok.verdict.signatures import (
    Signature,
    energy_signature,
    join_signatures,
    named_answer,
)
from phasegrok.verdict.tables import observable_table, prefixed
from phasegrok.verdict.weighing import Weighing

__all__ = ["order_of_transition"]


def order_of_transition(  # noqa: PLR0913 - one door for all signatures
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    loops: xr.Dataset | None = None,
    lifetimes: xr.Dataset | None = None,
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
    energy : DataArray, optional
        Energy per degree of freedom of the same or other runs, with the same coordinates. It
        can support or oppose a first-order transition, but does not tell a continuous one
        from a crossover: do not give it as the order parameter.
    loops : Dataset, optional
        Table of `phasegrok.transitions.loops` at several sizes and rates.
    lifetimes : Dataset, optional
        Table of `phasegrok.transitions.lifetimes`, one point a size: that nearest to the
        transition.
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
        For missing coordinates, other dimensions, or values that are not finite; for tables
        that are empty, have several lifetimes of one size, or share no size with the samples.
        All that is given is looked at before anything is fitted.
    FormatError
        For tables that lack a column.
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
    require_dimension(dimension)
    if dimension == 1:
        raise InvalidValueError(
            "in one dimension no barrier grows with the size, and nothing tells phases from a "
            "crossover; received dimension=1: give None where the size is a number of degrees "
            "of freedom."
        )
    seed = checked_seed(seed)
    places = Places(control=control, size=size, dimension=dimension)
    _require_all(samples, places, energy=energy, loops=loops, lifetimes=lifetimes)
    reading = read_sizes(samples, places, seed=[seed, 0])
    weighing = weigh_reading(reading, dimension, scaling_models, seed=[seed, 1])
    tables = [observable_table(reading.features, weighing)]
    refused = [*unexplained(samples, places), *reading.refused]
    signatures: list[Signature] = []
    if energy is not None:
        second = read_energy(energy, places, seed=[seed, 2])
        weighed = weigh_reading(second, dimension, energy_models, seed=[seed, 3])
        refused += [f"of the energy, {each}" for each in second.refused]
        tables.append(prefixed(observable_table(second.features, weighed), "energy_"))
        signatures += [] if weighed is None else [energy_signature(weighed)]
    if loops is not None:
        signatures.append(loop_signature(loops, size=size, dimension=dimension, seed=seed))
    if lifetimes is not None:
        signatures.append(lifetime_signature(lifetimes, size=size, dimension=dimension))
    table = xr.merge(tables, join="outer").assign_attrs(
        control=control, size=size, dimension=-1 if dimension is None else dimension
    )
    return _verdict(reading, weighing, signatures, refused=refused, table=table)


def _require_all(
    samples: xr.DataArray,
    places: Places,
    *,
    energy: xr.DataArray | None,
    loops: xr.Dataset | None,
    lifetimes: xr.Dataset | None,
) -> None:
    """Refuse what cannot be judged, before the minutes that weighing takes."""
    if energy is None and loops is None and lifetimes is None:
        return
    known = _sizes_of(samples, places)
    given: dict[str, FloatArray] = {}
    if energy is not None:
        try:
            given["the energy has"] = _sizes_of(energy, places)
        except InvalidValueError as error:
            raise InvalidValueError(f"of the energy: {error}") from error
    if loops is not None:
        given["the loops have"] = width_columns(loops, size=places.size)[0]
    if lifetimes is not None:
        given["the lifetimes have"] = lifetime_columns(lifetimes, size=places.size)[0]
    for who, sizes in given.items():
        if not np.isclose(sizes[:, None], known, rtol=ONE_SIZE, atol=0.0).any():
            raise InvalidValueError(
                f"{who} no size in common with the samples: received {places.size!r} of "
                f"{np.unique(sizes).tolist()} beside {known.tolist()}; give the same system, "
                "and sizes that mean the same."
            )


def _sizes_of(samples: xr.DataArray, places: Places) -> FloatArray:
    gathered = gather_chains(
        samples, control=places.control, size=places.size, dimension=places.dimension
    )
    return np.array([each.size for each in gathered])


def _verdict(
    reading: Reading,
    weighing: Weighing | None,
    signatures: Sequence[Signature],
    *,
    refused: Sequence[str],
    table: xr.Dataset,
) -> Verdict:
    alone = dict.fromkeys(ANSWERS, 0.0) | {UNDETERMINED: 1.0}
    if weighing is not None:
        alone = dict(weighing.probabilities)
    # Phases that a symmetry relates have lifetimes and loops too.
    joining = () if reading.even else signatures
    probabilities, conflicts = join_signatures(alone, joining, silent=weighing is None)
    order = named_answer(probabilities) or UNDETERMINED
    said = () if weighing is None else grounds(weighing)
    unsaid = too_few(reading) if weighing is None else doubts(weighing, order, probabilities)
    return Verdict(
        order=order,
        probabilities=probabilities,
        grounds=(*said, *[text for each in signatures for text in each.grounds]),
        against=(
            *conflicts,
            *unsaid,
            *[text for each in signatures for text in each.doubts],
            *refused,
        ),
        wanted=wanted_data(weighing, order, table, unmixed=reading.unmixed),
        table=table,
    )
