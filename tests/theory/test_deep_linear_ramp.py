"""The fall through the spinodal against the law of its delay and a plain integration."""

from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.exact import deep_linear_transition
from phasegrok.theory.deep_linear_ramp import deep_linear_ramp


def test_local_exponents_known_for_three_layers() -> None:
    rates = 10.0 ** -np.arange(2, 5.1, 0.5)
    found = deep_linear_ramp(layer_count=3, rates=rates, level=0.1)
    exponents = np.diff(np.log(found["delay"])) / np.diff(np.log(rates))
    np.testing.assert_allclose(exponents, [0.58, 0.60, 0.62, 0.64, 0.65, 0.66], atol=6e-3)


@pytest.mark.parametrize("layers", [3, 4, 7])
@pytest.mark.parametrize("target", [1.0, 1.5])
def test_delay_tends_to_that_of_the_normal_form(layers: int, target: float) -> None:
    rates = np.array([1e-6, 1e-8, 1e-9])
    found = deep_linear_ramp(layer_count=layers, rates=rates, target=target)
    ratio = np.abs(found["delay"] / found["leading_delay"] - 1)
    # The next term is smaller by r^(1/3), which is a factor ten from the first to the last.
    assert float(ratio[2]) < 2e-3
    spinodal = deep_linear_transition(layer_count=layers, target=target).spinodal_weight_decay
    np.testing.assert_allclose(found["switching_field"] - found["delay"], spinodal, rtol=1e-12)


@pytest.mark.parametrize(("layers", "target"), [(3, 1.0), (4, 1.3)])
def test_all_weights_together_fall_at_the_same_field(layers: int, target: float) -> None:
    rate, step = 1e-2, 0.002
    found = deep_linear_ramp(layer_count=layers, rates=rate, target=target)
    spinodal = float(found["switching_field"][0] - found["delay"][0])
    decay = 0.5 * spinodal
    weights = np.full(layers, target ** (1 / layers))
    while weights.prod() > found.attrs["level"]:
        output = weights.prod()
        weights = weights + step * ((target - output) * output / weights - decay * weights)
        decay += rate * step
    assert decay == pytest.approx(float(found["switching_field"][0]), abs=2e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_count": 2}, "without a barrier"),
        ({"rates": -1.0}, "every rate must be positive"),
        ({"level": 0.3}, "level must lie below the last learned output 0.25"),
        ({"level": 0.0}, "level must be positive"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"layer_count": 3, "rates": 1e-3}
    with pytest.raises(InvalidValueError, match=message):
        deep_linear_ramp(**{**good, **change})
