"""Lines of equal weights and their slopes: an exact mixture, and deep linear networks."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.exact import concatenated, deep_linear
from phasegrok.statistics import Status, solve_controls
from phasegrok.transitions.phases.coexistence_lines import coexistence_line
from phasegrok.transitions.phases.integrated_lines import (
    compare_line,
    integrated_line,
    joined_lines,
)
from phasegrok.transitions.phases.line_slopes import clausius_clapeyron, slope_of

# Two Gaussian phases in (L, Q) at the controls T = 1, λ = 1: tilted by exp(-δ·X) they stay so.
CENTRES = np.array([[30.0, 10.0], [24.0, 18.0]])
SPREADS = np.array([[[2.0, -0.3], [-0.3, 0.8]], [[1.2, 0.2], [0.2, 1.0]]])
LOG_WEIGHTS = np.log([0.4, 0.6])
CUT = 14.0
DECAYS, HEATS = (0.95, 1.05, 1.15), (0.95, 1.05)


def tilted(heat: float, decay: float) -> tuple[Any, Any]:
    """Logarithms of the weights, up to a constant, and centres of the phases."""
    change = np.array([1 / heat - 1.0, decay / heat - 1.0])
    shift = SPREADS @ change
    logs = LOG_WEIGHTS - CENTRES @ change + 0.5 * shift @ change
    return logs, CENTRES - shift


def exact_line(heat: float) -> float:
    def odds(decay: float) -> float:
        logs, _ = tilted(heat, decay)
        return float(logs[1] - logs[0])

    return float(brentq(odds, 0.5, 1.5))


def exact_slope(heat: float) -> float:
    decay = exact_line(heat)
    _, centres = tilted(heat, decay)
    jump = centres[1] - centres[0]
    return float((jump[0] + decay * jump[1]) / (heat * jump[1]))


def drawn(
    points: Any, seed: int, *, records: int = 150, runs: int = 6, biased: float = 0.0
) -> xr.Dataset:
    """Draws at points; with a bias the weights are not those of equilibrium."""
    generator = np.random.default_rng(seed)
    rows, labels = [], []
    for heat, decay in points:
        logs, centres = tilted(heat, decay)
        upper = 1 / (1 + np.exp(logs[0] - logs[1] - biased * (heat - 1.0)))
        for _ in range(runs):
            phase = (generator.random(records) < upper).astype(int)
            noise = np.stack(
                [generator.multivariate_normal([0, 0], spread, records) for spread in SPREADS]
            )
            rows.append(centres[phase] + noise[phase, np.arange(records)])
            labels.append((heat, decay))
    values = np.array(rows)
    return xr.Dataset(
        {
            "loss": (("run", "record"), values[..., 0]),
            "half_square_norm_one": (("run", "record"), values[..., 1]),
        },
        coords={
            "temperature": ("run", np.array(labels)[:, 0]),
            "weight_decay": ("run", np.array(labels)[:, 1]),
            "outcome": ("run", np.full(len(labels), "finished", dtype=object)),
        },
    )


GRID = [(heat, decay) for heat in HEATS for decay in DECAYS]
PLACES = np.array([0.96, 1.0, 1.04])


def line_of(seed: int, **keywords: Any) -> xr.Dataset:
    return coexistence_line(
        solve_controls(drawn(GRID, seed)),
        along="weight_decay",
        at={"temperature": PLACES},
        seed=seed,
        **keywords,
    )


def test_the_line_and_its_errors_are_those_of_the_mixture() -> None:
    wanted = np.array([exact_line(heat) for heat in PLACES])
    slopes = np.array([exact_slope(heat) for heat in PLACES])
    scores, slope_scores = [], []
    for seed in range(12):
        line = line_of(seed, resamples=20)
        assert (line["status"] == Status.RESOLVED).all()
        scores.append((line["weight_decay"] - wanted) / line["weight_decay_error"])
        slope_scores.append((line["slope"] - slopes) / line["slope_error"])
    for each in (scores, slope_scores):
        # Points of one line are one number, nearly: 12 repeats.
        assert np.mean(np.square(each)) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 12))
        assert np.abs(np.mean(each, axis=0)).max() < 4 / np.sqrt(12)


def test_slopes_are_the_derivative_of_the_exact_line() -> None:
    for heat in PLACES:
        derivative = (exact_line(heat + 1e-5) - exact_line(heat - 1e-5)) / 2e-5
        assert exact_slope(heat) == pytest.approx(derivative, rel=1e-6)


def test_a_slope_against_another_control_is_the_ratio_of_jumps() -> None:
    jump = np.array([3.0, 2.0, -5.0])
    asked: dict[str, Any] = {
        "controls": ("temperature", "a", "b"),
        "at": {"temperature": 0.5, "a": 0.1, "b": 0.2},
    }
    assert slope_of(jump, along="a", against="b", **asked) == pytest.approx(2.5)
    energy = 3.0 + 0.1 * 2.0 - 0.2 * 5.0
    found = slope_of(jump, along="b", against="temperature", **asked)
    assert found == pytest.approx(energy / (0.5 * -5.0))


def test_slopes_from_runs_in_their_phases_are_exact_and_integrate_to_the_line() -> None:
    heats = np.linspace(0.96, 1.04, 5)
    wanted = np.array([exact_line(heat) for heat in heats])
    points = list(zip(heats.tolist(), wanted.tolist(), strict=True))
    scores, ends = [], []
    for seed in range(16):
        slopes = clausius_clapeyron(
            drawn(points, 100 + seed, runs=12),
            "half_square_norm_one",
            cut=CUT,
            along="weight_decay",
        )
        exact = np.array([exact_slope(heat) for heat in heats])
        scores.append(((slopes["slope"] - exact) / slopes["slope_error"]).to_numpy())
        line = integrated_line(slopes, start=wanted[0])
        assert np.abs(line["truncation"]).max() < 1e-3
        end = line.isel(point=-1)
        ends.append(float((end["weight_decay"] - wanted[-1]) / end["weight_decay_error"]))
    # Errors of twelve runs: Student's law of eleven degrees of freedom has the variance 11/9.
    assert np.mean(np.square(scores)) == pytest.approx(11 / 9, abs=4 * 1.3 * np.sqrt(2 / 80))
    assert abs(np.mean(scores)) < 4 / np.sqrt(80)
    assert np.mean(np.square(ends)) < 1 + 4 * np.sqrt(2 / 16)


def compared(seed: int, *, biased: float, together: bool = False) -> float:
    places = PLACES.tolist()
    samples = drawn([(t, g) for t in places for g in DECAYS], seed, biased=biased)
    heat = samples["temperature"].to_numpy()
    chosen = [heat > 0.0] if together else [heat == place for place in places]
    lines = [
        coexistence_line(
            solve_controls(samples.isel(run=np.flatnonzero(each))),
            along="weight_decay",
            at={"temperature": places if together else [place]},
            cut=CUT,
            seed=seed,
            resamples=30,
        )
        for each, place in zip(chosen, places, strict=False)
    ]
    points = [(place, exact_line(place)) for place in places]
    slopes = clausius_clapeyron(
        drawn(points, 50 + seed, runs=12),
        "half_square_norm_one",
        cut=CUT,
        along="weight_decay",
    )
    line = integrated_line(slopes, start=exact_line(places[0]))
    found = compare_line(joined_lines(lines), line)
    assert int(found["freedom"]) == 2
    return float(found["probability"])


def test_weights_of_boltzmann_pass_and_others_do_not() -> None:
    assert min(compared(seed, biased=0.0) for seed in range(4)) > 1e-3
    # Weights of the phases that drift with temperature, as occupations of basins may.
    assert max(compared(seed, biased=15.0) for seed in range(4)) < 1e-4


def test_one_body_of_samples_cannot_test_its_own_weights() -> None:
    assert compared(1, biased=15.0, together=True) > 1e-3


def test_deep_linear_networks_balance_where_the_literature_says() -> None:
    """Width 4, T = 0.005: 0.4605 for three layers; a quadrature gives it."""
    heat, decay = np.meshgrid([0.0045, 0.0055], [0.43, 0.46, 0.49])
    samples = deep_linear(
        layer_count=3,
        width=4,
        temperature=heat.ravel(),
        weight_decay=decay.ravel(),
        record_count=500,
        replica_count=6,
        seed=3,
    )
    line = coexistence_line(
        solve_controls(samples),
        along="weight_decay",
        at={"temperature": [0.0045, 0.005, 0.0055]},
        seed=1,
    )
    middle = line.isel(point=1)
    assert abs(float(middle["weight_decay"]) - 0.4605) < 4 * float(middle["weight_decay_error"])
    cut = float(middle["cut"])
    fixed = coexistence_line(
        solve_controls(samples),
        along="weight_decay",
        at={"temperature": [0.0045, 0.005, 0.0055]},
        cut=cut,
        seed=1,
    )
    points = zip(fixed["temperature"].values, fixed["weight_decay"].values, strict=True)
    others = concatenated(
        [
            deep_linear(
                layer_count=3,
                width=4,
                temperature=t,
                weight_decay=g,
                record_count=600,
                replica_count=6,
                seed=11,
            )
            for t, g in points
        ]
    )
    slopes = clausius_clapeyron(others, "half_square_norm", cut=cut, along="weight_decay")
    found = compare_line(fixed, integrated_line(slopes, start=float(fixed["weight_decay"][0])))
    assert float(found["probability"]) > 1e-3
    rise = float(fixed["weight_decay"][2] - fixed["weight_decay"][0]) / 0.001
    assert rise == pytest.approx(float(slopes["slope"][1]), rel=0.1)


def test_points_that_are_not_there_are_refused_in_words() -> None:
    states = solve_controls(drawn([(0.95, 1.1), (0.95, 1.15)], 1))
    line = coexistence_line(
        states, along="weight_decay", at={"temperature": [0.95]}, seed=1, resamples=3
    )
    assert int(line["status"][0]) == Status.REFUSED
    assert "weight_decay from 1.1 to 1.15" in str(line["reason"][0].item())
    assert np.isnan(line["weight_decay_error"][0])
    one = drawn([(1.0, 1.8), (1.0, 1.85)], 2)
    apart = coexistence_line(
        solve_controls(one),
        along="weight_decay",
        at={"temperature": [1.0]},
        seed=1,
        resamples=3,
    )
    assert int(apart["status"][0]) == Status.REFUSED


def test_what_has_no_meaning_is_refused() -> None:
    states = solve_controls(drawn(GRID, 1))
    at = {"temperature": PLACES}
    with pytest.raises(InvalidValueError, match="received 'temperature'"):
        coexistence_line(states, along="temperature", at={"weight_decay": [1.0]}, seed=1)
    with pytest.raises(InvalidValueError, match="every control but"):
        coexistence_line(states, along="weight_decay", at={"width": [1.0]}, seed=1)
    with pytest.raises(InvalidValueError, match="2 resamples"):
        coexistence_line(states, along="weight_decay", at=at, seed=1, resamples=1)
    with pytest.raises(InvalidValueError, match="weight_ratio"):
        coexistence_line(states, along="weight_decay", at=at, seed=1, weight_ratio=0.0)
    samples = drawn([(1.0, exact_line(1.0))], 3)
    with pytest.raises(FormatError, match="'norm'"):
        clausius_clapeyron(samples, "norm", cut=CUT, along="weight_decay")
    with pytest.raises(InvalidValueError, match="fields="):
        clausius_clapeyron(samples, "half_square_norm_one", cut=CUT, along="width")
    lone = clausius_clapeyron(
        samples.isel(run=[0]), "half_square_norm_one", cut=CUT, along="weight_decay"
    )
    assert np.isnan(lone["slope"][0])
    with pytest.raises(InsufficientSamplesError, match="slopes at different"):
        integrated_line(lone, start=1.0)
    with pytest.raises(InvalidValueError, match="need one control"):
        joined_lines([samples])
    with pytest.raises(InvalidValueError, match="clausius_clapeyron"):
        integrated_line(samples, start=1.0)


def test_lines_are_compared_with_the_covariances_of_both() -> None:
    attrs = {"along": "weight_decay", "against": "temperature"}
    heats = {"temperature": ("point", [0.1, 0.2, 0.3])}

    def made(values: list[float], covariance: Any) -> xr.Dataset:
        both = (("point", "other_point"), np.array(covariance))
        numbers = {"weight_decay": ("point", values), "covariance": both}
        return xr.Dataset(numbers, coords=heats, attrs=attrs | {"first": 0})

    line = made([1.0, 2.0, 4.0], np.diag([0.01, 0.04, 0.09]))
    integrated = made([1.1, 2.0, 3.9], np.diag([0.0, 0.02, 0.03]))
    found = compare_line(line, integrated)
    # Ways from the first point: 1 and 3, less 0.9 and 2.8.
    away = np.array([0.1, 0.2])
    covariance = np.array([[0.01 + 0.06, 0.01], [0.01, 0.01 + 0.12]])
    np.testing.assert_allclose(found["difference"], away)
    np.testing.assert_allclose(found["error"] ** 2, np.diag(covariance))
    assert float(found["chi_square"]) == pytest.approx(away @ np.linalg.solve(covariance, away))
    joined = joined_lines([each.assign_attrs(controls=["T"]) for each in (line, line)])
    assert joined.sizes["point"] == 6
    blocks = joined["covariance"].to_numpy()
    assert (blocks[:3, 3:] == 0.0).all()
    np.testing.assert_array_equal(blocks[3:, 3:], line["covariance"])
    with pytest.raises(InvalidValueError, match="same controls"):
        compare_line(line.assign_attrs(against="width"), integrated)
    with pytest.raises(InsufficientSamplesError, match="comparison of lines"):
        compare_line(line.isel(point=[0], other_point=[0]), integrated)


def test_valleys_between_a_few_samples_of_a_tail_are_no_cut() -> None:
    samples = drawn(GRID, 2)
    states = solve_controls(samples)
    tailed = states.dataset["half_square_norm_one"].copy(deep=True)
    # One sample of each run far below, a few of the first still further.
    tailed[:, 0] = 2.0
    tailed[0, 1:3] = -2.0
    places = {"temperature": PLACES}
    plain = coexistence_line(states, along="weight_decay", at=places, seed=1, resamples=10)
    line = coexistence_line(
        states, tailed, along="weight_decay", at=places, seed=1, resamples=10
    )
    assert (line["status"] == Status.RESOLVED).all()
    # Between the phases at 10 and 18; without these samples bins are narrower.
    np.testing.assert_allclose(line["cut"], plain["cut"], atol=1.5)
    np.testing.assert_allclose(line["weight_decay"], plain["weight_decay"], atol=0.01)
