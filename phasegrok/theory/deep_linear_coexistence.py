"""Where the two phases of a deep linear network coexist, at finite temperature and width.

Three curves λ(T): equal weights of both basins of the exact law, and the two ends of the range
in which the density of ln a has two peaks, the limits of metastability.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from phasegrok.exact.checking import FloatArray
from phasegrok.exact.deep_linear_law import DeepLinearNetwork
from phasegrok.exact.deep_linear_transition import deep_linear_transition
from phasegrok.theory.deep_linear_basins import basin_means, turning_points
from phasegrok.theory.deep_linear_equilibrium import PHASES, phase_means
from phasegrok.theory.deep_linear_large_width import deep_linear_critical_point
from phasegrok.theory.deep_linear_scales import positive_row

__all__ = ["deep_linear_coexistence"]

# Weight decays at which two peaks are looked for: over all, and from the transition at
# temperature zero on, where the range of two peaks shrinks to nothing. Halvings find its ends.
SCANNED = 120
SCANNED_CLOSELY = 400
HALVINGS = 36
LINES = ("coexistence", "lower_limit", "upper_limit", "slope")


def deep_linear_coexistence(
    *, layer_count: int, width: int, temperature: ArrayLike, target: float = 1.0
) -> xr.Dataset:
    """Solve for the weight decay of equal weights, and for the range of two peaks.

    Parameters
    ----------
    layer_count : int
        L, 2 to 30.
    width : int
        h, neurons of every hidden layer.
    temperature : (temperature,) array_like
        T, above zero; t/h for a scaled temperature t.
    target : float
        s, above zero.

    Returns
    -------
    Dataset
        On temperature, NaN where there is none: ``coexistence``, the λ at which both basins
        have the weight ½; ``slope``, ΔU/(T ΔQ) of the phases there, which is dλ/dT of the line
        by Clausius and Clapeyron wherever the valley is deep; ``lower_limit`` and
        ``upper_limit``, between which the density of ln a has two peaks. With a dimension
        phase, "unlearned" and "learned": means of ``order_parameter`` m, ``half_square_norm``
        Q, ``loss`` L and ``energy`` U at coexistence.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, or a temperature at which the law is a point.

    Notes
    -----
    Ends of the range of two peaks depend on the coordinate at finite width; for h → ∞ at fixed
    t they tend to the spinodals of `deep_linear_large_width_lines`.
    """
    heat = positive_row("temperature", temperature)
    first = DeepLinearNetwork.checked(
        layer_count=layer_count,
        width=width,
        temperature=float(heat.min()),
        weight_decay=1.0,
        target=target,
    )
    rows = [_row(replace(first, temperature=each)) for each in heat]
    lines = {name: ("temperature", np.array([row[name] for row in rows])) for name in LINES}
    phases = {
        name: (("temperature", "phase"), np.array([row[name] for row in rows]))
        for name in rows[0]
        if name not in LINES
    }
    return xr.Dataset(
        {**lines, **phases},
        coords={"temperature": heat, "phase": PHASES},
        attrs={"layer_count": first.layer_count, "width": first.width, "target": first.target},
    )


def _row(network: DeepLinearNetwork) -> dict[str, FloatArray | float]:
    """All numbers at one temperature."""
    limits = _limits(network)
    decay = None if limits is None else _equal_weight(network, limits)
    ends = limits or (np.nan, np.nan)
    at = replace(network, weight_decay=decay or 1.0)
    phases = phase_means(at, basin_means(at, turning_points(at)) if decay else None)
    change = {name: float(np.diff(phases[name])[0]) for name in ("energy", "half_square_norm")}
    return {
        "coexistence": np.nan if decay is None else decay,
        "lower_limit": ends[0],
        "upper_limit": ends[1],
        "slope": change["energy"] / (network.temperature * change["half_square_norm"]),
        **phases,
    }


def _bistable(network: DeepLinearNetwork, log_decay: float) -> bool:
    there = replace(network, weight_decay=float(np.exp(log_decay)))
    return len(turning_points(there)) == 3


def _limits(network: DeepLinearNetwork) -> tuple[float, float] | None:
    """First and last weight decay of two peaks."""
    depth, aim = network.layer_count, network.target
    alone = deep_linear_transition(layer_count=depth, target=aim)
    end = deep_linear_critical_point(layer_count=depth, target=aim)
    # Entropy moves everything to larger λ, and no wide network has two phases beyond λ*.
    largest = 2 * alone.spinodal_weight_decay if end is None else 1.5 * end.weight_decay
    scan = np.union1d(
        np.linspace(np.log(alone.weight_decay / 1000), np.log(largest), SCANNED),
        np.linspace(np.log(alone.weight_decay), np.log(largest), SCANNED_CLOSELY),
    )
    found = np.flatnonzero([_bistable(network, each) for each in scan[1:-1]]) + 1
    if not found.size:
        return None
    inside = float(scan[found[0]]), float(scan[found[-1]])
    ends = float(scan[found[0] - 1]), float(scan[found[-1] + 1])
    limits = [
        _boundary(lambda x: _bistable(network, x), here, there)
        for here, there in zip(inside, ends, strict=True)
    ]
    return float(np.exp(limits[0])), float(np.exp(limits[1]))


def _boundary(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Place between the two up to which something holds."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside


def _equal_weight(network: DeepLinearNetwork, limits: tuple[float, float]) -> float | None:
    """λ at which ln of the ratio of the weights vanishes; None where it never does."""

    def excess(log_decay: float) -> float:
        there = replace(network, weight_decay=float(np.exp(log_decay)))
        turns = turning_points(there)
        weights = basin_means(there, turns).log_weight
        return float(weights[1] - weights[0])

    low, high = np.log(limits)
    margin = 1e-4 * (high - low)
    ends = low + margin, high - margin
    if excess(ends[0]) < 0 or excess(ends[1]) > 0:
        return None
    return float(np.exp(brentq(excess, *ends, xtol=1e-13)))
