"""The stored table of coverage: complete, honest, and made by the code that is here."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[1]
# At the end: a script there has the name of an installed package.
sys.path.append(str(REPOSITORY / "benchmarks"))

import covered_disorder  # noqa: E402
import covered_inference  # noqa: E402
import covered_kinetics  # noqa: E402
import covered_series  # noqa: E402
import covered_transitions  # noqa: E402
from coverage_rows import (  # noqa: E402
    Experiment,
    Row,
    band,
    between,
    outside,
    read,
    row_of,
    symmetric,
)
from known_shortfalls import KNOWN_SHORTFALLS, OFTEN_REFUSED  # noqa: E402

EXPERIMENTS: list[Experiment] = [
    each
    for kind in (
        covered_series,
        covered_disorder,
        covered_transitions,
        covered_kinetics,
        covered_inference,
    )
    for each in kind.experiments()
]
WANTED = [(name, each.input) for each in EXPERIMENTS for name in each.estimators]


def stored() -> dict[tuple[str, str], Row]:
    types = Row.__annotations__
    with (REPOSITORY / "data" / "coverage.csv").open(newline="") as file:
        rows = [
            Row(**{name: types[name](text) for name, text in line.items()})
            for line in csv.DictReader(file)
        ]
    assert len({(row.estimator, row.input) for row in rows}) == len(rows)
    return {(row.estimator, row.input): row for row in rows}


def experiment(name: str, input_name: str) -> Experiment:
    (found,) = [e for e in EXPERIMENTS if name in e.estimators and e.input == input_name]
    return found


def test_the_table_has_every_row_as_often_as_it_was_asked_for() -> None:
    rows = stored()
    assert list(rows) == WANTED
    for each in EXPERIMENTS:
        for name in each.estimators:
            row = rows[name, each.input]
            assert (row.repetitions, row.interval) == (each.repetitions, each.interval)
            # Fits of tens of seconds each are few.
            assert row.repetitions >= (24 if name.startswith("data_collapse") else 40)


@pytest.mark.parametrize("place", WANTED, ids=": ".join)
def test_intervals_hold_the_exact_value_as_often_as_they_claim_or_say_so(
    place: tuple[str, str],
) -> None:
    # Listed as a known shortfall if and only if it is one.
    row = stored()[place]
    assert outside(row) == (place in KNOWN_SHORTFALLS), row


def test_known_shortfalls_have_reasons_and_rows() -> None:
    assert set(KNOWN_SHORTFALLS) <= set(WANTED)
    assert all(len(reason.split()) > 5 for reason in KNOWN_SHORTFALLS.values())


def test_refusals_are_few_or_said() -> None:
    rows = stored()
    often = {place for place, row in rows.items() if row.refused > 0.25 * row.repetitions}
    assert often == set(OFTEN_REFUSED)


@pytest.mark.parametrize(
    ("name", "input_name", "repetitions"),
    [
        ("susceptibility_estimate", "AR(1), τ = 5", 200),
        ("disorder_average", covered_disorder.INPUT.format(20), 200),
        ("lifetime", "40 runs, 30 % censored", 400),
    ],
)
def test_rows_made_again_agree_with_the_table(
    name: str, input_name: str, repetitions: int
) -> None:
    row = stored()[name, input_name]
    (readings,) = read(experiment(name, input_name), repetitions)
    again = row_of(experiment(name, input_name), name, readings, 0.0)
    for level, held in ((row.level_68, again.inside_68), (row.level_95, again.inside_95)):
        low, high = band(level, again.intervals)
        assert low <= held <= high
    # The mean of n pulls of unit deviation is uncertain by n^(-1/2).
    assert abs(again.pull_mean - row.pull_mean) < 4.0 * repetitions**-0.5
    assert abs(again.pull_deviation - row.pull_deviation) < 4.0 * (2.0 * repetitions) ** -0.5


def test_a_band_holds_all_but_a_thousandth_of_a_binomial_law() -> None:
    drawn = np.random.default_rng(0).binomial(400, 0.95, size=200_000)
    low, high = band(0.95, 400)
    share = np.mean((drawn < low) | (drawn > high))
    assert 0.0 < share < 0.0011
    assert np.mean((drawn <= low) | (drawn >= high)) > 0.001


@pytest.mark.parametrize(("factor", "wrong"), [(1.0, False), (0.8, True), (1.3, True)])
def test_wrong_errors_are_seen(factor: float, wrong: bool) -> None:
    estimate = np.random.default_rng(1).standard_normal(1000)
    readings = symmetric(7.0 + estimate, factor, 7.0)
    each = Experiment(("normal",), "draws", "normal law", 1000, 1000, lambda *_: [readings])
    row = row_of(each, "normal", readings, 0.0)
    assert outside(row) is wrong
    assert row.pull_deviation == pytest.approx(1.0 / factor, abs=0.1 / factor)
    assert row.relative_bias == pytest.approx(0.0, abs=4.0 / 7.0 / 1000**0.5)


def test_bounds_of_an_estimators_own_are_held_against_the_truth_and_refusals_left_out() -> None:
    bounds = [
        [[0.0, 2.0, np.nan], [1.0, 3.0, np.nan]],
        [[-1.0, 0.0, np.nan], [2.0, 4.0, np.nan]],
    ]
    readings = between([0.5, 2.5, np.nan], 1.0, 0.7, bounds=bounds)
    np.testing.assert_array_equal(readings.inside, [[1, 0, np.nan], [1, 1, np.nan]])
    each = Experiment(("own",), "draws", "quantiles", 3, 3, lambda *_: [readings])
    row = row_of(each, "own", readings, 0.0)
    assert (row.refused, row.intervals, row.inside_68, row.inside_95) == (1, 2, 1, 2)
