"""Where a mean changes most steeply, against exact laws with a jump and without one."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.exact import curie_weiss_ising_law, curie_weiss_potts_law
from phasegrok.exact.discrete_law import DiscreteLaw
from phasegrok.growth import Location, evidence, locate, location
from phasegrok.growth.next_values import next_values, short_value

Law = Callable[[float], DiscreteLaw]


def ising(beta: float) -> DiscreteLaw:
    return curie_weiss_ising_law(size=400, inverse_temperature=beta)


def potts(beta: float) -> DiscreteLaw:
    return curie_weiss_potts_law(size=300, inverse_temperature=beta)


def steepest(law: Law, low: float, high: float) -> float:
    """Place of the steepest change of the exact mean."""
    places = np.linspace(low, high, 401)
    change = np.diff([law(each).mean("order_parameter") for each in places])
    return float(places[:-1][np.argmax(change)] + 0.5 * (places[1] - places[0]))


def refined(
    law: Law, low: float, high: float, resolution: float, seed: int
) -> tuple[Location, int]:
    """Refine on independent draws, 24 a value."""
    generator = np.random.default_rng(seed)
    known = np.linspace(low, high, 6).tolist()
    draws: dict[float, np.ndarray] = {}
    while True:
        for each in known:
            if each not in draws:
                found = law(each)
                share = found.probability / found.probability.sum()
                values = found.values["order_parameter"]
                draws[each] = generator.choice(values, size=24, p=share)
        means = [draws[each].mean() for each in known]
        variances = np.array([draws[each].var(ddof=1) for each in known])
        location = locate(
            known,
            means,
            error=np.sqrt((23 * variances + 2 * variances.mean()) / 25 / 24),
            low=low,
            high=high,
            finest=resolution / 4,
        )
        first, last = location.interval
        new = next_values(location, known, count=4, resolution=resolution)
        if last - first < resolution or not new:
            return location, len(known)
        known += new


@pytest.mark.parametrize(
    ("law", "low", "high", "resolution"),
    [(ising, 0.5, 1.7, 0.03), (potts, 2.4, 3.1, 0.02)],
    ids=["continuous", "first order"],
)
def test_the_place_is_found_within_its_errors_with_few_values(
    law: Law, low: float, high: float, resolution: float
) -> None:
    exact = steepest(law, low, high)
    scores, counts = [], []
    for seed in range(8):
        location, count = refined(law, low, high, resolution, seed)
        first, last = location.interval
        scores.append((location.median - exact) / (0.5 * (last - first)))
        counts.append(count)
        assert location.is_seen
    # A unit normal score has a mean square of 1 ± 0.5 over eight studies.
    assert np.mean(np.square(scores)) < 3.0
    assert abs(np.mean(scores)) < 4.0 / np.sqrt(8)
    assert np.mean(counts) < 0.65 * ((high - low) / resolution + 1)


def test_a_jump_lies_between_its_neighbours() -> None:
    control = np.linspace(0.0, 1.0, 11)
    mean = (control > 0.43).astype(float)
    found = locate(control, mean, error=np.full(11, 0.01), low=0.0, high=1.0, finest=1e-3)
    assert found.is_seen
    assert 0.4 <= found.interval[0] < found.median < found.interval[1] <= 0.5
    assert found.quantile(0.01) > 0.39
    assert found.quantile(0.99) < 0.51


def test_the_place_of_a_smooth_step_is_its_middle() -> None:
    control = np.linspace(0.0, 1.0, 21)
    mean = 3.0 - 2.0 / (1.0 + np.exp(-(control - 0.62) / 0.05)) + 0.3 * control
    found = locate(control, mean, error=np.full(21, 0.003), low=0.0, high=1.0, finest=1e-3)
    assert abs(found.median - 0.62) < 0.01
    moved = locate(
        5.0 + 10.0 * control,
        -7.0 * mean,
        error=np.full(21, 0.021),
        low=5.0,
        high=15.0,
        finest=0.01,
    )
    assert moved.median == pytest.approx(5.0 + 10.0 * found.median, rel=1e-3)


def test_a_place_is_told_far_finer_than_the_range() -> None:
    generator = np.random.default_rng(5)
    inside, widths = [], []
    for _ in range(60):
        place = 0.5 + generator.uniform(-0.02, 0.02)
        near = np.round(place, 5) + 5e-6 * np.arange(-6, 7)
        control = np.unique(np.concatenate([np.linspace(0.0, 1.0, 9), near]))
        mean = (control > place) + 0.003 * generator.normal(size=control.size)
        error = np.full(control.size, 0.003)
        found = locate(control, mean, error=error, low=0.0, high=1.0, finest=2e-6)
        first, last = found.interval
        inside.append(first <= place <= last)
        widths.append(last - first)
        # Two values that bracket the jump: 68.3 % of the gap between them.
        assert found.quantile(0.9) - found.quantile(0.1) < 5e-6
    nominal = 0.683
    assert abs(np.mean(inside) - nominal) < 3.0 * np.sqrt(nominal * (1 - nominal) / 60)
    assert np.mean(widths) == pytest.approx(nominal * 5e-6, rel=0.05)


def test_cells_are_fine_where_the_posterior_lies_and_together_the_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = np.linspace(0.0, 1.0, 21)
    mean = 1.0 / (1.0 + np.exp(-(control - 0.62) / 0.05))
    error = np.full(21, 0.003)
    found = locate(control, mean, error=error, low=0.0, high=1.0, finest=1e-3)
    cells = np.diff(found.edges)
    assert (found.edges[0], found.edges[-1]) == (0.0, 1.0)
    assert found.weights.sum() == pytest.approx(1.0)
    assert cells[found.weights > 2e-3].max() <= 0.4e-3
    assert cells.size < 2000
    # The same posterior, whatever the cells.
    monkeypatch.setattr(location, "_CELLS", 10_000)
    fine = locate(control, mean, error=error, low=0.0, high=1.0, finest=1e-3)
    assert fine.median == pytest.approx(found.median, abs=2e-5)
    assert fine.interval == pytest.approx(found.interval, abs=2e-5)
    assert fine.log_odds == pytest.approx(found.log_odds, abs=0.01)


def test_the_evidence_is_that_of_a_normal_law() -> None:
    generator = np.random.default_rng(0)
    basis, means = generator.normal(size=(3, 6, 4)), generator.normal(size=(2, 6))
    variance = generator.uniform(0.05, 0.2, 6) ** 2
    found = evidence._log_evidence(basis, means, variance)
    centred = means - np.average(means, axis=1, weights=1.0 / variance)[:, np.newaxis]
    for place, curves in enumerate(basis):
        # Amplitudes of deviation 2.
        law = multivariate_normal(np.zeros(6), np.diag(variance) + 4.0 * curves @ curves.T)
        np.testing.assert_allclose(found[:, place], law.logpdf(centred), rtol=1e-9)


def test_no_transition_is_seen_in_a_line_or_in_noise() -> None:
    control = np.linspace(0.0, 1.0, 12)
    noise = 0.1 * np.random.default_rng(3).normal(size=12)
    for mean in (control + noise, noise):
        found = locate(control, mean, error=np.full(12, 0.1), low=0.0, high=1.0, finest=1e-3)
        assert not found.is_seen


def test_new_values_are_short_and_keep_their_distance() -> None:
    location, _ = refined(ising, 0.5, 1.7, 0.1, 1)
    known = [0.5, 1.1, 1.7]
    new = next_values(location, known, count=6, resolution=0.1)
    together = sorted([*known, *new])
    assert new
    assert min(np.diff(together)) >= 0.05 * (1 - 1e-9)
    assert all(each == round(each, 2) for each in new)
    assert next_values(location, together, count=6, resolution=0.6) == []
    assert short_value(0.123456, 0.01) == 0.123
    assert short_value(1234.56, 100.0) == 1235.0


def test_refuses_what_has_no_place() -> None:
    with pytest.raises(InsufficientSamplesError, match="at least 4"):
        locate([0, 1, 2], [0, 0, 1], error=[1, 1, 1], low=0.0, high=2.0, finest=0.1)
    for error, high in (([1, 1, 1, 0], 3.0), ([1, 1, 1, np.nan], 3.0), ([1] * 4, 0.0)):
        with pytest.raises(InvalidValueError, match="needs finite means, positive errors"):
            locate([0, 1, 2, 3], [0, 0, 1, 1], error=error, low=0.0, high=high, finest=0.1)
    with pytest.raises(InvalidValueError, match="told apart"):
        locate([0, 1, 2, 3], [0, 0, 1, 1], error=[1] * 4, low=0.0, high=3.0, finest=1e-10)
    with pytest.raises(InvalidValueError, match="one number a point each"):
        locate([0, 1, 2, 3], [0, 1], error=[1, 1], low=0.0, high=3.0, finest=0.1)
