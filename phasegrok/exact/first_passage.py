"""Mean times of escape from a metastable phase: exact sums, quadratures and their limits."""

from math import sqrt

import numpy as np

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, finite_number, require_positive, whole_number
from phasegrok.exact.curie_weiss_kinetics import curie_weiss_fixed_point, curie_weiss_rates
from phasegrok.exact.driven_double_well import double_well_minimum

__all__ = [
    "birth_death_passage_time",
    "curie_weiss_barrier",
    "curie_weiss_escape_time",
    "double_well_passage_time",
]

# Cells of the quadrature, whose error falls as the square of their width.
CELLS = 40_000


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
        If the target does not lie above the start within the chain.

    References
    ----------
    .. [1] van Kampen, Stochastic Processes in Physics and Chemistry (1981), ch. XII.
    """
    if not 0 <= start < target < len(up):
        raise InvalidValueError(
            f"the target must lie above the start within {len(up)} states, received "
            f"{start} and {target}."
        )
    # t_k = (1 + down_k t_{k-1})/up_k is the same sum without weights that overflow.
    total, waiting = 0.0, 0.0
    for state in range(target):
        waiting = float((1 + down[state] * waiting) / up[state])
        total += waiting if state >= start else 0.0
    return total


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
        For numbers without meaning.
    """
    count = whole_number("size", size, minimum=2)
    up, down = curie_weiss_rates(
        size=count, inverse_temperature=inverse_temperature, field=field
    )
    begin = curie_weiss_fixed_point(
        inverse_temperature=inverse_temperature, field=field, start=-1.0
    )
    return birth_death_passage_time(
        up,
        down,
        start=int(np.rint(count * (1 + begin) / 2)),
        target=int(np.ceil(count * (1 + exit_magnetization) / 2 - 1e-9)),
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
    beta = require_positive("inverse_temperature", inverse_temperature)
    tilt = finite_number("field", field)
    grid = np.linspace(-1, 1, 2_000_001)[1:-1]
    force = np.tanh(beta * (grid + tilt)) - grid
    rises = np.flatnonzero((force[:-1] < 0) & (force[1:] >= 0))
    if not rises.size or not (force[: rises[0]] > 0).any():
        raise InvalidValueError(
            f"there is no barrier at an inverse temperature of {beta:g} and a field of "
            f"{tilt:g}; take β above 1 and a field below the spinodal."
        )
    phase = curie_weiss_fixed_point(inverse_temperature=beta, field=tilt, start=-1.0)
    at = np.array([phase, grid[rises[0]]])
    entropy = -(1 + at) / 2 * np.log((1 + at) / 2) - (1 - at) / 2 * np.log((1 - at) / 2)
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
        For numbers without meaning.

    References
    ----------
    .. [1] Pontryagin, Andronov and Vitt, Zh. Eksp. Teor. Fiz. 3, 165 (1933).
    """
    height = require_positive("barrier", barrier)
    heat = require_positive("temperature", temperature)
    start = double_well_minimum(barrier=height, field=0.0, side=-1.0)
    level = finite_number("exit_coordinate", exit_coordinate)
    if level <= start:
        raise InvalidValueError(f"the exit must lie above {start:g}, received {level:g}.")
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
