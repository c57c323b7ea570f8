"""Curves along the control against the exact law of the Curie-Weiss Ising model."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.exact import concatenated, curie_weiss_ising, curie_weiss_ising_law
from phasegrok.transitions import MomentCurves, curve_table, moment_curves

CONTROL = "inverse_temperature"
CONTROLS = np.linspace(0.8, 1.2, 9)
SIZES = (60, 240)


def sampled(seed: int = 1, record_count: int = 800) -> xr.Dataset:
    return concatenated(
        [
            curie_weiss_ising(
                size=size,
                inverse_temperature=CONTROLS,
                record_count=record_count,
                replica_count=2,
                seed=seed,
            )
            for size in SIZES
        ]
    )


def curves_of(runs: xr.Dataset, *, with_energy: bool) -> tuple[MomentCurves, ...]:
    return moment_curves(
        runs["magnetization"],
        control=CONTROL,
        size="size",
        dimension=None,
        energy=runs["energy"] if with_energy else None,
    )


def exact(size: float, control: float) -> dict[str, float]:
    law = curie_weiss_ising_law(size=int(size), inverse_temperature=control)
    mean, second = law.mean("order_parameter"), law.mean("magnetization", power=2)
    product = float(law.probability @ (law.values["order_parameter"] * law.values["energy"]))
    deviation = law.values["order_parameter"] - mean
    variance = law.variance("order_parameter")
    return {
        "mean": mean,
        "slope": -size * (product - mean * law.mean("energy")),
        "fluctuation": size * variance,
        "cumulant": 1.0 - law.mean("magnetization", power=4) / (3.0 * second**2),
        "kurtosis": float(law.probability @ deviation**4) / variance**2,
    }


@pytest.mark.parametrize("with_energy", [True, False])
def test_curves_follow_the_exact_law_within_their_errors(with_energy: bool) -> None:
    pulls = []
    for seed in range(3):
        table = curve_table(curves_of(sampled(seed), with_energy=with_energy))
        for size in SIZES:
            one = table.sel(size=size)
            for place in (60, 120, 180):
                there = one.isel(place=place)
                for name, value in exact(size, float(there["control"])).items():
                    pulls.append(float((there[name] - value) / there[f"{name}_error"]))
    spread = float(np.sqrt(np.mean(np.square(pulls))))
    # Pulls of one seed are correlated: six seeds and sizes count, a chi of 6 has sd 0.28.
    assert 0.5 < spread < 1.75
    assert np.abs(pulls).max() < 5.0


def test_errors_are_those_of_independent_repetitions() -> None:
    values, errors = [], []
    for seed in range(24):
        runs = curie_weiss_ising(
            size=60, inverse_temperature=CONTROLS[2:7], record_count=200, seed=seed
        )
        (one,) = curves_of(runs, with_energy=True)
        values.append([one.of("mean")[0, 120], one.fluctuation[0, 120]])
        errors.append([one.of("mean")[1:, 120].std(), one.fluctuation[1:, 120].std()])
    ratio = np.mean(errors, axis=0) / np.std(values, axis=0, ddof=1)
    # A standard deviation of 24 draws is uncertain by 1/√46 = 0.15.
    np.testing.assert_allclose(ratio, 1.0, atol=0.45)


@pytest.mark.parametrize("with_energy", [True, False])
def test_the_sign_of_the_order_parameter_does_not_count(with_energy: bool) -> None:
    runs = sampled(record_count=100)
    flipped = runs.assign(
        magnetization=(-runs["magnetization"]).assign_attrs(runs["magnetization"].attrs)
    )
    for first, second in zip(
        curves_of(runs, with_energy=with_energy),
        curves_of(flipped, with_energy=with_energy),
        strict=True,
    ):
        np.testing.assert_array_equal(first.draws, second.draws)


def test_the_unit_of_the_order_parameter_scales_curves() -> None:
    runs = sampled(record_count=100)
    scaled = runs.assign(
        magnetization=(3.0 * runs["magnetization"]).assign_attrs(runs["magnetization"].attrs)
    )
    one, three = curves_of(runs, with_energy=True)[0], curves_of(scaled, with_energy=True)[0]
    np.testing.assert_allclose(three.fluctuation, 9.0 * one.fluctuation, rtol=1e-9)
    np.testing.assert_allclose(three.of("slope"), 3.0 * one.of("slope"), rtol=1e-9)
    np.testing.assert_allclose(three.cumulant, one.cumulant, rtol=1e-9)
    np.testing.assert_allclose(three.kurtosis, one.kurtosis, rtol=1e-9)


def test_a_continuous_energy_is_sorted_into_fine_levels() -> None:
    runs = sampled()
    noise = np.random.default_rng(2).uniform(-1e-9, 1e-9, runs["energy"].shape)
    jittered = runs.assign(energy=runs["energy"] + noise)
    for first, second in zip(
        curves_of(runs, with_energy=True), curves_of(jittered, with_energy=True), strict=True
    ):
        np.testing.assert_allclose(second.of("mean")[0], first.of("mean")[0], rtol=1e-4)
        np.testing.assert_allclose(second.fluctuation[0], first.fluctuation[0], rtol=1e-3)


def test_disorders_are_averaged_and_resampled() -> None:
    runs = sampled(record_count=200).isel(run=slice(0, 18))
    twice = concatenated([runs, sampled(2, 200).isel(run=slice(0, 18))])
    labels = np.repeat([0, 1], 18)
    disordered = twice.assign_coords(disorder=("run", labels))
    average = curves_of(disordered, with_energy=True)[0]
    each = [
        curves_of(disordered.isel(run=labels == label), with_energy=True)[0] for label in (0, 1)
    ]
    mean = 0.5 * (each[0].fluctuation[0] + each[1].fluctuation[0])
    np.testing.assert_allclose(average.fluctuation[0], mean, rtol=1e-9)
    drawn = np.unique(np.round(average.of("mean")[1:, 50], 12))
    assert drawn.size == 3  # The first twice, the second twice, one of each.


def test_controls_without_overlap_are_a_refusal_and_no_exception() -> None:
    runs = concatenated(
        [
            curie_weiss_ising(
                size=4000, inverse_temperature=[0.5, 1.5, 2.5], record_count=100, seed=1
            ),
            curie_weiss_ising(
                size=20, inverse_temperature=[0.9, 1.0, 1.1], record_count=100, seed=1
            ),
        ]
    )
    for with_energy in (True, False):
        small, large = curves_of(runs, with_energy=with_energy)
        assert not small.refusal
        assert large.refusal
        assert np.isnan(large.draws).all()


def test_an_energy_of_other_runs_is_refused() -> None:
    runs = sampled(record_count=50)
    with pytest.raises(InvalidValueError, match="take both from one dataset"):
        moment_curves(
            runs["magnetization"],
            control=CONTROL,
            size="size",
            dimension=None,
            energy=runs["energy"].isel(run=slice(1, None)),
        )
