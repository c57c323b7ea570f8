"""The driven double well against its equation without noise and its law in equilibrium."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import solve_ivp

from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    FieldRamp,
    double_well_law,
    double_well_spinodal_field,
    driven_double_well,
)

Distance = Callable[[Any, float], float]
FloatArray = npt.NDArray[np.float64]


def test_without_noise_it_follows_the_equation_of_motion() -> None:
    ramp = FieldRamp(lowest=-2.0, highest=2.0, rates=(0.1,), record_count=41)
    samples = driven_double_well(
        barrier=1.0, temperature=0.0, ramp=ramp, time_step=0.01, seed=1
    )
    rising = samples.isel(run=int(np.flatnonzero(samples["direction"].values == "up").item()))
    time = rising["time"].values
    solved = solve_ivp(
        lambda t, x: -4 * x * (x**2 - 1) - 2.0 + 0.1 * t,
        (0.0, float(time[-1])),
        [float(rising["order_parameter"][0])],
        t_eval=time,
        rtol=1e-10,
        atol=1e-12,
    )
    # The jump magnifies the error of a step of second order.
    np.testing.assert_allclose(rising["order_parameter"], solved.y[0], atol=5e-3)
    assert np.isinf(samples["size"].values).all()


def test_up_and_down_are_mirror_images_without_noise() -> None:
    ramp = FieldRamp(lowest=-2.0, highest=2.0, rates=(0.1,), record_count=21)
    samples = driven_double_well(barrier=1.0, temperature=0.0, ramp=ramp, seed=1)
    up, down = (
        samples["order_parameter"].values[samples["direction"].values == each][0]
        for each in ("up", "down")
    )
    np.testing.assert_allclose(up, -down, atol=1e-12)


def test_driven_slowly_over_nothing_it_reaches_equilibrium(errors_away: Distance) -> None:
    # Over a range of 0.002 the field stands still; at this temperature wells are left at once.
    ramp = FieldRamp(lowest=-1e-3, highest=1e-3, rates=(1e-4,), record_count=3)
    samples = driven_double_well(
        barrier=1.0, temperature=0.7, ramp=ramp, time_step=0.02, replica_count=2000, seed=1
    )
    last = samples["order_parameter"].values[:, -1]
    law = double_well_law(barrier=1.0, temperature=0.7)
    for power in (2, 4):
        # Heun's rule is off by O(dt²), a hundredth of the error here.
        exact = law.expectation(lambda x, power=power: x**power)  # type: ignore[misc]
        assert errors_away(last**power, exact) < 4.0
    assert errors_away(last, 0.0) < 4.0


@pytest.mark.parametrize("barrier", [0.25, 1.0])
def test_a_well_ends_at_the_spinodal_field(barrier: float) -> None:
    limit = double_well_spinodal_field(barrier=barrier)
    counts = []
    for field in (limit * (1 - 1e-6), limit * (1 + 1e-6)):
        roots = np.roots([4 * barrier, 0.0, -4 * barrier, -field])
        counts.append(int(np.sum(np.abs(roots.imag) < 1e-9)))
    assert counts == [3, 1]


def test_systems_without_meaning_are_refused() -> None:
    ramp = FieldRamp(lowest=-1.0, highest=1.0, rates=(0.1,), record_count=3)
    with pytest.raises(InvalidValueError, match="temperature must not be negative"):
        driven_double_well(barrier=1.0, temperature=-0.1, ramp=ramp, seed=1)
    with pytest.raises(InvalidValueError, match="time_step must stay below"):
        driven_double_well(barrier=1.0, temperature=0.1, ramp=ramp, time_step=0.1, seed=1)
    with pytest.raises(InvalidValueError, match="barrier must be positive"):
        double_well_spinodal_field(barrier=0.0)
