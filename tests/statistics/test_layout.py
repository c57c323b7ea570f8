"""Groups of runs against loops over their labels."""

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.layout import Grouping, run_layout


def test_reductions_equal_loops_over_labels() -> None:
    generator = np.random.default_rng(0)
    labels = generator.choice(["b", "a", "c"], size=20)
    values = generator.normal(size=(4, 20))
    groups = Grouping.of(labels)
    for number, label in enumerate("abc"):
        members = values[:, labels == label]
        np.testing.assert_allclose(groups.sum(values)[:, number], members.sum(axis=1))
        np.testing.assert_allclose(groups.mean(values)[:, number], members.mean(axis=1))
        np.testing.assert_array_equal(groups.maximum(values)[:, number], members.max(axis=1))
        np.testing.assert_array_equal(groups.minimum(values)[:, number], members.min(axis=1))
        assert groups.counts[number] == members.shape[1]


def test_cells_are_disorders_at_points() -> None:
    layout = run_layout(disorder=[5, 5, 7, 5, 7], point=["x", "y", "y", "y", "x"])
    assert layout.cells.counts.tolist() == [1, 1, 2, 1]
    assert layout.points.index.tolist() == [0, 0, 1, 1]
    assert layout.cells.index.tolist() == [0, 2, 3, 2, 1]


def test_refuses_labels_that_do_not_fit() -> None:
    with pytest.raises(InvalidValueError, match="received 3 and 2"):
        run_layout(disorder=[0, 1, 2], point=[0, 1])
    with pytest.raises(InvalidValueError, match="one dimension"):
        Grouping.of([[0, 1]])
