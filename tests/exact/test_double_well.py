"""The double well against quadrature, identities and the symmetry of its law."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import double_well, double_well_escape_time, double_well_law

Distance = Callable[[Any, float], float]
FloatArray = npt.NDArray[np.float64]
WELLS = [(1.0, 0.3, 0.0), (1.0, 0.05, 0.02), (2.0, 1.0, -0.5), (0.1, 1.0, 2.0), (1.0, 0.1, 5.0)]


def _power(x: FloatArray, exponent: int) -> FloatArray:
    return x**exponent


@pytest.mark.parametrize(("barrier", "temperature", "field"), WELLS)
def test_law_is_that_of_an_independent_quadrature(
    barrier: float, temperature: float, field: float
) -> None:
    # The trapezoidal rule is exact to rounding for smooth densities that fade at both ends.
    x = np.linspace(-6.0, 6.0, 200_001)
    energy = barrier * (x**2 - 1) ** 2 - field * x
    weight = np.exp(-(energy - energy.min()) / temperature)
    law = double_well_law(barrier=barrier, temperature=temperature, field=field)
    for power in (1, 2, 4):
        mean = law.expectation(partial(_power, exponent=power))
        assert mean == pytest.approx(weight @ x**power / weight.sum(), rel=1e-10, abs=1e-10)
    density = law.density(x[::1000])
    expected = weight[::1000] / (weight.sum() * (x[1] - x[0]))
    np.testing.assert_allclose(density, expected, rtol=1e-9)


@pytest.mark.parametrize(("barrier", "temperature", "field"), [*WELLS, (1.0, 1e-5, 0.0)])
def test_quantile_inverts_the_distribution(
    barrier: float, temperature: float, field: float
) -> None:
    law = double_well_law(barrier=barrier, temperature=temperature, field=field)
    probability = np.concatenate([np.linspace(0, 1, 501), [1e-12, 1e-6, 1 - 1e-6]])
    x = law.quantile(probability)
    np.testing.assert_allclose(law.distribution(x), probability, rtol=0, atol=1e-12)
    assert (np.diff(x[:501]) >= 0).all()


@pytest.mark.parametrize(("barrier", "temperature", "field"), WELLS)
def test_equipartition(barrier: float, temperature: float, field: float) -> None:
    # ⟨x U'(x)⟩ = T, by parts.
    law = double_well_law(barrier=barrier, temperature=temperature, field=field)
    virial = law.expectation(lambda x: x * (4 * barrier * x * (x**2 - 1) - field))
    assert virial == pytest.approx(temperature, rel=1e-10)


def test_draws_follow_the_law() -> None:
    samples = double_well(
        barrier=1.0, temperature=[0.1, 0.4], field=0.05, record_count=20_000, seed=3
    )
    for row, temperature in enumerate((0.1, 0.4)):
        law = double_well_law(barrier=1.0, temperature=temperature, field=0.05)
        draws = samples["order_parameter"].values[row]
        # The distribution function makes uniform numbers of draws from it.
        assert stats.kstest(law.distribution(draws), "uniform").pvalue > 1e-3
        # Draws are independent, and so are their signs, which a chain would keep.
        sign = np.sign(draws)
        assert abs(np.corrcoef(sign[1:], sign[:-1])[0, 1]) < 4 / 20_000**0.5
        energy = (draws**2 - 1) ** 2 - 0.05 * draws
        np.testing.assert_allclose(samples["energy"].values[row], energy)


def test_reversing_the_field_reverses_the_law() -> None:
    one, other = (
        double_well_law(barrier=1.0, temperature=0.2, field=field) for field in (0.3, -0.3)
    )
    probability = np.linspace(0.01, 0.99, 33)
    np.testing.assert_allclose(
        one.quantile(probability), -other.quantile(1 - probability), atol=1e-10
    )


def test_a_small_field_moves_weight_between_the_wells() -> None:
    # Boltzmann: ln(w₊/w₋) = 2h/T for small T, up to the change of the wells' widths.
    law = double_well_law(barrier=1.0, temperature=0.01, field=0.01)
    below = float(law.distribution(np.array(0.0)))
    assert np.log((1 - below) / below) == pytest.approx(2.0, abs=0.02)


def test_escape_time_is_kramers() -> None:
    # Rate √(U''_well |U''_top|) e^(-a/T)/(2π), with U'' = 8a and -4a.
    rate = np.sqrt(8 * 2.0 * 4 * 2.0) / (2 * np.pi) * np.exp(-2.0 / 0.25)
    assert double_well_escape_time(barrier=2.0, temperature=0.25) == pytest.approx(1 / rate)


def test_dataset_follows_the_schema() -> None:
    even = double_well(barrier=1.0, temperature=[0.1, 0.2], record_count=5, seed=1)
    assert phasegrok.validate(even) == []
    assert even["order_parameter"].attrs["symmetry"] == "sign"
    np.testing.assert_allclose(even["size"], [10.0, 5.0])
    tilted = double_well(
        barrier=1.0, temperature=0.1, field=[-0.1, 0.1], record_count=5, replica_count=2, seed=1
    )
    assert phasegrok.validate(tilted) == []
    assert tilted["order_parameter"].attrs["symmetry"] == "none"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"barrier": 0.0}, "barrier must be positive"),
        ({"barrier": np.nan}, "barrier must be a finite number"),
        ({"temperature": -1.0}, "temperature must be positive"),
        ({"temperature": 1e-12}, "must not exceed"),
        ({"field": np.inf}, "field must be finite"),
        ({"record_count": 10**11}, "GiB"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"barrier": 1.0, "temperature": 0.1, "record_count": 5, "seed": 1}
    with pytest.raises(InvalidValueError, match=message):
        double_well(**{**good, **change})
