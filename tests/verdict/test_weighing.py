"""Probabilities of answers and the checks that a named answer must survive."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from phasegrok.inference import Evidence
from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.answers import CONTINUOUS, CROSSOVER, FIRST_ORDER, UNDETERMINED
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import scaling_models
from phasegrok.verdict.scoring import Score, feature_table
from phasegrok.verdict.signatures import named_answer
from phasegrok.verdict.weighing import WINDOW, Comparison, Weighing, weigh

VOLUMES = np.array([50.0, 100.0, 200.0, 400.0])
ERROR = 0.03


def first_order_features(volumes: FloatArray = VOLUMES) -> tuple[SizeFeatures, ...]:
    """S = N/4, V = 1/4 and B = N/40, read with errors of 3 %."""
    noise = ERROR * np.random.default_rng(7).standard_normal((volumes.size, 3))
    exact = np.stack(
        [np.log(volumes / 4.0), np.full(volumes.size, np.log(0.25)), volumes / 40.0], axis=1
    )
    return tuple(
        SizeFeatures(
            size=float(volume),
            volume=float(volume),
            values=row,
            covariance=ERROR**2 * np.eye(3),
            slope_known=True,
            at_edge=False,
            transition=0.0,
            transition_spread=float("nan"),
            gap=1.0,
            barrier_bounded=False,
            mixing=0.0,
            disorders=1,
        )
        for volume, row in zip(volumes, exact + noise, strict=True)
    )


def weighed(features: tuple[SizeFeatures, ...]) -> Weighing:
    sizes = Sizes.of(np.array([each.volume for each in features]), None)
    centres = np.mean([each.values for each in features], axis=0)
    models = {each.kind: each for each in scaling_models(sizes, centres)}
    comparison = Comparison(features=features, sizes=sizes, models=models)
    return weigh(comparison, seed=np.random.SeedSequence(3))


def test_first_order_features_pass_every_check() -> None:
    found = weighed(first_order_features())
    assert found.probabilities[FIRST_ORDER] > 0.95
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert all(each.passed for each in found.checks)
    names = {each.name for each in found.checks}
    assert {"range of sizes", "evidences", "fit", "prediction of the largest size"} <= names


def test_a_narrow_range_of_sizes_names_nothing() -> None:
    found = weighed(first_order_features(np.array([150.0, 200.0, 300.0, 450.0])))
    assert named_answer(found.probabilities) is None
    failed = [each.name for each in found.checks if not each.passed]
    assert failed == ["range of sizes"]


def test_fluctuations_at_the_edge_withdraw_every_answer() -> None:
    features = tuple(replace(each, at_edge=True) for each in first_order_features())
    found = weighed(features)
    assert found.probabilities[UNDETERMINED] == pytest.approx(1.0)
    assert [each.name for each in found.checks] == [WINDOW]
    # What was likely before is kept.
    assert found.kinds[FIRST_ORDER] > 0.95
    assert found.probabilities[CROSSOVER] == 0.0


def test_what_is_unknown_takes_no_part_and_a_bound_is_no_value() -> None:
    features = list(first_order_features())
    features[0] = replace(features[0], slope_known=False)
    features[3] = replace(features[3], barrier_bounded=True)
    table = feature_table(features, 50.0)
    assert table.positions.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert table.bound_positions.tolist() == [11]
    np.testing.assert_array_equal(table.bounds, features[3].values[2:])


def test_a_barrier_beyond_its_bound_speaks_for_growth() -> None:
    features = list(first_order_features())
    # The bound is lower than the value was: still more than any kind without growth has.
    low = np.array([*features[3].values[:2], 4.0])
    features[3] = replace(features[3], values=low, barrier_bounded=True)
    found = weighed(tuple(features))
    assert found.probabilities[FIRST_ORDER] > 0.95
    # As a value it would refute the growth from 1.25, 2.5 and 5 that it is part of.
    features[3] = replace(features[3], barrier_bounded=False)
    assert weighed(tuple(features)).scores[FIRST_ORDER].predictive < 0.05


SPREAD = 0.05


def scored(kind: str, log_evidence: float, *, sound: bool = True, fits: float = 0.5) -> Score:
    half = 0.1 if sound else 2.0
    evidence = Evidence(
        log_evidence=log_evidence,
        standard_error=SPREAD,
        forward=log_evidence + half,
        reverse=log_evidence - half,
        rungs=5,
    )
    return Score(kind=kind, evidence=evidence, predictive=fits, draws=np.zeros((1, 1)))


SURE = {FIRST_ORDER: 0.0, CONTINUOUS: -6.0, CROSSOVER: -7.0, "weak": -8.0}
"""Ln evidences under which first-order is named; without the largest size all have the same."""

CHECKS = {
    "priors of intercepts three times as wide": 1,
    "priors of corrections three times as wide": 2,
    "priors of barriers three times as wide": 3,
    "without the smallest size": 4,
    "prediction of the largest size": 5,
}


def judged(
    monkeypatch: pytest.MonkeyPatch,
    changes: Mapping[int, Mapping[str, Score]],
    features: tuple[SizeFeatures, ...] | None = None,
) -> Weighing:
    """Weigh with evidences that are given: those of the base, then those of every check."""
    asked = iter(range(6))

    def scores(*_: object) -> dict[str, Score]:
        number = next(asked)
        lower = 3.0 if number == 5 else 0.0
        usual = {kind: scored(kind, value - lower) for kind, value in SURE.items()}
        return usual | dict(changes.get(number, {}))

    monkeypatch.setattr(Comparison, "scores", scores)
    return weighed(features or first_order_features())


def failed(found: Weighing) -> list[str]:
    return [each.name for each in found.checks if not each.passed]


def test_with_every_check_passed_the_answer_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, {})
    assert failed(found) == []
    assert found.probabilities[FIRST_ORDER] > 0.95


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_alone_withdraws_the_answer(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    number = CHECKS[name]
    # A rival a nat ahead; without the largest size, one that was further behind before.
    rival = scored(CONTINUOUS, -6.0 - 4.0 if number == 5 else 1.0)
    found = judged(monkeypatch, {number: {CONTINUOUS: rival}})
    assert failed(found) == [name]
    assert found.probabilities[FIRST_ORDER] == 0.0
    assert named_answer(found.probabilities) is None
    assert sum(found.probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["evidences", *CHECKS])
def test_an_evidence_that_is_none_decides_no_check(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    number = {"evidences": 0, **CHECKS}[name]
    value = -3.0 if number == 5 else 0.0
    found = judged(
        monkeypatch, {number: {FIRST_ORDER: scored(FIRST_ORDER, value, sound=False)}}
    )
    # That of the base takes part in the prediction of the largest size as well.
    wanted = [name, "prediction of the largest size"] if number == 0 else [name]
    assert failed(found) == wanted
    assert found.probabilities[FIRST_ORDER] == 0.0
    assert all(
        "disagree for first-order" in each.text for each in found.checks if not each.passed
    )


def test_an_unlikely_kind_may_have_an_evidence_that_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = judged(monkeypatch, {1: {"weak": scored("weak", -9.0, sound=False)}})
    assert failed(found) == []


@pytest.mark.parametrize(("p", "names"), [(0.011, []), (0.009, ["fit"])])
def test_a_law_that_does_not_fit_is_not_named(
    monkeypatch: pytest.MonkeyPatch, p: float, names: list[str]
) -> None:
    found = judged(monkeypatch, {0: {FIRST_ORDER: scored(FIRST_ORDER, 0.0, fits=p)}})
    assert failed(found) == names


@pytest.mark.parametrize(("lag", "fails"), [(0.19, False), (0.21, True)])
def test_a_rival_may_be_ahead_by_twice_the_error_of_the_difference(
    monkeypatch: pytest.MonkeyPatch, lag: float, fails: bool
) -> None:
    # Four evidences of error 0.05: twice the error of their sum is 0.2.
    found = judged(monkeypatch, {5: {CONTINUOUS: scored(CONTINUOUS, -9.0 - lag)}})
    assert bool(failed(found)) is fails


def test_variances_and_bounds_alone_name_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = [
        replace(each, slope_known=False, barrier_bounded=True)
        for each in first_order_features()
    ]
    assert failed(judged(monkeypatch, {}, tuple(blind))) == ["slopes and barriers"]
    for change in ({"slope_known": True}, {"barrier_bounded": False}):
        one = [replace(blind[0], **change), *blind[1:]]  # type: ignore[arg-type]
        assert failed(judged(monkeypatch, {}, tuple(one))) == ["slopes and barriers"]
        two = [replace(each, **change) for each in blind[:2]]  # type: ignore[arg-type]
        assert failed(judged(monkeypatch, {}, (*two, *blind[2:]))) == []
