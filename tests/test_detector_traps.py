"""The traps of the page on detectors are sprung and caught, each against an exact number."""

import importlib.util
import sys
from functools import cache
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from phasegrok.exact import ISING_CRITICAL_INVERSE_TEMPERATURE, ising_log_partition_function
from phasegrok.inference import Grade
from phasegrok.statistics import Status
from phasegrok.transitions import SpinodalStatus

ROOT = Path(__file__).parents[1]


@cache
def script() -> ModuleType:
    """The example, imported from its file."""
    path = ROOT / "examples" / "detector_traps.py"
    specification = importlib.util.spec_from_file_location("detector_traps", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


@cache
def caught(name: str) -> Any:
    """What a quick run says of one trap."""
    return script().caught(name, script().Effort(quick=True))


@pytest.mark.parametrize("beta", [0.2, 0.6])
def test_the_transfer_matrix_agrees_with_enumeration(beta: float) -> None:
    values, law = script().magnetization_law(4, beta)
    spins = np.array(list(product((-1, 1), repeat=16))).reshape(-1, 4, 4)
    bonds = sum(np.sum(spins * np.roll(spins, 1, axis=axis), axis=(1, 2)) for axis in (1, 2))
    weight = np.exp(beta * bonds)
    enumerated = np.bincount((spins.sum(axis=(1, 2)) + 16) // 2, weight, minlength=17)
    np.testing.assert_allclose(law, enumerated / enumerated.sum(), rtol=1e-10)
    np.testing.assert_allclose(values, np.linspace(-1.0, 1.0, 17))
    total = ising_log_partition_function(4, 4, inverse_temperature=beta)
    np.testing.assert_allclose(np.log(weight.sum()), total, rtol=1e-10)


def test_the_critical_order_parameter_has_a_deep_valley_and_no_latent_heat() -> None:
    numbers = caught("two_peaks").numbers
    # P(0) rests on some 40 independent draws.
    assert numbers["naive"][8] == pytest.approx(numbers["exact"], abs=0.5)
    assert numbers["naive"][16] == pytest.approx(numbers["exact"], abs=0.8)
    barrier = numbers["points"].sel(size=12)
    # Higher than that of a true first-order transition at L = 12, known as 1.36(4).
    known, error = 1.36, np.hypot(0.04, float(barrier["barrier_error"]))
    assert abs(float(barrier["barrier"]) - known) < 4.0 * error
    assert numbers["exact"] > float(barrier["barrier"]) + 1.0


def test_the_law_of_the_mean_spin_has_the_known_barrier() -> None:
    _, law = script().magnetization_law(8, ISING_CRITICAL_INVERSE_TEMPERATURE)
    assert script().unfolded_barrier(np.log(law)) == pytest.approx(3.19, abs=0.005)
    np.testing.assert_allclose(law, law[::-1], rtol=1e-9)


def test_a_driven_well_is_steep_and_does_not_sharpen() -> None:
    numbers = caught("steep_curve").numbers
    assert numbers["naive"] == pytest.approx(2.0 * np.arctanh(0.8) / 80.0, abs=0.006)
    for name, slope in (("well", 0.0), ("phases", 0.25)):
        sizes, value, error = numbers[name]
        np.testing.assert_array_less(np.abs(value - 1.0 - slope * sizes), 4.5 * error)


def test_a_loop_at_one_rate_says_nothing_and_its_limit_does() -> None:
    numbers = caught("one_loop").numbers
    assert min(numbers["naive"].values()) > 0.2
    closed, stays = numbers["limits"][0.9], numbers["limits"][1.5]
    assert (closed["status"] == SpinodalStatus.CLOSED).all()
    assert (stays["status"] == SpinodalStatus.RESOLVED).all()
    for direction, sign in (("up", 1.0), ("down", -1.0)):
        one = stays.sel(direction=direction)
        distance = abs(float(one["spinodal"]) - sign * numbers["exact"])
        assert distance < 4.0 * float(one["spinodal_error"])


def test_stretch_moves_keep_the_weights_of_their_start() -> None:
    numbers = caught("frozen_modes").numbers
    assert np.all(numbers["naive"] == 0.75)
    assert numbers["naive"].size > 50.0 * numbers["time"]
    evidence = numbers["evidence"]
    assert evidence.consistent
    assert abs(evidence.log_evidence + 3.0 * np.log(20.0)) < 4.0 * evidence.standard_error
    assert numbers["weight"] == pytest.approx(0.5, abs=0.1)
    assert numbers["health"].grade is Grade.UNUSABLE


def test_correlated_draws_make_the_naive_error_too_small() -> None:
    numbers = caught("correlated_draws").numbers
    assert numbers["naive"] == pytest.approx(numbers["exact"] / np.sqrt(39.0), rel=0.02)
    assert numbers["phasegrok"] == pytest.approx(numbers["exact"], rel=0.05)
    spread = np.sqrt(0.68 * 0.32 / numbers["runs"])
    assert abs(numbers["covered"]["phasegrok"] - 0.683) < 4.0 * spread
    assert numbers["covered"]["naive"] < 0.3


def test_the_average_over_disorder_looks_critical_and_each_disorder_jumps() -> None:
    numbers = caught("average_first").numbers
    sizes, value, error = numbers["naive"]
    exact = [script().averaged_susceptibility(size) for size in sizes]
    np.testing.assert_array_less(np.abs(value - exact), 4.0 * error)
    listed = [numbers["exact"][size] for size in (100, 400, 1600, 6400, 25600)]
    np.testing.assert_allclose(listed, [7.5, 15.6, 31.8, 64.0, 128.0], rtol=0.01)
    # N w (1 - w) is N/4 for one disorder: at 1600 more than ten times the average.
    assert value[-1] < 0.1 * 400.0
    points = numbers["points"]
    jump, jump_error = points["jump"].to_numpy(), points["jump_error"].to_numpy()
    np.testing.assert_array_less(np.abs(jump - 1.0), 4.0 * jump_error)
    spread = points["equal_weight_point_spread"].to_numpy()
    expected = 0.5 * points["size"].to_numpy() ** -0.5
    # A standard deviation of twelve draws is known to 21 %.
    np.testing.assert_allclose(spread, expected, rtol=0.7)


def test_evidence_between_wrong_models_grows_and_neither_fits() -> None:
    numbers = caught("wrong_models").numbers
    factors = numbers["factors"]
    assert factors[3000] / 3000.0 == pytest.approx(script().evidence_rate(), abs=0.012)
    assert numbers["measured"] == pytest.approx(factors[300], abs=1.0)
    for name in ("normal", "Laplace"):
        assert max(numbers["chances"][name][2:]) < 0.01
    assert min(numbers["chances"]["two phases"]) > 0.01


def test_chains_that_have_not_mixed_are_refused_before_any_verdict() -> None:
    trap = caught("unmixed_chains")
    assert trap.verdict.order == "undetermined"
    assert trap.verdict.probabilities["undetermined"] == 1.0
    assert any("have not equilibrated" in each for each in trap.verdict.against)
    hot, up = trap.numbers["naive"]["hot"], trap.numbers["naive"]["up"]
    assert up < trap.numbers["exact"] < hot
    assert hot - up > 0.05
    value, error = trap.numbers["mixed"]
    assert abs(value - trap.numbers["exact"]) < 4.0 * error


def test_replicas_that_cannot_hop_count_their_starts() -> None:
    numbers = caught("counted_basins").numbers
    assert np.ptp(numbers["naive"]) < 0.1
    assert numbers["naive"][1] == pytest.approx(0.5, abs=0.05)
    assert script().ordered_weight(1.4260624389053682) == pytest.approx(10.0 / 11.0)
    frozen, mobile = numbers["frozen"], numbers["mobile"]
    assert frozen["round_trips"] == 0
    assert int(frozen["equal_weight_point_status"]) != Status.RESOLVED
    point, error = (float(mobile[f"equal_weight_point{end}"]) for end in ("", "_error"))
    assert int(mobile["round_trips"]) >= 10
    assert abs(point - 1.4260624389) < 4.0 * error


def test_every_trap_has_a_picture_and_three_answers() -> None:
    page = (ROOT / "docs" / "detectors.md").read_text()
    for name in script().TRAPS:
        assert f"images/trap_{name}.png" in page
        assert (ROOT / "docs" / "images" / f"trap_{name}.png").exists()
