"""Small lattices summed over every state, and distances in standard errors."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

FloatArray = npt.NDArray[np.float64]


class Enumerated(NamedTuple):
    """Exact means of a lattice in equilibrium."""

    energy: float
    square_energy: float
    order_parameter: float
    magnetization: float
    square_magnetization: float


def all_states(shape: tuple[int, int], state_count: int) -> npt.NDArray[np.int64]:
    """Every state of a lattice: (state of the lattice, row, column)."""
    sites = shape[0] * shape[1]
    number = np.arange(state_count**sites)[:, None]
    digits = number // state_count ** np.arange(sites) % state_count
    return digits.reshape(-1, *shape)


def enumerated_potts(shape: tuple[int, int], state_count: int, beta: float) -> Enumerated:
    """H = -Σ δ, with one bond to the right and one below each site."""
    states = all_states(shape, state_count)
    energy = -sum((states == np.roll(states, 1, axis)).mean((1, 2)) for axis in (1, 2))
    shares = np.stack([(states == each).mean((1, 2)) for each in range(state_count)])
    order = (state_count * shares.max(0) - 1) / (state_count - 1)
    weight = np.exp(-beta * energy * states[0].size)
    weight /= weight.sum()
    return Enumerated(weight @ energy, weight @ energy**2, weight @ order, np.nan, np.nan)


def enumerated_ising(shape: tuple[int, int], beta: float, field: float = 0.0) -> Enumerated:
    """H = -Σ s s' - h Σ s."""
    spins = 2 * all_states(shape, 2) - 1
    mean = spins.mean((1, 2))
    bonds = sum((spins * np.roll(spins, 1, axis)).mean((1, 2)) for axis in (1, 2))
    energy = -bonds - field * mean
    weight = np.exp(-beta * (energy - energy.min()) * spins[0].size)
    weight /= weight.sum()
    moments = (energy, energy**2, np.abs(mean), mean, mean**2)
    return Enumerated(*(float(weight @ each) for each in moments))


def standard_errors(estimates: FloatArray, exact: float) -> float:
    """Distance of the mean of independent estimates from the truth, in its standard errors."""
    error = estimates.std(ddof=1) / len(estimates) ** 0.5
    return float(abs(estimates.mean() - exact) / error)


@pytest.fixture
def potts_sum() -> Callable[[tuple[int, int], int, float], Enumerated]:
    return enumerated_potts


@pytest.fixture
def ising_sum() -> Callable[..., Enumerated]:
    return enumerated_ising


@pytest.fixture
def errors_away() -> Callable[[FloatArray, float], float]:
    return standard_errors
