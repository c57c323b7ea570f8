"""Figures on disk, and the numbers beside them."""

import csv
from pathlib import Path

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.plotting import Table, save_figure
from phasegrok.plotting.style import new_axes


def test_a_csv_file_gives_every_digit_back(tmp_path: Path) -> None:
    values = np.array([0.1, 1.0 / 3.0, np.nan, -1e-300])
    table = Table.of("measured", value=values, word=["a", "b", "c", "d"])
    with table.write(tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["word"] for row in rows] == ["a", "b", "c", "d"]
    assert rows[2]["value"] == ""
    read = [float(row["value"]) for row in rows if row["value"]]
    assert read == [0.1, 1.0 / 3.0, -1e-300]


def test_parts_are_joined_with_gaps() -> None:
    joined = Table.joined([Table.of("a", x=[1.0, 2.0]), Table.of("b", x=[3.0], y=[4.0])])
    assert joined["series"].tolist() == ["a", "a", "b"]
    np.testing.assert_array_equal(joined["y"], [np.nan, np.nan, 4.0])
    np.testing.assert_array_equal(joined.where(series="b")["x"], [3.0])
    assert joined.distinct("series") == ["a", "b"]


def test_unequal_columns_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="need one length, received shapes"):
        Table(columns={"a": np.zeros(2), "b": np.zeros(3)})


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidValueError, match="Did you mean 'value'"):
        Table.of("a", value=[1.0])["valu"]


def test_three_files_are_written_alike_each_time(tmp_path: Path) -> None:
    ax = new_axes()
    ax.plot([0.0, 1.0], [2.0, 3.0])
    table = Table.of("line", x=[0.0, 1.0], y=[2.0, 3.0])
    first = save_figure(ax.figure, tmp_path / "new" / "σ² = 0.1", table)
    assert [path.name for path in first] == ["σ² = 0.1.pdf", "σ² = 0.1.png", "σ² = 0.1.csv"]
    contents = [path.read_bytes() for path in first]
    assert contents[0].startswith(b"%PDF")
    assert contents[1].startswith(b"\x89PNG")
    again = save_figure(ax.figure, tmp_path / "new" / "σ² = 0.1", table)
    assert [path.read_bytes() for path in again] == contents


def test_what_is_no_figure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="needs a matplotlib Figure, received NoneType"):
        save_figure(None, tmp_path / "f", Table.of("a", x=[1.0]))
