"""Bins of folded overlaps, and the shares that their counts are given."""

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.inference.counts import BINS, Counts, bin_folded, with_effective_shares
from phasegrok.inference.effective import EffectiveNumbers
from phasegrok.statistics.samples import FloatArray

EDGES = np.linspace(0.0, 1.0, 21)


def counts(**settings: float) -> Counts:
    number = np.random.default_rng(0).poisson(60.0, size=20).astype(float)
    return Counts(edges=EDGES, counts=number, **settings)  # type: ignore[arg-type]


def folded_normal() -> FloatArray:
    return np.abs(np.random.default_rng(1).normal(size=5000))


def test_every_overlap_is_counted_in_equal_bins() -> None:
    data = bin_folded(folded_normal())
    assert data.counts.sum() == 5000
    assert data.counts.size == BINS
    np.testing.assert_allclose(data.widths, data.widths[0], rtol=1e-9)


def test_an_outlier_widens_no_bin_of_the_bulk() -> None:
    overlaps = np.append(folded_normal(), 40.0)
    data = bin_folded(overlaps)
    assert data.counts.sum() == 5001
    assert data.counts[BINS:].sum() == 1
    assert data.counts.size == BINS + 10
    bulk = 1.3 * np.quantile(overlaps, 0.999)
    assert data.edges[BINS] == pytest.approx(1.1 * bulk, rel=1e-12)


@pytest.mark.parametrize(
    ("border", "first_above"), [(0.36, 7), (0.34, 7), (0.01, 0), (None, 0)]
)
def test_shares_meet_at_the_edge_nearest_the_border(
    border: float | None, first_above: int
) -> None:
    numbers = EffectiveNumbers(
        number=1200,
        groups=5,
        kind="run",
        freedom=4.0,
        lower_share=0.5,
        upper_share=0.4,
        balance_share=0.1,
    )
    data = with_effective_shares(counts(), numbers, border)
    assert data.cut == first_above
    assert (data.lower_share, data.upper_share, data.balance_share) == (0.5, 0.4, 0.1)
    expected = np.where(np.arange(20) < first_above, 0.5, 0.4) * counts().counts
    np.testing.assert_array_equal(data.shape_counts, expected)


def test_refuses_counts_that_cannot_be_meant() -> None:
    with pytest.raises(InvalidValueError, match="need 3 increasing edges"):
        Counts(edges=np.array([0.0, 1.0]), counts=np.ones(2))
    with pytest.raises(InvalidValueError, match=r"must lie in \(0, 1\]"):
        counts(upper_share=1.5)
    with pytest.raises(InvalidValueError, match="the cut must be a bin"):
        counts(cut=20)
