"""A figure on disk: PDF, PNG and, beside them, the numbers that are drawn."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike, NDArray

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.plotting.style import style
from phasegrok.runs.disk import write_over, write_together

__all__ = ["Table", "save_figure"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """The numbers of a figure, one row for each thing drawn.

    Parameters
    ----------
    columns : mapping of str to (row,) array
        Numbers or words. The column ``series`` tells the parts of a figure apart; a part has
        NaN where a column means nothing to it.
    """

    columns: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        """Refuse columns of unequal length.

        Raises
        ------
        InvalidValueError
            With the lengths.
        """
        lengths = {name: np.shape(values) for name, values in self.columns.items()}
        if len(set(lengths.values())) > 1 or any(len(shape) != 1 for shape in lengths.values()):
            raise InvalidValueError(
                f"the columns of a table need one length, received shapes {lengths}."
            )

    @classmethod
    def of(cls, series: str, **columns: ArrayLike) -> Self:
        """Make the part of a table that holds one series."""
        arrays = {name: np.atleast_1d(np.asarray(values)) for name, values in columns.items()}
        count = len(next(iter(arrays.values())))
        return cls(columns={"series": np.full(count, series, dtype=object), **arrays})

    @classmethod
    def joined(cls, parts: Iterable["Table"]) -> Self:
        """Stack parts; a column that a part lacks is NaN there."""
        listed = list(parts)
        names = dict.fromkeys(name for part in listed for name in part.columns)
        return cls(
            columns={
                name: np.concatenate(
                    [part.columns.get(name, np.full(len(part), np.nan)) for part in listed]
                )
                for name in names
            }
        )

    def __len__(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One column.

        Raises
        ------
        InvalidValueError
            For a name that is not there.
        """
        if name not in self.columns:
            raise InvalidValueError(
                f"the table has no column {name!r}." + did_you_mean(name, self.columns)
            )
        return self.columns[name]

    def where(self, **values: object) -> "Table":
        """Rows in which each named column has the given value."""
        keep = np.ones(len(self), dtype=np.bool_)
        for name, value in values.items():
            keep &= self[name] == value
        return Table(columns={name: column[keep] for name, column in self.columns.items()})

    def distinct(self, name: str) -> list[Any]:
        """Values of a column, each once, in the order of their first rows."""
        return list(dict.fromkeys(self[name].tolist()))

    def write(self, path: Path) -> Path:
        """Write a CSV file; floats keep all their digits, and NaN is an empty cell."""
        write_over(path, self.content())
        return path

    def content(self) -> bytes:
        """What `write` stores."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(self.columns)
        for row in zip(*(column.tolist() for column in self.columns.values()), strict=True):
            writer.writerow(["" if value != value else value for value in row])
        return text.getvalue().encode()


def save_figure(
    figure: Figure | SubFigure | None, path: str | Path, table: Table
) -> Sequence[Path]:
    """Write a figure as PDF and PNG, and its numbers as CSV.

    Parameters
    ----------
    figure : Figure
        For an ``ax`` that a function returned, ``ax.figure``.
    path : path
        Without suffix; missing folders are made.
    table : Table
        What is drawn.

    Returns
    -------
    sequence of Path
        The PDF, the PNG and the CSV file.

    Raises
    ------
    InvalidValueError
        For an axes that lies on no figure.
    StorageError
        If the disk is full or the folder cannot be written; older files stay.
    """
    if not isinstance(figure, Figure):
        raise InvalidValueError(
            f"saving needs a matplotlib Figure, received {type(figure).__name__}; give "
            "ax.figure of an axes that lies on one."
        )
    path = Path(path)
    pdf, png = io.BytesIO(), io.BytesIO()
    with style():
        # Without a date the same numbers make the same file.
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
        figure.savefig(png, format="png")
    files = {"pdf": pdf.getvalue(), "png": png.getvalue(), "csv": table.content()}
    named = {f"{path.name}.{kind}": content for kind, content in files.items()}
    write_together(path.parent, named)
    return [path.with_name(name) for name in named]
