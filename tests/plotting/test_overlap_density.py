"""-log p(q) as it was measured, without empty bins."""

import numpy as np
import xarray as xr
from matplotlib.container import ErrorbarContainer

from phasegrok.plotting import overlap_density, overlap_density_table


def test_points_and_lines_are_those_of_the_results(
    overlaps: xr.Dataset, overlap_theory: xr.Dataset
) -> None:
    ax = overlap_density(overlaps, overlap_theory, points=[1, 4])
    bars = [each for each in ax.containers if isinstance(each, ErrorbarContainer)]
    drawn = bars[1][0]
    np.testing.assert_array_equal(drawn.get_xdata(), overlaps["bin_center"])
    np.testing.assert_array_equal(
        drawn.get_ydata(), overlaps["negative_log_density"].sel(point=4)
    )
    segments = bars[1][2][0].get_segments()
    spread = [(end[1] - begin[1]) / 2.0 for begin, end in segments]
    np.testing.assert_allclose(spread, 0.2)
    curves = [line for line in ax.get_lines() if len(np.asarray(line.get_xdata())) == 9]
    np.testing.assert_array_equal(
        curves[1].get_ydata(), overlap_theory["negative_log_density"].sel(point=4)
    )


def test_empty_bins_are_left_out(overlaps: xr.Dataset) -> None:
    table = overlap_density_table(overlaps, None, points=[1])
    assert table["overlap"].tolist() == [0.1, 0.3, 0.5]
    assert np.isfinite(table["negative_log_density"].astype(float)).all()


def test_the_legend_tells_only_what_differs(overlaps: xr.Dataset) -> None:
    same_examples = overlap_density(overlaps, None, points=[1, 2])
    legend = same_examples.get_legend()
    assert legend is not None
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [r"$\sigma^2$ = 0.1", r"$\sigma^2$ = 0.4"]
