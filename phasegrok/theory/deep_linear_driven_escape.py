"""A deep linear chain with noise while its weight decay is ramped: two states and their rates.

The learned share P follows dP/dt = k_learn (1 - P) - k_forget P with the rates of Kramers and
Langer at the weight decay of the moment, as in Kurkijärvi, Phys. Rev. B 6, 832 (1972) and Garg,
Phys. Rev. B 51, 15592 (1995), here with both rates.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid
from scipy.optimize import brentq

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, require_memory, whole_number
from phasegrok.exact.deep_linear_transition import deep_linear_transition
from phasegrok.exact.limits import moderate_positive
from phasegrok.theory.deep_linear_escape import LOWEST_BARRIER, barred_depth, chain_rates
from phasegrok.theory.deep_linear_scales import positive_row

__all__ = ["deep_linear_driven_escape"]

DIRECTIONS = ["up", "down"]
# Change of the logarithm of a rate within a cell, at most.
LARGEST_CHANGE = 0.05
CELL_BYTES = 100.0
# So fast that nothing stays: of what has ceased to be a minimum.
AT_ONCE = 1e300


class _Cells(NamedTuple):
    """Rates along the weight decay, in units of the target."""

    edges: FloatArray  # (cell + 1,)
    records: npt.NDArray[np.intp]  # (record,) their places among the edges
    balance: FloatArray  # (cell + 1,) learned share of a ramp that stands still
    learn: FloatArray  # (cell,)
    forget: FloatArray
    holds: npt.NDArray[np.bool_]  # (way, cell), to learn and to forget


class _Shares(NamedTuple):
    """What becomes of the chains, (rate, edge) in the order of the edges."""

    learned: FloatArray
    staying: FloatArray
    outside: FloatArray  # (rate,)


def deep_linear_driven_escape(
    *,
    layer_count: int,
    temperature: float,
    rates: ArrayLike,
    lowest: float,
    highest: float,
    record_count: int = 201,
    target: float = 1.0,
) -> xr.Dataset:
    """Follow the share of learned chains on ramps of the weight decay, up and down.

    Parameters
    ----------
    layer_count : int
        L, at least 3.
    temperature : float
        T, above zero.
    rates : (rate,) array_like
        Change of λ per unit of time, above zero.
    lowest, highest : float
        Ends of the ramps. Up begins with learned chains at the lowest λ, down with unlearned
        ones at the highest.
    record_count : int
        Number of weight decays, at equal distances.
    target : float
        s, above zero.

    Returns
    -------
    Dataset
        On (direction, rate, weight_decay), the latter rising for both directions:
        ``learned_share`` P; ``order_parameter``, P times the learned output at T = 0;
        ``survival``, the share that has not left its first state yet, whose change with λ is
        the density of switching fields. On (direction, rate):
        ``switching_field``, λ at which half have left, NaN where fewer do;
        ``outside_share``, the share of first exits where the rate does not hold. On rate:
        ``loop_area``, between both branches within the range. On weight_decay:
        ``holds_to_learn`` and ``holds_to_forget``.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, two layers, or a range that does not rise.

    Notes
    -----
    Where a barrier is below two temperatures the rate of where it is two is kept, and beyond
    the spinodal the learned state is left at once. Neither is a prediction: results hold as
    far as ``outside_share`` is small. Output has thermal corrections of the order of T.
    """
    depth = barred_depth(layer_count)
    aim = moderate_positive("target", target)
    heat = moderate_positive("temperature", temperature) / aim**2
    speed = positive_row("rate", rates)
    decay = _records(lowest, highest, record_count)
    unit = aim ** (2 - 2 / depth)
    cells = _cells(decay / unit, heat, depth, len(speed))
    # Rates are of the unit of λ, and so is the inverse of the time.
    ways = [_followed(cells, speed / unit**2, upwards) for upwards in (True, False)]
    share, staying = (
        np.stack([getattr(way, name)[:, cells.records] for way in ways])
        for name in ("learned", "staying")
    )
    output = share * np.nan_to_num(chain_rates(decay / unit, depth).learned_product) * aim
    axes = ("direction", "rate", "weight_decay")
    holds = _holding(decay / unit, heat, depth)
    return xr.Dataset(
        {
            "learned_share": (axes, share),
            "order_parameter": (axes, output),
            "survival": (axes, staying),
            "switching_field": (axes[:2], [_half(cells, way) * unit for way in ways]),
            "outside_share": (axes[:2], [way.outside for way in ways]),
            "loop_area": ("rate", trapezoid(output[0] - output[1], decay, axis=-1)),
            "holds_to_learn": ("weight_decay", holds[0]),
            "holds_to_forget": ("weight_decay", holds[1]),
        },
        coords={"direction": DIRECTIONS, "rate": speed, "weight_decay": decay},
        attrs={"layer_count": depth, "temperature": heat * aim**2, "target": aim},
    )


def _records(lowest: float, highest: float, record_count: int) -> FloatArray:
    low, high = moderate_positive("lowest", lowest), moderate_positive("highest", highest)
    if low >= high:
        raise InvalidValueError(f"lowest must lie below highest, received {low:g}, {high:g}.")
    return np.linspace(low, high, whole_number("record_count", record_count, minimum=2))


def _cells(records: FloatArray, heat: float, depth: int, rate_count: int) -> _Cells:
    """Cells that are narrow enough, with every record an edge."""
    # ln k changes with λ by at most the larger ½ Σ θ² of both states over T.
    slope = depth / (2 * heat)
    inside = 1 + int(slope * (records[1] - records[0]) / LARGEST_CHANGE)
    number = inside * (len(records) - 1)
    require_memory("following the ramps", CELL_BYTES * number * rate_count)
    edges = np.interp(np.arange(number + 1) / inside, np.arange(len(records)), records)
    middle = (edges[1:] + edges[:-1]) / 2
    learn, forget = _rates(middle, heat, depth)
    ends = _rates(edges, heat, depth)
    places = np.arange(len(records)) * inside
    balance = ends[0] / ends.sum(axis=0)
    return _Cells(edges, places, balance, learn, forget, _holding(middle, heat, depth))


def _rates(decay: FloatArray, heat: float, depth: int) -> FloatArray:
    """Rates to learn and to forget, (way, weight_decay)."""
    first, last = _range(heat, depth)
    spinodal = deep_linear_transition(layer_count=depth).spinodal_weight_decay
    exists = decay < spinodal
    to_learn = chain_rates(np.clip(decay, first, spinodal * (1 - 1e-9)), depth)
    to_forget = chain_rates(np.minimum(decay, last), depth)
    learn = to_learn.prefactor_to_learn * np.exp(-to_learn.barrier_to_learn / heat)
    forget = to_forget.prefactor_to_forget * np.exp(-to_forget.barrier_to_forget / heat)
    learn, forget = np.where(exists, learn, 0.0), np.where(exists, forget, AT_ONCE)
    return np.maximum(np.stack([learn, forget]), 1 / AT_ONCE)


def _holding(decay: FloatArray, heat: float, depth: int) -> npt.NDArray[np.bool_]:
    """Whether the rates to learn and to forget hold, (way, weight_decay)."""
    first, last = _range(heat, depth)
    return np.stack([decay >= first, decay <= last])


def _range(heat: float, depth: int) -> tuple[float, float]:
    """λ from where on there is a barrier to learn, and up to where there is one to forget."""
    spinodal = deep_linear_transition(layer_count=depth).spinodal_weight_decay
    ends = spinodal * 1e-6, spinodal * (1 - 1e-9)

    def margin(decay: float, name: str) -> float:
        chain = chain_rates(np.array(decay), depth)
        return float(getattr(chain, name)) - LOWEST_BARRIER * heat

    names = ("barrier_to_learn", "barrier_to_forget")
    if margin(ends[1], names[0]) <= 0 or margin(ends[0], names[1]) <= 0:
        raise InvalidValueError(
            f"temperature must leave barriers of {LOWEST_BARRIER:g} temperatures in both "
            f"directions, received {heat:g} in units of the square of the target; lower it."
        )
    first = 0.0 if margin(ends[0], names[0]) > 0 else brentq(margin, *ends, args=names[:1])
    return float(first), float(brentq(margin, *ends, args=names[1:]))


def _followed(cells: _Cells, speed: FloatArray, upwards: bool) -> _Shares:
    """Integrate the rates along a ramp: constant within a cell, with a balance that moves."""
    leaving, holds = (
        (cells.forget, cells.holds[1]) if upwards else (cells.learn, cells.holds[0])
    )
    shape = (len(cells.edges), len(speed))
    learned, staying = np.full(shape, float(upwards)), np.ones(shape)
    order = range(shape[0] - 1) if upwards else range(shape[0] - 2, -1, -1)
    for cell in order:
        before, after = (cell, cell + 1) if upwards else (cell + 1, cell)
        time = (cells.edges[cell + 1] - cells.edges[cell]) / speed
        passed = (cells.learn[cell] + cells.forget[cell]) * time
        lag = (cells.balance[after] - cells.balance[before]) * -np.expm1(-passed) / passed
        excess = learned[before] - cells.balance[before]
        learned[after] = cells.balance[after] - lag + excess * np.exp(-passed)
        staying[after] = staying[before] * np.exp(-leaving[cell] * time)
    exits = np.abs(np.diff(staying, axis=0))
    return _Shares(learned.T, staying.T, exits[~holds].sum(axis=0))


def _half(cells: _Cells, way: _Shares) -> FloatArray:
    """λ at which half of the chains have left their first state, (rate,)."""
    # Survival is monotonic along the ramp; np.interp wants it to rise.
    rising = way.staying if way.staying[0, -1] == 1.0 else way.staying[:, ::-1]
    edges = cells.edges if way.staying[0, -1] == 1.0 else cells.edges[::-1]
    return np.array([np.interp(0.5, row, edges, left=np.nan) for row in rising])
