"""Laws of scaling against their asymptotic powers, and the linearity that evidences rely on."""

from dataclasses import replace

import numpy as np
import pytest

from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import (
    PRIORS,
    ScalingModel,
    energy_models,
    scaling_models,
    widened,
)

SIZES = Sizes.of(np.array([8.0, 16.0, 32.0, 64.0]), None)
CENTRES = np.array([1.0, -2.0, 0.5])
MODELS = [*scaling_models(SIZES, CENTRES), *energy_models(SIZES, CENTRES)]


def draws(model: ScalingModel, count: int = 50) -> np.ndarray:
    return model.space.draw(count, np.random.default_rng(3))


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.kind)
def test_parameters_of_identity_transform_enter_linearly(model: ScalingModel) -> None:
    standard = draws(model)
    base = standard.copy()
    base[:, model.linear] = 0.0
    total = model.features(base, SIZES)
    for index in np.flatnonzero(model.linear):
        one = base.copy()
        one[:, index] = standard[:, index]
        total = total + model.features(one, SIZES) - model.features(base, SIZES)
    np.testing.assert_allclose(model.features(standard, SIZES), total, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("models", [scaling_models, energy_models])
def test_priors_sum_to_one_and_kinds_differ(models: object) -> None:
    assert callable(models)
    made = models(SIZES, CENTRES)
    assert sum(each.prior for each in made) == pytest.approx(1.0)
    assert len({each.kind for each in made}) == len(made)


def test_asymptotic_powers_of_first_order() -> None:
    model = scaling_models(SIZES, CENTRES)[0]
    large = SIZES.at(np.array([1e8, 1e9]))
    slope, variance, barrier = np.moveaxis(model.features(draws(model), large), -1, 0)
    np.testing.assert_allclose(np.diff(slope)[:, 0], np.log(10.0), atol=0.05)
    np.testing.assert_allclose(np.diff(variance)[:, 0], 0.0, atol=0.05)
    np.testing.assert_allclose(barrier[:, 1] / barrier[:, 0], 10.0, rtol=1e-2)


def test_a_crossover_saturates_and_its_barrier_vanishes() -> None:
    model = scaling_models(SIZES, CENTRES)[2]
    large = SIZES.at(np.array([1e8, 1e9]))
    slope, _, barrier = np.moveaxis(model.features(draws(model), large), -1, 0)
    np.testing.assert_allclose(np.diff(slope)[:, 0], 0.0, atol=0.05)
    assert np.all(barrier[:, 1] < 1e-4)


def test_an_unresolved_first_order_transition_becomes_one_beyond_its_size() -> None:
    model = scaling_models(SIZES, CENTRES)[3]
    large = SIZES.at(np.array([1e8, 1e9]))
    slope, variance, _ = np.moveaxis(model.features(draws(model), large), -1, 0)
    np.testing.assert_allclose(np.diff(slope)[:, 0], np.log(10.0), atol=0.05)
    np.testing.assert_allclose(np.diff(variance)[:, 0], 0.0, atol=0.05)


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.kind)
def test_widening_concerns_one_sort_of_prior_at_a_time_and_no_range(
    model: ScalingModel,
) -> None:
    widenings = dict.fromkeys(model.space.names, 1.0)
    for prior, names in PRIORS.items():
        wide = widened(model, 3.0, prior=prior)
        for before, after in zip(model.space.parameters, wide.space.parameters, strict=True):
            ratio = after.spread / before.spread
            assert ratio == (3.0 if before.name in names else 1.0)
            assert after == replace(before, spread=after.spread)
            widenings[before.name] *= ratio
    # Each belief is widened once; ranges of exponents and sizes never.
    for each in model.space.parameters:
        assert widenings[each.name] == (1.0 if each.transform.name == "interval" else 3.0)
