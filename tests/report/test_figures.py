"""Figures are drawn from the stored study alone."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from phasegrok.report import read_analysis
from phasegrok.report.figures import row_points

WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("torch is not to be had here", name="torch")
        return None

sys.meta_path.insert(0, NoTorch())
from phasegrok.report import plot_study, write_report
print(*plot_study({path!r}), sep="\\n")
print(write_report({path!r}))
"""
NAMES = ["phase_diagram", "aligned_fraction", "discrepancies", "start_traces", "run_health"]


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_has_its_numbers_beside_it(analysed: Path, name: str) -> None:
    for suffix in ("pdf", "png", "csv"):
        assert (analysed / "figures" / f"{name}.{suffix}").stat().st_size > 100


def test_the_plotted_numbers_are_those_of_the_analysis(analysed: Path) -> None:
    file = analysed / "figures" / "phase_diagram.csv"
    with file.open(encoding="utf-8", newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["series"] == "measured"]
    points = read_analysis(analysed).tables["points"].sel(quantity="aligned_fraction")
    np.testing.assert_array_equal([float(row["mean"]) for row in rows], points["mean"])
    np.testing.assert_array_equal(
        [float(row["standard_error"]) for row in rows], points["standard_error"]
    )


def test_one_row_is_shown_at_the_stated_value(analysed: Path) -> None:
    analysis = read_analysis(analysed)
    places = analysis.tables["health"].sel(point=row_points(analysis))
    assert places["example_count"].to_numpy().tolist() == [375, 375]
    assert places["noise_variance"].to_numpy().tolist() == [0.1, 0.3]


def test_plotting_needs_no_torch(analysed: Path, tmp_path: Path) -> None:
    source = WITHOUT_TORCH.format(path=str(analysed))
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert len(found.stdout.split()) == 3 * len(NAMES) + 1
