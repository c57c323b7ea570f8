"""Sentences of a verdict: every status, and each number against one worked out beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import xarray as xr

from phasegrok.inference import Evidence
from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.answers import (
    ANSWERS,
    CONTINUOUS,
    CROSSOVER,
    FIRST_ORDER,
    NAMED,
    UNDETERMINED,
)
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import ScalingModel, scaling_models
from phasegrok.verdict.readings import Reading
from phasegrok.verdict.scoring import Score
from phasegrok.verdict.sentences import doubts, grounds, too_few, wanted_data
from phasegrok.verdict.weighing import WINDOW, Check, Comparison, Weighing

VOLUMES = (64.0, 256.0, 1024.0)
NONSENSE = re.compile(
    r"nan|inf\b|None|-0(\.0+)?(?![.\d])|\.\.|  |\b1 usable sizes|e\+0|[{}\[\]]"
)
"""What is no number, minus nothing, two ends of a sentence, brackets of a program."""

PASSED = Check(name="fit", passed=True, text="it fits")
FAILED = Check(name="range of sizes", passed=False, text="N grows 2-fold")
BESIDE = Check(name=WINDOW, passed=False, text="it lies at an end")


def features(
    volumes: Sequence[float] = VOLUMES, dimension: int | None = None, error: float = 0.1
) -> tuple[SizeFeatures, ...]:
    """S = N^0.75 / 8, V = N^-0.5 and B = 0.5 ln N, a gap of 0.5 everywhere."""
    return tuple(
        SizeFeatures(
            size=volume if dimension is None else round(volume ** (1.0 / dimension)),
            volume=volume,
            values=np.log(volume) * np.array([0.75, -0.5, 0.5]) - [np.log(8.0), 0.0, 0.0],
            covariance=error**2 * np.eye(3),
            slope_known=True,
            at_edge=False,
            transition=0.0,
            transition_spread=float("nan"),
            gap=0.5,
            barrier_bounded=False,
            mixing=0.1,
            disorders=1,
        )
        for volume in volumes
    )


def at_medians(model: ScalingModel) -> FloatArray:
    """One draw, each parameter at the median of its prior; heights at zero."""
    return np.zeros((1, model.space.size))


def weighed(
    measured: Sequence[SizeFeatures],
    kinds: Mapping[str, float],
    *,
    checks: tuple[Check, ...] = (),
    named: Mapping[str, float] | None = None,
    disagreement: float = 0.1,
) -> Weighing:
    """Kinds with the given probabilities, and with others than theirs for the answers."""
    volumes = np.array([each.volume for each in measured])
    sizes = Sizes.of(volumes, None)
    models = {each.kind: each for each in scaling_models(sizes, np.zeros(3))}
    evidence = Evidence(
        log_evidence=-3.0,
        standard_error=0.2,
        forward=-3.0,
        reverse=-3.0 + disagreement,
        rungs=4,
    )
    scores = {
        kind: Score(kind=kind, evidence=evidence, predictive=0.5, draws=at_medians(model))
        for kind, model in models.items()
    }
    comparison = Comparison(features=tuple(measured), sizes=sizes, models=models)
    given = dict.fromkeys(models, 0.0) | dict(kinds)
    return Weighing(
        comparison=comparison,
        probabilities=named or comparison.by_answer(given),
        scores=scores,
        kinds=given,
        checks=checks,
    )


def table(dimension: int | None = None, **variables: float) -> xr.Dataset:
    attrs = {"size": "L" if dimension else "N", "dimension": dimension or -1}
    return xr.Dataset(variables, attrs={"control": "g", **attrs})


SURE = {FIRST_ORDER: 0.97, CONTINUOUS: 0.02}
OPEN = {FIRST_ORDER: 0.5, CONTINUOUS: 0.3, CROSSOVER: 0.1}


def with_status(
    known: tuple[bool, bool],
    bounded: tuple[bool, bool],
    gaps: tuple[float, float],
    disorders: tuple[int, int],
    dimension: int | None,
) -> tuple[SizeFeatures, ...]:
    """Features whose ends have the given status."""
    measured = list(features(dimension=dimension))
    for place, end in ((0, 0), (-1, 1)):
        measured[place] = replace(
            measured[place],
            slope_known=known[end],
            barrier_bounded=bounded[end],
            gap=gaps[end],
            disorders=disorders[end],
            transition_spread=0.25 if disorders[end] > 1 else float("nan"),
        )
    return tuple(measured)


BOTH = [(False, False), (False, True), (True, False), (True, True)]
GAPS = [(0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.75)]
DISORDERS = [(1, 1), (1, 8), (8, 1), (6, 8)]


@pytest.mark.parametrize("dimension", [None, 2])
@pytest.mark.parametrize("known", BOTH)
@pytest.mark.parametrize("bounded", BOTH)
def test_every_status_makes_sense(
    known: tuple[bool, bool], bounded: tuple[bool, bool], dimension: int | None
) -> None:
    for gaps, disorders, check in product(GAPS, DISORDERS, (PASSED, FAILED)):
        measured = with_status(known, bounded, gaps, disorders, dimension)
        said = grounds(weighed(measured, SURE, checks=(check,)))
        text = "; ".join(said)
        assert not NONSENSE.search(text), text
        assert ("steepest slope" in text) == all(known)
        assert text.count("at least") == sum(bounded)
        assert ("apart" in text) == (gaps[1] > 0.0)
        assert ("appear at the largest size" in text) == (gaps == (0.0, 0.5))
        assert ("disorders spread by" in text) == (disorders[1] > 1)
        assert ("fit: it fits" in text) == check.passed
        assert "N grows" not in text


@pytest.mark.parametrize("dimension", [None, 2])
def test_growth_is_the_power_of_the_volume_between_the_ends(dimension: int | None) -> None:
    said = grounds(weighed(features(dimension=dimension), SURE))
    assert said[0].endswith(
        "1024 the steepest slope grows as N^0.75 and the largest variance grows as N^-0.50"
    )
    # 0.5 ln 64 = 2.079 and 0.5 ln 1024 = 3.466.
    assert said[1] == "the barrier goes from 2.08(0.10) to 3.47(0.10)"
    assert said[2] == "the means of the two phases lie 0.5 and 0.5 apart"
    assert len(said) == 3


def test_the_unit_of_the_order_parameter_does_not_change_powers() -> None:
    expected = grounds(weighed(features(), SURE))
    shift = np.log(1e-9) * np.array([1.0, 2.0, 0.0])
    scaled = [replace(each, values=each.values + shift) for each in features()]
    assert grounds(weighed(scaled, SURE))[:2] == expected[:2]


@pytest.mark.parametrize("power", [-0.004, 0.0, 0.004])
def test_a_power_of_nothing_has_no_sign(power: float) -> None:
    measured = [
        replace(each, values=power * np.log(each.volume) * np.ones(3)) for each in features()
    ]
    said = grounds(weighed(measured, SURE))
    assert said[0].endswith("slope grows as N^0.00 and the largest variance grows as N^0.00")


@pytest.mark.parametrize(
    ("dimension", "ends"),
    [(None, "from N = 64 to 1024 "), (2, "from N = 8^2 = 64 to 32^2 = 1024 ")],
)
def test_sizes_are_shown_as_given_and_as_volumes(dimension: int | None, ends: str) -> None:
    assert grounds(weighed(features(dimension=dimension), SURE))[0].startswith(ends)


def test_the_smallest_extent_is_its_own_volume() -> None:
    measured = features((1.0, 8.0, 27.0), dimension=3)
    assert grounds(weighed(measured, SURE))[0].startswith("from N = 1 to 3^3 = 27 ")


def test_a_bound_is_told_with_the_digits_that_it_has() -> None:
    measured = list(features())
    measured[-1] = replace(
        measured[-1], barrier_bounded=True, values=np.array([1.0, 1.0, 7.86])
    )
    assert grounds(weighed(measured, SURE))[1].endswith("to at least 7.9")
    # No barrier is less than none.
    measured[-1] = replace(measured[-1], values=np.array([1.0, 1.0, -0.4]))
    assert grounds(weighed(measured, SURE))[1].endswith("to at least 0.0")


def test_disorders_are_told_where_a_size_has_several() -> None:
    first, middle, last = features()
    last = replace(last, disorders=8, transition_spread=0.0625)
    measured = (first, middle, last)
    assert grounds(weighed(measured, SURE))[-1] == (
        "transition points of 8 disorders spread by 0.0625 at the largest size, and each "
        "disorder was read at its own"
    )
    measured = (replace(first, disorders=8, transition_spread=0.25), middle, last)
    assert "disorders spread by 0.25 and 0.0625, and" in grounds(weighed(measured, SURE))[-1]
    last = replace(last, relative_variance=-0.0004, relative_variance_error=0.0123)
    assert grounds(weighed((first, middle, last), SURE))[-1] == (
        "the largest variances of the disorders have the relative variance "
        "R = 0.000(0.012) at the largest size"
    )


STATES: dict[str, tuple[Check, ...]] = {
    "no check": (),
    "passed": (PASSED,),
    "failed": (PASSED, FAILED),
    "beside the window": (BESIDE,),
}


@pytest.mark.parametrize("order", ANSWERS)
@pytest.mark.parametrize("state", STATES)
def test_every_doubt_makes_sense(order: str, state: str) -> None:
    for count, disagreement, kinds in product((3, 4), (0.1, 2.0), (SURE, OPEN)):
        volumes = [64.0 * 4.0**i for i in range(count)]
        weighing = weighed(
            features(volumes), kinds, checks=STATES[state], disagreement=disagreement
        )
        said = doubts(weighing, order, weighing.probabilities)
        text = "; ".join(said)
        assert not NONSENSE.search(text), text
        assert len(set(said)) == len(said)
        failed = [each for each in STATES[state] if not each.passed]
        assert said[: len(failed)] == tuple(f"{each.name}: {each.text}" for each in failed)
        assert "it fits" not in text
        assert ("none can be left out" in text) == (count == 3 and order != UNDETERMINED)
        assert ("correlation volume exceeds" in text) == (order == CONTINUOUS)
        assert ("REFUSED" in text) == (disagreement > 1.0)
        assert f"{order} keeps" not in text


def test_rivals_are_told_by_their_probability_but_not_the_answer_itself() -> None:
    named = {FIRST_ORDER: 0.91, CONTINUOUS: 0.07, CROSSOVER: 0.02, UNDETERMINED: 0.0}
    weighing = weighed(features((64.0, 128.0, 256.0, 512.0)), named)
    assert doubts(weighing, FIRST_ORDER, named) == ("continuous keeps the probability 0.07",)
    assert doubts(weighing, CROSSOVER, named)[0] == "first-order keeps the probability 0.91"


def test_without_an_answer_rivals_keep_what_no_check_took() -> None:
    weighing = weighed(features(), OPEN)
    assert doubts(weighing, UNDETERMINED, weighing.probabilities) == (
        "first-order keeps the probability 0.50",
        "continuous keeps the probability 0.30",
        "crossover keeps the probability 0.10",
    )


def test_what_a_check_took_is_told_as_what_was() -> None:
    kinds = {FIRST_ORDER: 0.92, CONTINUOUS: 0.08}
    left = {FIRST_ORDER: 0.0, CONTINUOUS: 0.08, CROSSOVER: 0.0, UNDETERMINED: 0.92}
    weighing = weighed(features(), kinds, checks=(FAILED,), named=left)
    assert doubts(weighing, UNDETERMINED, left) == (
        "range of sizes: N grows 2-fold",
        "first-order had the probability 0.92 before its checks",
        "continuous keeps the probability 0.08",
    )


def test_what_a_signature_took_is_told_as_what_the_order_parameter_says() -> None:
    weighing = weighed(features(), SURE, checks=(PASSED,))
    joined = dict.fromkeys(NAMED, 0.0) | {UNDETERMINED: 1.0}
    assert doubts(weighing, UNDETERMINED, joined) == (
        "first-order had the probability 0.97 by the order parameter alone",
    )


def test_rounding_takes_nothing() -> None:
    weighing = weighed(features(), OPEN)
    joined = {name: each * (1.0 - 1e-16) for name, each in weighing.probabilities.items()}
    joined[CONTINUOUS] = np.nextafter(joined[CONTINUOUS], 0.0)
    assert not [each for each in doubts(weighing, UNDETERMINED, joined) if "had" in each]


def test_evidences_are_doubted_where_their_kind_counts() -> None:
    weighing = weighed(features(), SURE, disagreement=1.5)
    said = doubts(weighing, FIRST_ORDER, weighing.probabilities)
    unsound = [each for each in said if "is uncertain" in each]
    # The other kinds have no probability that an error could change.
    assert [each.split("'")[1] for each in unsound] == [FIRST_ORDER, CONTINUOUS]
    assert "ln Z = -3.00 ± 0.20 (forward -3.00, reverse -1.50; REFUSED" in unsound[0]


@pytest.mark.parametrize(("jump", "error"), [(0.5, 0.0), (0.5, 0.2), (20.0, 0.1)])
def test_a_continuous_answer_excludes_wider_jumps(jump: float, error: float) -> None:
    # Two sharp phases of equal weight a distance Δ apart have a variance of Δ²/4.
    values = np.array([0.0, np.log(jump**2 / 4.0), 0.0])
    last = replace(features()[-1], values=values, covariance=error**2 * np.eye(3))
    weighing = weighed((*features()[:2], last), {CONTINUOUS: 0.95})
    text = doubts(weighing, CONTINUOUS, weighing.probabilities)[-1]
    # Two standard errors of ln V are one of ln Δ.
    assert text.endswith(
        f"excluded are only phases further apart than {jump * np.exp(error):.2g}"
    )


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 usable sizes"), (1, "1 usable size"), (2, "2 usable sizes")]
)
def test_too_few_sizes_are_counted(count: int, words: str) -> None:
    reading = Reading(features=features()[:count], refused=())
    assert too_few(reading) == (f"{words}, 3 are needed",)


@pytest.mark.parametrize("order", NAMED)
@pytest.mark.parametrize("checks", [(), (BESIDE,)])
def test_nothing_is_wanted_where_an_answer_is_named(
    order: str, checks: tuple[Check, ...]
) -> None:
    assert wanted_data(weighed(features(), SURE, checks=checks), order, table()) == ""
    assert wanted_data(None, order, table()) == ""


def test_a_window_is_moved_before_anything_else() -> None:
    weighing = weighed(features(), SURE, checks=(BESIDE,))
    text = wanted_data(weighing, UNDETERMINED, table())
    assert text.startswith("Move the window of the control")


def test_sizes_are_asked_for_where_few_count() -> None:
    text = wanted_data(None, UNDETERMINED, table())
    assert text.startswith("Give at least 3 sizes spanning a factor 4 in N, each with several")


def doublings_until_apart(error: float, known: bool) -> int:
    """Where the medians of a continuous transition and a crossover part, by their formulas.

    u = ln(N/N_max): ln S = 0.49 u against -0.75 ln(1 + N₀/N), and ln V = -0.315 u against
    -0.5 ln(1 + N/N₀), with N₀ midway in ln N between N_min/20 and N_max/3. Neither has a
    barrier. Each is measured twice with errors of the last size and of the laws.
    """
    middle = np.sqrt(VOLUMES[0] / 20.0 * VOLUMES[-1] / 3.0)
    for doublings in range(1, 13):
        u = doublings * np.log(2.0)
        ratio = VOLUMES[-1] * 2.0**doublings / middle
        slope = 0.49 * u + 0.75 * np.log(1.0 + 1.0 / ratio)
        variance = -0.315 * u + 0.5 * np.log(1.0 + ratio)
        far = abs(variance) > 4.0 * (error + 0.02)
        if far or (known and abs(slope) > 4.0 * (error + 0.03)):
            return doublings
    return 0


@pytest.mark.parametrize("error", [0.1, 0.5, 0.7, 0.9, 1.5])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("dimension", [None, 2, 3])
def test_the_size_that_decides_is_where_the_laws_part(
    error: float, known: bool, dimension: int | None
) -> None:
    measured = [replace(each, slope_known=known) for each in features(error=error)]
    weighing = weighed(measured, {CONTINUOUS: 0.5, CROSSOVER: 0.4})
    text = wanted_data(weighing, UNDETERMINED, table(dimension))
    doublings = doublings_until_apart(error, known)
    if not doublings:
        assert text.startswith("No size within a factor 4096 of the largest")
        return
    volume = 1024.0 * 2.0**doublings
    name, extent = ("L", volume ** (1.0 / dimension)) if dimension else ("N", volume)
    match = re.fullmatch(
        rf"A size of about {name} = ([\d.e+]+) would tell the two likeliest answers apart, "
        r"with chains as good as these\.",
        text,
    )
    assert match is not None, text
    assert float(match[1]) == pytest.approx(extent, rel=5e-3)
    assert "e" not in match[1] or extent >= 1e6


def test_the_parametrised_errors_reach_from_one_doubling_to_none() -> None:
    found = {doublings_until_apart(error, True) for error in (0.1, 0.5, 0.7, 0.9, 1.5)}
    assert {1, 0} < found
    assert len(found) >= 4


@pytest.mark.parametrize(
    ("dimension", "energy", "end"),
    [
        (None, {}, "record the energy, loops or lifetimes."),
        (None, {"energy_volume": 1.0}, "record loops or lifetimes."),
        (2, {}, "record the energy or lifetimes."),
        (2, {"energy_volume": 1.0}, "record lifetimes."),
    ],
)
def test_other_signatures_are_asked_for_where_no_size_decides(
    dimension: int | None, energy: dict[str, float], end: str
) -> None:
    weighing = weighed(features(error=30.0), {CONTINUOUS: 0.5, CROSSOVER: 0.4})
    text = wanted_data(weighing, UNDETERMINED, table(dimension, **energy))
    assert text.startswith("No size within a factor 4096 of the largest")
    assert text.endswith(end)


def test_no_size_settles_what_signatures_contradict() -> None:
    # The order parameter names an answer, and yet none is given.
    weighing = weighed(features(), SURE, checks=(PASSED,))
    text = wanted_data(weighing, UNDETERMINED, table())
    assert text.startswith("No larger size alone settles what signatures contradict")


@pytest.mark.parametrize(
    ("unmixed", "sizes"), [((32.0,), "32"), ((48.0, 32.0, 64.5), "32, 48 and 64.5")]
)
@pytest.mark.parametrize("few", [True, False])
def test_chains_that_are_too_short_come_before_sizes_that_are_not_there(
    unmixed: tuple[float, ...], sizes: str, few: bool
) -> None:
    weighing = None if few else weighed(features(), OPEN)
    text = wanted_data(weighing, UNDETERMINED, table(), unmixed=unmixed)
    assert text == (
        f"Longer chains, or moves that mix faster, at {table().attrs['size']} = {sizes}: "
        "what is there does not count yet."
    )
    assert wanted_data(weighing, "continuous", table(), unmixed=unmixed) == ""
