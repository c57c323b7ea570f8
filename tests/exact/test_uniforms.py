"""Numbers of a run come from its own generator, in order, none left out or handed out twice."""

from itertools import islice

import numpy as np
import pytest

from phasegrok.exact.uniforms import uniform_sweeps


@pytest.mark.parametrize("count", [1, 7, 600, 5000])
def test_sweeps_are_the_stream_of_each_generator(count: int) -> None:
    generators = [np.random.default_rng(each) for each in (3, 4)]
    sweeps = [each.copy() for each in islice(uniform_sweeps(generators, count), 9)]
    for run, seed in enumerate((3, 4)):
        expected = np.random.default_rng(seed).random(9 * count)
        received = np.concatenate([each[run] for each in sweeps])
        np.testing.assert_array_equal(received, expected)
