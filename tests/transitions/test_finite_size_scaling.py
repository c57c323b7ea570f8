"""Exponents from peaks of known growth, and of the Curie-Weiss Ising model."""

import numpy as np
import pytest

from phasegrok.errors import InsufficientSamplesError
from phasegrok.exact import concatenated, curie_weiss_ising
from phasegrok.transitions import (
    FiniteSizeScaling,
    MomentCurves,
    finite_size_scaling,
    scaling_of,
)
from phasegrok.transitions.scaling.cells import QUANTITIES
from phasegrok.transitions.scaling.exponents import derived_exponents, summary_of

TRANSITION, WIDTH, ORDER = 2.0, 0.4, 0.15
NOISE = 0.003


def constructed(volume: float, generator: np.random.Generator) -> MomentCurves:
    """Parabolas that follow the laws without corrections, with noise of known size."""
    controls = np.linspace(1.0, 3.0, 401)
    draws = np.ones((61, len(QUANTITIES), controls.size))
    for row in draws:
        noise = generator.normal(scale=NOISE, size=4)
        shift = volume**-WIDTH
        first = TRANSITION - 1.5 * shift * (1.0 + noise[0])
        second = TRANSITION - 0.8 * shift * (1.0 + noise[1])
        height = volume ** (-2.0 * ORDER) * np.exp(noise[2])
        slope = volume ** (WIDTH - ORDER) * np.exp(noise[3])
        row[QUANTITIES.index("variance")] = height * (1.0 - (controls - first) ** 2)
        row[QUANTITIES.index("slope")] = -slope * (1.0 - (controls - second) ** 2)
    return MomentCurves(size=volume, volume=volume, controls=controls, draws=draws)


@pytest.fixture(scope="module")
def fit() -> FiniteSizeScaling:
    generator = np.random.default_rng(8)
    curves = [constructed(volume, generator) for volume in (50.0, 100.0, 200.0, 400.0, 800.0)]
    return scaling_of(curves, dimension=2, seed=1)


def test_laws_without_corrections_give_their_exponents(fit: FiniteSizeScaling) -> None:
    exact = {"transition": TRANSITION, "width_exponent": WIDTH, "order_exponent": ORDER}
    for name, value in exact.items():
        row = fit.summary.sel(quantity=name)
        error = float(row["error"])
        assert 0.0 < error < 0.05
        assert abs(float(row["mean"]) - value) < 3.0 * error, name
    assert 0.001 < fit.probability <= 1.0
    assert 20.0 - 12.0 <= fit.degrees_of_freedom < 20.0


def test_what_was_fitted_is_kept_beside_the_fit(fit: FiniteSizeScaling) -> None:
    for name in ("log_fluctuation", "log_slope", "fluctuation_control", "slope_control"):
        distance = fit.features[f"{name}_fitted"] - fit.features[name]
        assert np.abs(distance / fit.features[f"{name}_error"]).max() < 4.0


def test_exponents_in_powers_of_the_linear_extent_follow() -> None:
    found = derived_exponents(np.array([0.5]), np.array([0.0625]), dimension=2)
    exact = {"nu": 1.0, "beta_over_nu": 0.125, "gamma_over_nu": 1.75}
    for name, value in exact.items():
        assert found[name].item() == value
    without = derived_exponents(np.array([0.5]), np.array([0.25]), dimension=None)
    assert set(without) == {"width_exponent", "order_exponent", "fluctuation_exponent"}
    assert without["fluctuation_exponent"].item() == 0.5


def test_a_summary_holds_mean_deviation_and_quantiles() -> None:
    draws = np.random.default_rng(0).normal(3.0, 2.0, 4000)
    row = summary_of({"a": draws}).sel(quantity="a")
    assert row["mean"].item() == pytest.approx(draws.mean())
    assert row["error"].item() == pytest.approx(draws.std(ddof=1))
    assert row["lower_95"].item() == pytest.approx(np.quantile(draws, 0.025))
    assert row["upper"].item() == pytest.approx(np.quantile(draws, 0.84))


def test_mean_field_exponents_are_found() -> None:
    runs = concatenated(
        [
            curie_weiss_ising(
                size=size,
                inverse_temperature=1.0 + np.linspace(-1.0, 4.0, 10) / size**0.5,
                record_count=1500,
                seed=6,
            )
            for size in (64, 128, 256, 512, 1024)
        ]
    )
    fit = finite_size_scaling(
        runs["magnetization"],
        control="inverse_temperature",
        size="size",
        dimension=None,
        energy=runs["energy"],
    )
    for name, value in (("transition", 1.0), ("width_exponent", 0.5), ("order_exponent", 0.25)):
        row = fit.summary.sel(quantity=name)
        assert abs(float(row["mean"]) - value) < 3.0 * float(row["error"]), name
        assert float(row["error"]) < 0.1
    assert fit.probability > 0.001


def test_two_sizes_are_refused() -> None:
    generator = np.random.default_rng(8)
    curves = [constructed(volume, generator) for volume in (50.0, 100.0)]
    with pytest.raises(InsufficientSamplesError, match="at least 3 samples, received 2"):
        scaling_of(curves, dimension=None)


def test_peaks_at_the_edge_take_no_part() -> None:
    generator = np.random.default_rng(8)
    curves = [constructed(volume, generator) for volume in (3.0, 50.0, 100.0)]
    # The peaks of the smallest size lie near the left end of the window, at 2 - 1.5/3^0.4.
    with pytest.raises(InsufficientSamplesError, match="inside the window"):
        scaling_of(curves, dimension=None)
