"""Effective numbers: unbiased for independent draws, honest for correlated ones."""

import numpy as np
import pytest
from scipy import stats

from phasegrok.errors import InsufficientSamplesError
from phasegrok.inference.effective import design_effect, effective_numbers, group_values
from phasegrok.statistics.samples import FloatArray

CUT = 0.5


def whole(draws: FloatArray) -> FloatArray:
    return np.ones(draws.size)


def above(draws: FloatArray) -> FloatArray:
    return (draws > CUT).astype(np.float64)


def test_independent_draws_have_a_design_effect_of_one_on_average() -> None:
    rng = np.random.default_rng(0)
    effects = [design_effect(list(rng.random((6, 50))), above, whole) for _ in range(2000)]
    standard_error = np.std(effects, ddof=1) / np.sqrt(2000)
    # Var(h) is taken from the pooled draws, which themselves are one group's width short.
    assert abs(np.mean(effects) - 1.0) < 4.0 * standard_error + 1.0 / 300


def test_draws_repeated_within_groups_count_once() -> None:
    # 40 copies of every draw: 40 times fewer independent draws.
    rng = np.random.default_rng(1)
    effects = []
    for _ in range(500):
        groups = [np.repeat(rng.random(30), 40) for _ in range(10)]
        effects.append(design_effect(groups, above, whole))
    standard_error = np.std(effects, ddof=1) / np.sqrt(500)
    assert abs(np.mean(effects) - 40.0) < 4.0 * standard_error + 40.0 / 300


def random_field_networks(
    rng: np.random.Generator, disorders: int = 8, replicas: int = 3, records: int = 5
) -> list[FloatArray]:
    """Networks whose share of droplets is drawn per disorder; the mean share is 0.1."""
    runs = []
    for _ in range(disorders):
        share = rng.beta(4.0, 36.0)
        for _ in range(replicas):
            droplets = rng.random((records, 60)) < share
            centre = np.abs(rng.normal(scale=0.1, size=droplets.shape))
            runs.append(np.where(droplets, 0.9, centre))
    return runs


def test_shared_fields_are_covered_where_independence_is_not() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(8), 3).tolist()
    covered, naive = [], []
    for _ in range(400):
        groups = group_values(random_field_networks(rng), labels)
        numbers = effective_numbers(groups, CUT)
        share = float(np.mean(groups.pooled > CUT))
        error = np.sqrt(share * (1.0 - share) / groups.pooled.size)
        wide = error / np.sqrt(numbers.balance_share)
        covered.append(abs(share - 0.1) < stats.t(numbers.freedom).ppf(0.975) * wide)
        naive.append(abs(share - 0.1) < 1.96 * error)
    assert np.mean(naive) < 0.7
    assert 0.91 < np.mean(covered) < 0.98  # 0.95 with a standard error of 0.011.


def test_groups_are_the_widest_independent_division() -> None:
    runs = [np.full((4, 3), float(i)) for i in range(6)]
    by_disorder = group_values(runs, ["a", "b", "a", "b", "a", "b"])
    assert (by_disorder.kind, len(by_disorder.values)) == ("disorder", 2)
    np.testing.assert_array_equal(np.unique(by_disorder.values[0]), [0.0, 2.0, 4.0])
    assert by_disorder.freedom == 1.0
    assert group_values(runs, None).kind == "run"
    assert group_values(runs, ["a"] * 6).kind == "run"
    one = group_values([np.zeros((40, 3))], None)
    assert (one.kind, len(one.values)) == ("block of records", 10)
    single = group_values([np.zeros((1, 30))], ["a"])
    assert single.kind == "draw"
    assert single.freedom == np.inf


def test_shapes_and_balance_have_shares_of_their_own() -> None:
    # Droplet number frozen per run, positions fresh at every record.
    rng = np.random.default_rng(3)
    runs = []
    for _ in range(40):
        droplets = np.arange(60) < rng.integers(0, 12)
        shape = (50, 60)
        centre = np.abs(rng.normal(scale=0.1, size=shape))
        runs.append(np.where(droplets, rng.normal(0.9, 0.05, size=shape), centre))
    numbers = effective_numbers(group_values(runs, None), CUT)
    assert numbers.balance_share < 0.05
    assert numbers.upper_share > 0.5
    assert numbers.lower_share > 0.5


def test_one_group_tells_nothing() -> None:
    with pytest.raises(InsufficientSamplesError, match="design effect needs at least 2"):
        design_effect([np.zeros(5)], above, whole)
