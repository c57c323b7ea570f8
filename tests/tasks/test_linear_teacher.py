"""The linear teacher: singular values, exact whitening, affine targets, laws, refusals."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import part
from phasegrok.tasks import LinearTeacher, TaskData, build_task

Array = npt.NDArray[np.float64]


def drawn(seed: int = 3, disorder: int = 0, **changes: Any) -> TaskData:
    options: dict[str, Any] = {
        "input_size": 5,
        "output_size": 4,
        "singular_values": [2.0, 1.0, 0.5],
        "example_count": 40,
        "test_count": 30,
    }
    return LinearTeacher(**(options | changes)).draw(study_seed=seed, disorder=disorder)


def teacher(data: TaskData) -> Array:
    truth = data.truth
    product: Array = (truth["left"] * truth["singular_values"]) @ truth["right"].T
    return product


def covariance(data: TaskData) -> Array:
    right, variances = data.truth["right"], data.truth["variances"]
    product: Array = np.eye(len(right)) + (right * (variances - 1.0)) @ right.T
    return product


def test_targets_are_those_of_the_stated_singular_values() -> None:
    data = drawn()
    assert data.test is not None
    for examples in (data.train, data.test):
        exact = examples.inputs @ teacher(data).T
        np.testing.assert_allclose(examples.targets, exact, rtol=1e-13, atol=1e-14)
    for name in ("left", "right"):
        directions = data.truth[name]
        np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-15)
    singular = np.linalg.svd(teacher(data), compute_uv=False)
    np.testing.assert_allclose(singular, [2.0, 1.0, 0.5, 0.0], atol=1e-15)


@pytest.mark.parametrize("count", [5, 6, 40])  # Down to as many examples as inputs.
@pytest.mark.parametrize("variances", [[], [3.0, 0.25, 1.0]])
def test_whitened_inputs_have_the_covariance_of_the_law(
    count: int, variances: list[float]
) -> None:
    data = drawn(example_count=count, variances=variances)
    inputs = data.train.inputs
    np.testing.assert_allclose(inputs.T @ inputs / count, covariance(data), atol=2e-14)
    plain = drawn(example_count=count, variances=variances, whitened=False).train.inputs
    assert np.abs(plain.T @ plain / count - covariance(data)).max() > 0.1


def test_loss_of_a_linear_map_is_that_of_its_distance_from_the_teacher() -> None:
    data = drawn(variances=[3.0, 0.25, 1.0])
    weights = np.random.default_rng(1).standard_normal((4, 5))
    errors = data.train.inputs @ weights.T - data.train.targets
    gap = weights - teacher(data)
    exact = 0.5 * np.trace(gap @ covariance(data) @ gap.T)
    assert 0.5 * (errors**2).sum() / data.train.count == pytest.approx(exact, rel=1e-13)


def test_test_inputs_have_the_map_of_the_training_inputs() -> None:
    white, plain = drawn(), drawn(whitened=False)
    assert white.test is not None
    assert plain.test is not None
    found = np.linalg.lstsq(plain.train.inputs, white.train.inputs, rcond=None)[0]
    np.testing.assert_allclose(plain.train.inputs @ found, white.train.inputs, atol=1e-13)
    np.testing.assert_allclose(found, found.T, atol=1e-14)  # The map that moves least.
    np.testing.assert_allclose(plain.test.inputs @ found, white.test.inputs, atol=1e-13)


@pytest.mark.parametrize("output_size", [1, 4])
def test_targets_are_affine_in_strength_and_noise_bit_by_bit(output_size: int) -> None:
    values = [2.0] if output_size == 1 else [2.0, 1.0]
    options: dict[str, Any] = {"output_size": output_size, "singular_values": values}
    signal = drawn(strength=1.0, label_noise=0.0, **options)
    noise = drawn(strength=0.0, label_noise=1.0, **options)
    both = drawn(strength=-0.3, label_noise=0.7, **options)
    for kind in ("train", "test"):
        parts = [getattr(each, kind) for each in (signal, noise, both)]
        exact = -0.3 * parts[0].targets + 0.7 * parts[1].targets
        np.testing.assert_array_equal(parts[2].targets, exact)
        np.testing.assert_array_equal(parts[2].inputs, parts[0].inputs)
    assert both.train.targets.shape == ((40,) if output_size == 1 else (40, 4))
    np.testing.assert_array_equal(both.truth["singular_values"], values)
    np.testing.assert_array_equal(both.truth["strengths"], -0.3 * np.array(values))


@pytest.mark.parametrize("variances", [[], [3.0, 0.25, 1.0]])
def test_data_are_nested_without_whitening(variances: list[float]) -> None:
    options: dict[str, Any] = {"whitened": False, "variances": variances, "label_noise": 0.5}
    many = drawn(example_count=131, **options)
    for count in (1, 7, 64):
        few = drawn(example_count=count, **options)
        np.testing.assert_array_equal(few.train.inputs, many.train.inputs[:count])
        np.testing.assert_array_equal(few.train.targets, many.train.targets[:count])
        assert few.test is not None
        assert many.test is not None
        np.testing.assert_array_equal(few.test.targets, many.test.targets)


def test_moments_of_inputs_and_noise() -> None:
    count = 100_000
    options: dict[str, Any] = {"variances": [3.0, 0.25, 1.0], "label_noise": 0.5}
    data = drawn(example_count=count, whitened=False, **options)
    inputs, exact = data.train.inputs, covariance(data)
    error = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / count)
    assert np.abs((inputs.T @ inputs / count - exact) / error).max() < 4.0
    noise = data.train.targets - inputs @ teacher(data).T
    spread = noise.T @ noise / count
    error = 0.25 * np.sqrt((1.0 + np.eye(4)) / count)
    assert np.abs((spread - 0.25 * np.eye(4)) / error).max() < 4.0
    assert np.abs(noise.mean(0)).max() < 4.0 * 0.5 / math.sqrt(count)
    assert data.test is not None
    test_noise = data.test.targets - data.test.inputs @ teacher(data).T
    assert not np.allclose(test_noise, noise[:30])


@pytest.mark.parametrize("name", ["left", "right"])
def test_directions_have_no_preferred_one(name: str) -> None:
    drawn_ones = np.stack([drawn(disorder=each).truth[name] for each in range(400)])
    size = drawn_ones.shape[1]
    # Of a uniform unit vector a component has the variance 1/size.
    assert np.abs(drawn_ones.mean(0)).max() < 4.0 * math.sqrt(1.0 / size / 400)
    squares = drawn_ones**2
    errors = squares.std(0, ddof=1) / 20.0
    assert np.abs((squares.mean(0) - 1.0 / size) / errors).max() < 4.0


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (1, 3), (4, 1)])
def test_a_single_input_or_output_has_the_direction_one(inputs: int, outputs: int) -> None:
    data = drawn(input_size=inputs, output_size=outputs, singular_values=[0.7])
    for name, size in (("right", inputs), ("left", outputs)):
        if size == 1:
            np.testing.assert_array_equal(data.truth[name], [[1.0]])
    if inputs == outputs == 1:
        np.testing.assert_array_equal(data.train.targets, 0.7 * data.train.inputs[:, 0])
        assert (data.train.inputs**2).mean() == pytest.approx(1.0, abs=1e-14)


def test_disorders_and_seeds_are_different_draws() -> None:
    draws = [drawn(seed, disorder) for seed in (1, 2) for disorder in (0, 1)]
    for first in range(4):
        for second in range(first):
            for name in ("left", "right"):
                assert not np.allclose(draws[first].truth[name], draws[second].truth[name])
            assert not np.allclose(draws[first].train.inputs, draws[second].train.inputs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "the input_size of linear_teacher must be at least 1"),
        ({"singular_values": []}, "must be 1 to 2 for 3 inputs and 2 outputs, received 0"),
        ({"singular_values": [1.0] * 3}, "must be 1 to 2 for 3 inputs and 2 outputs, rec"),
        (
            {"singular_values": [1.0, -1.0]},
            "singular_values of linear_teacher must be a ",
        ),
        ({"singular_values": 1.0}, "must be a list, received 1.0; put it in square brackets"),
        ({"variances": [0.0]}, "variances of linear_teacher must be a finite number above zer"),
        ({"variances": [1.0, 2.0]}, "one for each of the 1 singular values, received 2"),
        ({"example_count": 2}, "whitens its 3 inputs .* received an example_count of 2"),
        (
            {"label_noise": -0.1},
            "label_noise of linear_teacher must be a finite number and",
        ),
        ({"strength": "1"}, "strength of linear_teacher must be a finite number, received '1'"),
        ({"whitened": 1}, "whitened of linear_teacher must be true or false, received 1"),
        ({"test_count": -1}, "test_count of linear_teacher must be at least 0"),
        ({"strenght": 1.0}, "Did you mean 'strength'"),
    ],
)
def test_refuses_what_makes_no_teacher(options: dict[str, Any], message: str) -> None:
    given = {
        "input_size": 3,
        "output_size": 2,
        "singular_values": [1.0],
        "example_count": 4,
    }
    with pytest.raises(InvalidStudyError, match=message):
        build_task(part("linear_teacher", **(given | options)))
    build_task(part("linear_teacher", **given))
