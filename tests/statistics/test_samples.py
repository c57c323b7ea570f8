"""What is refused as samples, and what passes untouched."""

import numpy as np
import pytest

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import as_samples


def test_keeps_the_numbers_and_the_callers_array() -> None:
    samples = np.arange(6.0).reshape(2, 3)
    assert as_samples(samples, statistic="a test") is samples
    np.testing.assert_array_equal(as_samples([True, False], statistic="a test"), [1.0, 0.0])


def test_refusals_name_the_statistic() -> None:
    with pytest.raises(
        InvalidValueError, match="a test needs real numbers, received dtype <U1"
    ):
        as_samples(["x"], statistic="a test")
    with pytest.raises(InsufficientSamplesError, match="a test needs at least 3 samples"):
        as_samples([1.0], statistic="a test", required=3)
    with pytest.raises(InvalidValueError, match="2 NaN or infinite of 4"):
        as_samples([[np.nan, 1.0], [2.0, -np.inf]], statistic="a test")
