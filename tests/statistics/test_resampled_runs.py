"""Whole runs drawn again: as many as there were, units together, and refusals."""

import numpy as np
import pytest

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.multistate import (
    Multistate,
    distance_to_states,
    independent_units,
    resampled_runs,
    solve_states,
)


def solution(runs: tuple[int, int] = (2, 6)) -> Multistate:
    """Gaussian terms of unit width at two fields, with unequal numbers of runs."""
    generator = np.random.default_rng(1)
    fields = np.repeat([0.0, 1.0], runs)
    terms = [generator.normal(-field, 1.0, (1, 50)) for field in fields]
    return solve_states(terms, coefficients=fields[:, None], inefficiency=np.ones(fields.size))


def test_every_draw_counts_as_many_samples_as_there_were() -> None:
    states = solution()
    generator = np.random.default_rng(2)
    seen = set()
    for _ in range(20):
        drawn = resampled_runs(states, generator=generator).samples
        np.testing.assert_allclose(drawn.counts, states.samples.counts)
        whole = drawn.weights.reshape(8, 50)
        assert (whole == whole[:, :1]).all()
        seen.add(tuple(whole[:, 0]))
    assert len(seen) > 10


def test_runs_of_one_unit_stand_or_fall_together() -> None:
    states = solution((3, 3))
    unit = [0, 1, 2, 0, 1, 2]
    (stratum,) = independent_units(states, unit=unit)
    assert [each.tolist() for each in stratum] == [[0, 3], [1, 4], [2, 5]]
    generator = np.random.default_rng(3)
    for _ in range(5):
        weights = resampled_runs(states, generator=generator, unit=unit).samples.weights
        first, second = weights.reshape(2, 3, 50)
        np.testing.assert_array_equal(first, second)


def test_the_distance_is_in_widths_of_the_terms() -> None:
    states = solution((20, 20))
    found = distance_to_states(states, coefficients=[[0.0], [0.5], [1.0], [1.5], [-2.0]])
    # Of 40 runs of 50 the width is known to 2 %.
    np.testing.assert_allclose(found, [0.0, 0.0, 0.0, 0.5, 2.0], rtol=0.08, atol=1e-9)


def test_what_cannot_be_drawn_is_refused() -> None:
    generator = np.random.default_rng(4)
    with pytest.raises(InsufficientSamplesError, match="independent runs"):
        resampled_runs(solution((1, 3)), generator=generator)
    with pytest.raises(InvalidValueError, match="one label for each of 8 runs"):
        independent_units(solution(), unit=[1, 2])
    with pytest.raises(InvalidValueError, match="with 1 controls"):
        distance_to_states(solution(), coefficients=[[1.0, 2.0]])
