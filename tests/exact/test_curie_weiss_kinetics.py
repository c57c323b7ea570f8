"""Driven Curie-Weiss spins against all states of a small system and the limit of a large."""

from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import solve_ivp

from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    FieldRamp,
    curie_weiss_ising_law,
    curie_weiss_spinodal_field,
    driven_curie_weiss_ising,
)
from phasegrok.exact.curie_weiss_kinetics import curie_weiss_fixed_point, curie_weiss_rates

FloatArray = npt.NDArray[np.float64]


@pytest.mark.parametrize(
    ("size", "beta", "field"), [(2, 0.5, 0.0), (9, 1.5, 0.1), (40, 2, -0.3)]
)
def test_rates_are_in_detailed_balance(size: int, beta: float, field: float) -> None:
    law = curie_weiss_ising_law(size=size, inverse_temperature=beta, field=field)
    up, down = curie_weiss_rates(size=size, inverse_temperature=beta, field=field)
    np.testing.assert_allclose(
        law.probability[:-1] * up[:-1], law.probability[1:] * down[1:], rtol=1e-10
    )
    assert up[-1] == down[0] == 0.0


def one_update(states: FloatArray, beta: float, field: float) -> FloatArray:
    """Transition matrix of one heat-bath update over all states of the spins."""
    count, size = states.shape
    energy = -(states.sum(axis=1) ** 2) / (2 * size) - field * states.sum(axis=1)
    matrix = np.zeros((count, count))
    for state, spin in product(range(count), range(size)):
        flipped = state ^ (1 << spin)
        chance = 1 / (1 + np.exp(beta * (energy[flipped] - energy[state])))
        matrix[state, flipped] += chance / size
        matrix[state, state] += (1 - chance) / size
    return matrix


def test_mean_of_driven_spins_is_that_over_all_states() -> None:
    size, beta, replicas = 4, 1.3, 4000
    ramp = FieldRamp(lowest=-0.8, highest=0.8, rates=(0.2,), record_count=9)
    samples = driven_curie_weiss_ising(
        size=size, inverse_temperature=beta, ramp=ramp, replica_count=replicas, seed=2
    )
    states: FloatArray = (
        2.0 * ((np.arange(2**size)[:, None] >> np.arange(size)) & 1).astype(np.float64) - 1.0
    )
    for direction in ("up", "down"):
        chosen = samples.isel(run=samples["direction"].values == direction)
        fields = ramp.fields(direction)
        side = -1.0 if direction == "up" else 1.0
        start = curie_weiss_fixed_point(inverse_temperature=beta, field=fields[0], start=side)
        wanted = (states.sum(axis=1) == 2 * np.rint(size * (1 + start) / 2) - size).astype(
            float
        )
        chance = wanted / wanted.sum()
        # Four updates, one sweep, from one record to the next.
        for record, (before, after) in enumerate(pairwise(fields.tolist()), 1):
            matrix = one_update(states, beta, 0.5 * (before + after))
            chance = chance @ np.linalg.matrix_power(matrix, 4)
            values = chosen["magnetization"].values[:, record]
            error = values.std(ddof=1) / replicas**0.5
            assert abs(values.mean() - chance @ states.mean(axis=1)) < 4.5 * error


def test_many_spins_follow_the_mean_field_equation() -> None:
    beta, rate, size = 1.3, 0.02, 2000
    ramp = FieldRamp(lowest=-0.4, highest=0.4, rates=(rate,), record_count=21)
    samples = driven_curie_weiss_ising(
        size=size, inverse_temperature=beta, ramp=ramp, replica_count=30, seed=1
    )
    rising = samples.isel(run=samples["direction"].values == "up")
    time = rising["time"].values[0]
    start = curie_weiss_fixed_point(inverse_temperature=beta, field=-0.4, start=-1.0)
    solved = solve_ivp(
        lambda t, m: np.tanh(beta * (m - 0.4 + rate * t)) - m,
        (0.0, float(time[-1])),
        [start],
        t_eval=time,
        rtol=1e-9,
    )
    # Fluctuations of order N^(-1/2) grow while the branch switches.
    error = rising["magnetization"].std("run", ddof=1).values / 30**0.5
    difference = np.abs(rising["magnetization"].mean("run").values - solved.y[0])
    assert (difference < 4.5 * error + 5.0 / size).all()


@pytest.mark.parametrize("beta", [1.05, 1.5, 3.0])
def test_the_metastable_phase_ends_at_the_spinodal_field(beta: float) -> None:
    grid = np.linspace(-1, 1, 400_001)
    limit = curie_weiss_spinodal_field(inverse_temperature=beta)
    phases = []
    for field in (limit * (1 - 1e-4), limit * (1 + 1e-4)):
        force = np.tanh(beta * (grid + field)) - grid
        phases.append(int(np.sum((force[:-1] > 0) & (force[1:] <= 0))))
    assert phases == [2, 1]


def test_systems_without_meaning_are_refused() -> None:
    ramp = FieldRamp(lowest=-1.0, highest=1.0, rates=(0.1,), record_count=3)
    with pytest.raises(InvalidValueError, match="inverse temperature above 1"):
        curie_weiss_spinodal_field(inverse_temperature=1.0)
    with pytest.raises(InvalidValueError, match="size must be a whole number of at least 2"):
        driven_curie_weiss_ising(size=1, inverse_temperature=1.5, ramp=ramp, seed=1)
    with pytest.raises(InvalidValueError, match="inverse_temperature must be positive"):
        driven_curie_weiss_ising(size=9, inverse_temperature=-1.5, ramp=ramp, seed=1)
