"""Many states at once against harmonic wells, whose free energies are closed forms."""

import numpy as np
import pytest
import scipy.signal
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError, NoConvergenceError
from phasegrok.statistics.multistate import (
    bootstrap_of_states,
    multistate_free_energy,
    multistate_mean,
    resampled_states,
    solve_states,
    solved,
    state_samples,
)
from phasegrok.statistics.multistate.equations import Problem, initial_guess, minimum
from phasegrok.statistics.samples import FloatArray, Status

# U/T = k x²/2 - h x: f = ½ ln k - h²/(2k), ⟨x⟩ = h/k.
STIFFNESS = np.array([1.0, 2.0, 4.0, 8.0])
FIELD = np.array([0.0, 0.5, 1.0, 0.0])
LENGTHS = (400, 900, 700, 1500)
COEFFICIENTS = np.stack([STIFFNESS, FIELD], axis=-1)
TARGETS = np.array([[3.0, 0.7], [1.0, 0.2], [6.0, -0.3]])
STUDIES = 150


def free_energy(coefficients: FloatArray) -> FloatArray:
    stiffness, field = coefficients.T
    result: FloatArray = 0.5 * np.log(stiffness) - field**2 / (2.0 * stiffness)
    return result


EXACT = free_energy(COEFFICIENTS) - free_energy(COEFFICIENTS)[0]


def wells(
    generator: np.random.Generator, coefficient: float, scale: int = 1
) -> list[FloatArray]:
    """Terms (x²/2, -x) of AR(1) runs in each well."""
    runs = []
    for stiffness, field, length in zip(STIFFNESS, FIELD, LENGTHS, strict=True):
        noise = generator.normal(size=length * scale)
        noise[1:] *= np.sqrt(1.0 - coefficient**2)
        unit = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise)
        x = field / stiffness + unit / np.sqrt(stiffness)
        runs.append(np.stack([x**2 / 2.0, -x]))
    return runs


def honest(values: FloatArray, errors: FloatArray, exact: FloatArray, long: float) -> None:
    spread = values.std(axis=0, ddof=1)
    assert np.all(np.abs(values.mean(axis=0) - exact) < 4.0 * spread / STUDIES**0.5)
    ratio = np.sqrt((errors**2).mean(axis=0)) / spread
    noise = 4.0 / (2.0 * STUDIES) ** 0.5
    assert np.all(ratio > 1.0 - noise - 0.03)
    assert np.all(ratio < 1.0 + noise + long)


@pytest.mark.parametrize("coefficient", [0.0, 0.8])
def test_wells_are_unbiased_with_honest_errors(coefficient: float) -> None:
    generator = np.random.default_rng(1)
    rows: dict[str, list[FloatArray]] = {name: [] for name in "f df m dm g dg".split()}
    for _ in range(STUDIES):
        runs = wells(generator, coefficient)
        states = solve_states(runs, coefficients=COEFFICIENTS)
        mean = multistate_mean(states, [-run[1] for run in runs], coefficients=TARGETS)
        free = multistate_free_energy(states, coefficients=TARGETS)
        for name, value in zip(
            rows,
            (states.free_energy, states.error, mean.value, mean.error, free.value, free.error),
            strict=True,
        ):
            rows[name].append(value)
    f, df, m, dm, g, dg = (np.array(row) for row in rows.values())
    honest(f[:, 1:], df[:, 1:], EXACT[1:], 0.03)
    honest(m, dm, TARGETS[:, 1] / TARGETS[:, 0], 0.03)
    honest(g, dg, free_energy(TARGETS) - free_energy(COEFFICIENTS)[0], 0.03)


def test_asymptotic_and_bootstrapped_errors_agree() -> None:
    runs = [run[:1] for run in wells(np.random.default_rng(2), 0.6, scale=4)]
    states = solve_states(runs, coefficients=STIFFNESS[:, np.newaxis])
    drawn = bootstrap_of_states(
        lambda again: again.free_energy,
        states,
        generator=np.random.default_rng(3),
        resamples=300,
    )
    ratio = drawn.std(axis=1, ddof=1)[1:] / states.error[1:]
    # The draws know it to 4 %, the blocks of a state to 1/√(2·64) = 9 %.
    assert np.all(np.abs(ratio - 1.0) < 4.0 * np.hypot(0.04, 0.06))
    linear = multistate_free_energy(states, coefficients=STIFFNESS[:, np.newaxis]).error[1:]
    assert np.all(np.abs(drawn.std(axis=1, ddof=1)[1:] / linear - 1.0) < 4.0 / 600**0.5 + 0.03)


def test_errors_of_states_are_those_of_targets_put_there() -> None:
    states = solve_states(wells(np.random.default_rng(20), 0.7), coefficients=COEFFICIENTS)
    there = multistate_free_energy(states, coefficients=states.samples.coefficients)
    np.testing.assert_allclose(there.error, states.error, rtol=1e-6, atol=1e-9)
    assert states.error[0] == 0.0


def test_errors_of_means_agree_with_the_bootstrap() -> None:
    runs = wells(np.random.default_rng(4), 0.6, scale=2)
    states = solve_states(runs, coefficients=COEFFICIENTS)
    observable = [run[1] for run in runs]
    mean = multistate_mean(states, observable, coefficients=TARGETS)
    drawn = bootstrap_of_states(
        lambda again: multistate_mean(again, observable, coefficients=TARGETS).value,
        states,
        generator=np.random.default_rng(5),
        resamples=200,
    )
    ratio = drawn.std(axis=1, ddof=1) / mean.error
    assert np.all(np.abs(ratio - 1.0) < 4.0 / 400**0.5 + 0.05)


def test_equations_and_covariance_are_those_of_shirts_and_chodera() -> None:
    lengths = (80, 120, 150, 100)
    every = wells(np.random.default_rng(6), 0.0)
    runs = [run[:, :length] for run, length in zip(every, lengths, strict=True)]
    states = solve_states(runs, coefficients=COEFFICIENTS, inefficiency=np.ones(4))
    energies = COEFFICIENTS @ np.concatenate(runs, axis=1)
    counts = np.array(lengths, dtype=np.float64)
    f = states.free_energy
    density = scipy.special.logsumexp(
        f[:, np.newaxis] - energies, b=counts[:, np.newaxis], axis=0
    )
    again = -scipy.special.logsumexp(-energies - density, axis=1)
    np.testing.assert_allclose(again - again[0], f, atol=1e-8)
    weights = np.exp(f[:, np.newaxis] - energies - density)
    inner = np.eye(weights.shape[1]) - (weights.T * counts) @ weights
    theta = weights @ np.linalg.pinv(inner, hermitian=True) @ weights.T
    expected = theta - theta[:, :1] - theta[:1] + theta[0, 0]
    np.testing.assert_allclose(states.covariance, expected, rtol=1e-4, atol=1e-9)


def test_one_state_is_a_plain_mean() -> None:
    runs = [np.random.default_rng(7).normal(size=(1, n)) for n in (300, 500)]
    states = solve_states(runs, coefficients=[[2.0], [2.0]])
    assert states.free_energy.tolist() == [0.0]
    mean = multistate_mean(states, [run[0] for run in runs], coefficients=[[2.0]])
    together = np.concatenate(runs, axis=1)[0]
    np.testing.assert_allclose(mean.value, [together.mean()], rtol=1e-9)
    np.testing.assert_allclose(mean.error, [together.std() / 800**0.5], rtol=0.25)
    assert 500.0 < mean.effective_samples[0] <= 801.0


def test_overlap_of_equal_and_of_different_states() -> None:
    generator = np.random.default_rng(8)
    same = solve_states(
        [generator.normal(size=(1, 1000)) for _ in range(2)],
        coefficients=[[0.0], [1e-9]],
        inefficiency=[1.0, 1.0],
    )
    np.testing.assert_allclose(same.overlap.matrix, 0.5, atol=1e-6)
    assert same.overlap.second_eigenvalue < 1e-6
    np.testing.assert_allclose(same.overlap.shared_samples[0, 1], 500.0, rtol=1e-5)
    states = solve_states(wells(generator, 0.0), coefficients=COEFFICIENTS)
    np.testing.assert_allclose(states.overlap.matrix.sum(axis=1), 1.0, rtol=1e-12)
    assert 0.0 < states.overlap.second_eigenvalue < 1.0
    values = np.sort(np.linalg.eigvals(states.overlap.matrix).real)
    np.testing.assert_allclose(states.overlap.second_eigenvalue, values[-2], rtol=1e-8)


def test_shared_samples_are_the_inverse_variance_of_a_difference() -> None:
    states = solve_states(wells(np.random.default_rng(9), 0.0), coefficients=COEFFICIENTS)
    counts = states.samples.counts
    for state in range(1, 4):
        variance = states.covariance[state, state] + 1.0 / counts[0] + 1.0 / counts[state]
        np.testing.assert_allclose(
            states.overlap.shared_samples[0, state], 1.0 / variance, rtol=1e-6
        )


def test_states_apart_are_refused_by_name() -> None:
    generator = np.random.default_rng(10)
    runs = [generator.normal(size=(1, 1000)) - shift for shift in (0.0, 0.5, 9.0, 9.5)]
    fields = np.array([[0.0], [0.5], [9.0], [9.5]])
    with pytest.raises(InsufficientSamplesError, match="without overlap between state 1") as e:
        solve_states(runs, coefficients=fields)
    assert "state 1 [0.5] and state 2 [9.0] (put states between" in str(e.value)
    assert e.value.required == 10
    apart = solved(state_samples(runs, coefficients=fields)).overlap
    assert apart.weakest[0] == (1, 2)
    assert apart.second_eigenvalue > 0.999
    near = solve_states(
        [generator.normal(size=(1, 1000)) - field for field in np.arange(0.0, 10.0)],
        coefficients=np.arange(0.0, 10.0)[:, np.newaxis],
    )
    # U/T = x²/2 + g X with X = x: f = -g²/2.
    exact = -0.5 * np.arange(0.0, 10.0) ** 2
    assert np.all(np.abs(near.free_energy - exact) < 4.5 * near.error + 1e-12)


def test_targets_out_of_reach_are_refused_and_harm_no_other() -> None:
    runs = wells(np.random.default_rng(11), 0.0)
    states = solve_states(runs, coefficients=COEFFICIENTS)
    targets = np.array([[3.0, 0.0], [3.0, 60.0]])
    mean = multistate_mean(states, [-run[1] for run in runs], coefficients=targets)
    assert mean.status.tolist() == [Status.RESOLVED, Status.REFUSED]
    assert np.isnan(mean.value[1])
    assert np.isnan(mean.error[1])
    free = multistate_free_energy(states, coefficients=targets)
    assert free.status.tolist() == [Status.RESOLVED, Status.REFUSED]


def test_large_energies_and_order_of_runs_change_nothing() -> None:
    runs = wells(np.random.default_rng(12), 0.0)
    plain = solve_states(runs, coefficients=COEFFICIENTS)
    lifted = solve_states([run + 1e6 for run in runs], coefficients=COEFFICIENTS)
    shift = 1e6 * (COEFFICIENTS - COEFFICIENTS[0]).sum(axis=1)
    np.testing.assert_allclose(lifted.free_energy - shift, plain.free_energy, atol=1e-6)
    turned = solve_states(runs[::-1], coefficients=COEFFICIENTS[::-1])
    np.testing.assert_allclose(turned.free_energy, plain.free_energy, atol=1e-8)
    split = [part for run in runs for part in (run[:, :150], run[:, 150:])]
    pieces = solve_states(
        split, coefficients=np.repeat(COEFFICIENTS, 2, axis=0), inefficiency=np.ones(8)
    )
    whole = solve_states(runs, coefficients=COEFFICIENTS, inefficiency=np.ones(4))
    np.testing.assert_allclose(pieces.free_energy, whole.free_energy, atol=1e-8)


def test_correlated_samples_count_less() -> None:
    fast = state_samples(wells(np.random.default_rng(13), 0.0, 5), coefficients=COEFFICIENTS)
    slow = state_samples(wells(np.random.default_rng(13), 0.9, 5), coefficients=COEFFICIENTS)
    assert np.all(fast.inefficiency < 1.5)
    assert np.all(np.abs(slow.inefficiency / 19.0 - 1.0) < 0.5)
    np.testing.assert_allclose(slow.counts * slow.inefficiency, 5 * np.array(LENGTHS))


def test_observables_of_several_components() -> None:
    runs = wells(np.random.default_rng(14), 0.0)
    states = solve_states(runs, coefficients=COEFFICIENTS)
    both = multistate_mean(states, runs, coefficients=TARGETS)
    assert both.value.shape == (2, 3)
    one = multistate_mean(states, [run[1] for run in runs], coefficients=TARGETS)
    np.testing.assert_allclose(both.value[1], one.value, rtol=1e-12)
    still = multistate_mean(
        states, [np.full(run.shape[1], 0.1) for run in runs], coefficients=TARGETS
    )
    assert np.all(still.value == 0.1)
    assert np.all(still.error == 0.0)
    assert np.all(still.status == Status.CONSTANT)


def test_draws_repeat_with_their_generator_alone() -> None:
    states = solve_states(wells(np.random.default_rng(15), 0.0), coefficients=COEFFICIENTS)
    one, two, three = (
        resampled_states(states, generator=np.random.default_rng(seed)).free_energy
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert np.any(one != three)


def test_the_first_guess_is_exact_for_gaussians_of_equal_width() -> None:
    fields = np.arange(6.0)[:, np.newaxis]
    guess = initial_guess(fields, -fields)
    np.testing.assert_allclose(guess, -0.5 * np.arange(6.0) ** 2, atol=1e-12)


def test_a_problem_that_cannot_be_met_says_so() -> None:
    problem = Problem(
        coefficients=np.array([[0.0], [1.0]]),
        terms=np.zeros((1, 4)),
        weights=np.ones(4),
        counts=np.array([3.0, 5.0]),
    )
    with pytest.raises(NoConvergenceError, match="free energies of 2 states") as error:
        minimum(problem, np.zeros(2))
    assert np.asarray(error.value.estimate).shape == (2,)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(-3.0, 3.0) | st.booleans(), min_size=2, max_size=20),
    st.lists(st.floats(-3.0, 3.0) | st.integers(-3, 3), min_size=2, max_size=20),
    st.floats(-2.0, 2.0),
)
def test_any_finite_numbers_give_a_result_or_a_refusal(
    left: list[float], right: list[float], by: float
) -> None:
    states = solved(state_samples([[left], [right]], coefficients=[[0.0], [by]]))
    assert np.all(np.isfinite(states.free_energy))
    mean = multistate_mean(
        states, [left, right], coefficients=[[by]], minimum_effective_samples=0.1
    )
    finite = np.isfinite(mean.value) & np.isfinite(mean.error)
    assert finite[0] == (mean.status[0] != Status.REFUSED)


def test_refusals() -> None:
    runs = wells(np.random.default_rng(16), 0.0)
    with pytest.raises(InvalidValueError, match="received 4 runs of"):
        solve_states(runs, coefficients=COEFFICIENTS[:3])
    with pytest.raises(InsufficientSamplesError, match="of no series"):
        solve_states([], coefficients=COEFFICIENTS)
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        solve_states([run[:, :1] for run in runs], coefficients=COEFFICIENTS)
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        solve_states([[[0.0, np.nan]]], coefficients=[[1.0]])
    with pytest.raises(InvalidValueError, match="one positive inefficiency for each of 4"):
        solve_states(runs, coefficients=COEFFICIENTS, inefficiency=[1.0, 0.0, 1.0, 1.0])
    states = solve_states(runs, coefficients=COEFFICIENTS)
    with pytest.raises(InvalidValueError, match="with 2 controls, received"):
        multistate_free_energy(states, coefficients=[[1.0]])
    with pytest.raises(InvalidValueError, match="received lengths"):
        multistate_mean(states, [run[0, :-1] for run in runs], coefficients=TARGETS)
    with pytest.raises(InvalidValueError, match="at least 2 resamples, received 1"):
        bootstrap_of_states(
            lambda again: again.free_energy,
            states,
            generator=np.random.default_rng(0),
            resamples=1,
        )
    with pytest.raises(InvalidValueError, match="block_times must be positive"):
        resampled_states(states, generator=np.random.default_rng(0), block_times=0.0)


def test_errors_of_means_know_those_of_the_free_energies() -> None:
    # Between two fields far apart the weights of the two runs hang on f alone.
    generator = np.random.default_rng(17)
    fields, rows = np.array([[0.0], [3.0]]), []
    for _ in range(300):
        runs = [generator.normal(size=(1, 1000)) + field for field in fields]
        states = solve_states(
            [-run for run in runs], coefficients=fields, inefficiency=[1.0, 1.0]
        )
        mean = multistate_mean(states, [run[0] for run in runs], coefficients=[[1.5]])
        rows.append((mean.value[0], mean.error[0]))
    values, errors = np.array(rows).T
    assert abs(values.mean() - 1.5) < 4.0 * values.std(ddof=1) / 300**0.5
    ratio = np.sqrt((errors**2).mean()) / values.std(ddof=1)
    assert abs(ratio - 1.0) < 4.0 / 600**0.5


def test_effective_samples_count_the_slowest_observable() -> None:
    noise = np.random.default_rng(18).normal(size=(2, 50_000))
    noise[1, 1:] *= np.sqrt(1.0 - 0.9**2)
    slow = scipy.signal.lfilter([1.0], [1.0, -0.9], noise[1])
    states = solve_states([noise[:1]], coefficients=[[1.0]])
    mean = multistate_mean(states, [slow], coefficients=[[1.0]])
    np.testing.assert_allclose(mean.effective_samples, 50_000 / 19.0, rtol=0.15)
