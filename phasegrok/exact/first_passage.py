"""Mean times of escape from a metastable phase: exact sums, quadratures and their limits."""

from math import sqrt

import numpy as np
from scipy.special import xlogy

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, whole_number
from phasegrok.exact.curie_weiss_kinetics import (
    curie_weiss_fixed_point,
    curie_weiss_rates,
    require_table_memory,
)
from phasegrok.exact.driven_double_well import double_well_minimum
from phasegrok.exact.limits import moderate_number, moderate_positive

__all__ = [
    "birth_death_passage_time",
    "curie_weiss_barrier",
    "curie_weiss_escape_time",
    "double_well_passage_time",
]

# Cells of the quadrature, whose error falls as the square of their width.
CELLS = 40_000

# Its exponential, times any of the other factors, is a number still.
LARGEST_BARRIER = 600.0


def birth_death_passage_time(
    up: FloatArray, down: FloatArray, *, start: int, target: int
) -> float:
    """Mean time in which a birth-death chain first reaches a higher state.

    Parameters
    ----------
    up, down : (state,) arrays
        Rates of k → k + 1 and k → k - 1.
    start, target : int
        First and last state.

    Returns
    -------
    float
        Σ_{k=start}^{target-1} Σ_{j≤k} π_j/(π_k up_k) with the weights π of detailed balance
        [1]_, in the unit of time of the rates.

    Raises
    ------
    InvalidValueError
        If the target does not lie above the start within the chain, a rate has no meaning,
        or the time is beyond all numbers.

    References
    ----------
    .. [1] van Kampen, Stochastic Processes in Physics and Chemistry (1981), ch. XII.
    """
    rates = [_rates(name, values) for name, values in (("up", up), ("down", down))]
    first, last = (
        whole_number(name, state, minimum=0)
        for name, state in (("start", start), ("target", target))
    )
    if rates[0].shape != rates[1].shape or not first < last < len(rates[0]):
        raise InvalidValueError(
            f"the target must lie above the start within {len(rates[0])} states, received "
            f"{first} and {last} with {len(rates[1])} rates down."
        )
    if not (rates[0][:last] > 0.0).all():
        raise InvalidValueError(
            "every rate up below the target must be positive, received one of zero; the chain "
            "never gets there."
        )
    # t_k = (1 + down_k t_{k-1})/up_k is the same sum without weights that overflow.
    total, waiting = 0.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for state in range(last):
            waiting = float((1 + rates[1][state] * waiting) / rates[0][state])
            total += waiting if state >= first else 0.0
    if not np.isfinite(total):
        raise InvalidValueError(
            f"the mean time from {first} to {last} is beyond all numbers; take a smaller "
            "system or a lower barrier."
        )
    return total


def _rates(name: str, values: FloatArray) -> FloatArray:
    try:
        rates = np.asarray(values)
    except (TypeError, ValueError):  # Rows of unequal length.
        rates = np.array(None)
    sound = rates.ndim == 1 and rates.dtype.kind in "iuf"
    if not sound or not (np.isfinite(rates) & (rates >= 0)).all():
        raise InvalidValueError(
            f"the rates {name} must be finite numbers of zero or more along one dimension, "
            f"received {type(values).__name__} of shape {rates.shape}; give one a state."
        )
    return rates.astype(np.float64)


def curie_weiss_escape_time(
    *, size: int, inverse_temperature: float, field: float, exit_magnetization: float
) -> float:
    """Exact mean time of the escapes of `curie_weiss_escapes`.

    Parameters
    ----------
    size : int
        N.
    inverse_temperature, field : float
        β and h.
    exit_magnetization : float
        Mean spin at which a run has escaped.

    Returns
    -------
    float
        In sweeps.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, more spins than fit into memory, or a time beyond all
        numbers.
    """
    count = whole_number("size", size, minimum=2)
    beta = moderate_positive("inverse_temperature", inverse_temperature)
    tilt = moderate_number("field", field)
    level = moderate_number("exit_magnetization", exit_magnetization)
    require_table_memory(count, 1)
    up, down = curie_weiss_rates(size=count, inverse_temperature=beta, field=tilt)
    begin = curie_weiss_fixed_point(inverse_temperature=beta, field=tilt, start=-1.0)
    return birth_death_passage_time(
        up,
        down,
        start=int(np.rint(count * (1 + begin) / 2)),
        target=max(0, int(np.ceil(count * (1 + level) / 2 - 1e-9))),
    )


def curie_weiss_barrier(*, inverse_temperature: float, field: float) -> float:
    """Barrier per spin out of the phase that points down, in units of the temperature.

    Parameters
    ----------
    inverse_temperature, field : float
        β above 1, and h below the spinodal field.

    Returns
    -------
    float
        β[f(m_saddle) - f(m_phase)] with f = -m²/2 - h m - s(m)/β; ln τ grows as N times it.

    Raises
    ------
    InvalidValueError
        Where there is no barrier.
    """
    beta = moderate_positive("inverse_temperature", inverse_temperature)
    tilt = moderate_number("field", field)
    grid = np.linspace(-1, 1, 2_000_001)[1:-1]
    force = np.tanh(beta * (grid + tilt)) - grid
    rises = np.flatnonzero((force[:-1] < 0) & (force[1:] >= 0))
    # At -1 the force is positive, though the phase may lie below the whole grid.
    if not rises.size:
        raise InvalidValueError(
            f"there is no barrier at an inverse temperature of {beta:g} and a field of "
            f"{tilt:g}; take β above 1 and a field below the spinodal."
        )
    phase = curie_weiss_fixed_point(inverse_temperature=beta, field=tilt, start=-1.0)
    at = np.array([phase, grid[rises[0]]])
    # Zero times the logarithm of zero is zero.
    entropy = -xlogy((1 + at) / 2, (1 + at) / 2) - xlogy((1 - at) / 2, (1 - at) / 2)
    free = -beta * (at**2 / 2 + tilt * at) - entropy
    return float(free[1] - free[0])


def double_well_passage_time(
    *, barrier: float, temperature: float, exit_coordinate: float = 0.5
) -> float:
    """Exact mean time of the escapes of `double_well_escapes`, for a vanishing time step.

    Parameters
    ----------
    barrier, temperature : float
        a and T.
    exit_coordinate : float
        Where a run has escaped.

    Returns
    -------
    float
        τ = (1/T) ∫ dy e^(U(y)/T) ∫_{z<y} dz e^(-U(z)/T), y from the well to the exit [1]_. For
        small T it tends to that of `double_well_escape_time`.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, or a barrier of more than 600 temperatures.

    References
    ----------
    .. [1] Pontryagin, Andronov and Vitt, Zh. Eksp. Teor. Fiz. 3, 165 (1933).
    """
    height = moderate_positive("barrier", barrier)
    heat = moderate_positive("temperature", temperature)
    start = double_well_minimum(barrier=height, field=0.0, side=-1.0)
    level = moderate_number("exit_coordinate", exit_coordinate)
    if level <= start:
        raise InvalidValueError(f"the exit must lie above {start:g}, received {level:g}.")
    steepest = height * max(1.0, (level**2 - 1) ** 2) / heat
    if steepest > LARGEST_BARRIER:
        raise InvalidValueError(
            f"the barrier must not exceed {LARGEST_BARRIER:g} temperatures on the way to the "
            f"exit, received {steepest:.3g}; raise the temperature."
        )
    # U/T exceeds 45 there, so that nothing of weight lies below.
    lowest = -sqrt(1 + sqrt(45 * heat / height))
    x = np.linspace(lowest, level, CELLS + 1)
    energy = height * (x**2 - 1) ** 2 / heat
    width = x[1] - x[0]
    inner = np.exp(-energy)
    below = np.concatenate([[0.0], np.cumsum((inner[1:] + inner[:-1]) / 2)]) * width
    outer = np.where(x >= start, np.exp(energy) * below, 0.0)
    first = int(np.searchsorted(x, start))
    inside = outer[first:]
    rest = (x[first] - start) * inside[0]
    return float((width * (inside.sum() - (inside[0] + inside[-1]) / 2) + rest) / heat)
