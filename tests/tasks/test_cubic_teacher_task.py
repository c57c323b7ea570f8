"""The cubic teacher: nested data, the same teacher everywhere, moments, refusals."""

import math
from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import part
from phasegrok.tasks import CubicTeacher, TaskData, build_task


def drawn(seed: int = 3, disorder: int = 0, **changes: Any) -> TaskData:
    options = {"input_size": 6, "example_count": 20, "cubic": -0.3, "test_count": 50}
    return CubicTeacher(**(options | changes)).draw(study_seed=seed, disorder=disorder)


def test_data_are_nested_and_the_test_examples_stay() -> None:
    few, many = drawn(example_count=7), drawn(example_count=20)
    np.testing.assert_array_equal(few.train.inputs, many.train.inputs[:7])
    np.testing.assert_array_equal(few.train.targets, many.train.targets[:7])
    assert few.test is not None
    assert many.test is not None
    np.testing.assert_array_equal(few.test.inputs, many.test.inputs)
    assert (few.train.count, many.test.count) == (7, 50)


@pytest.mark.parametrize("change", [{"cubic": 0.7}, {"example_count": 9}, {"test_count": 0}])
def test_teacher_and_inputs_are_the_same_at_every_control(change: dict[str, Any]) -> None:
    before, after = drawn(), drawn(**change)
    np.testing.assert_array_equal(before.truth["teacher"], after.truth["teacher"])
    count = after.train.count
    np.testing.assert_array_equal(before.train.inputs[:count], after.train.inputs)
    assert (after.test is None) == (change.get("test_count") == 0)


def test_disorders_and_seeds_are_different_draws() -> None:
    teachers = [
        drawn(seed, disorder).truth["teacher"] for seed in (1, 2) for disorder in (0, 1)
    ]
    inputs = [drawn(seed, disorder).train.inputs for seed in (1, 2) for disorder in (0, 1)]
    for first in range(4):
        for second in range(first):
            assert not np.allclose(teachers[first], teachers[second])
            assert not np.allclose(inputs[first], inputs[second])
    train, test = drawn().train, drawn(test_count=20).test
    assert test is not None
    assert not np.allclose(train.inputs, test.inputs)


def test_targets_are_hermite_polynomials_of_the_projection() -> None:
    data = drawn(cubic=0.4)
    teacher = data.truth["teacher"]
    assert np.linalg.norm(teacher) == pytest.approx(1.0, abs=1e-15)
    z = data.train.inputs @ teacher
    np.testing.assert_allclose(data.train.targets, z + 0.4 * (z**3 - 3 * z), rtol=1e-14)


def test_moments_of_inputs_and_targets() -> None:
    count = 200_000
    data = drawn(example_count=count, input_size=3, cubic=0.5)
    inputs, targets = data.train.inputs, data.train.targets
    covariance = inputs.T @ inputs / count
    errors = np.sqrt((1.0 + np.eye(3)) / count)
    assert np.abs(inputs.mean(0)).max() < 4.0 / math.sqrt(count)
    assert np.abs((covariance - np.eye(3)) / errors).max() < 4.0
    z = inputs @ data.truth["teacher"]
    # H₁ and H₃ are orthogonal under the Gaussian, of norms 1 and 6.
    for products, exact in (
        (targets**2, 1.0 + 6.0 * 0.25),
        (targets * z, 1.0),
        (targets * (z**3 - 3.0 * z), 3.0),
    ):
        error = products.std(ddof=1) / math.sqrt(count)
        assert abs(products.mean() - exact) < 4.0 * error


@pytest.mark.parametrize("first", range(3))
def test_teachers_have_no_preferred_direction(first: int) -> None:
    teachers = np.stack([drawn(disorder=each).truth["teacher"] for each in range(400)])
    assert abs(teachers[:, first].mean()) < 4.0 * math.sqrt(1 / 6 / 400)
    squares = teachers[:, first] ** 2
    assert abs(squares.mean() - 1 / 6) < 4.0 * squares.std(ddof=1) / 20.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "the input_size of cubic_teacher must be at least 1, received 0"),
        (
            {"example_count": 2.5},
            r"example_count of cubic_teacher must be a whole number, received 2\.5",
        ),
        ({"test_count": -1}, "test_count of cubic_teacher must be at least 0, received -1"),
        ({"cubi": 1.0}, "Did you mean 'cubic'"),
    ],
)
def test_refuses_what_leaves_nothing_to_learn(options: dict[str, Any], message: str) -> None:
    given = {"input_size": 3, "example_count": 4, "cubic": 0.1} | options
    with pytest.raises(InvalidStudyError, match=message):
        build_task(part("cubic_teacher", **given))


def test_refuses_what_is_no_task() -> None:
    with pytest.raises(InvalidStudyError, match="Did you mean 'cubic_teacher'"):
        build_task(part("cubic_teachers"))
    with pytest.raises(InvalidStudyError, match="must have loss, input_shape, output_size"):
        build_task(part("fractions:Fraction"))
