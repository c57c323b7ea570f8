"""Numbers as text: a value with its error, counts, durations, names of controls."""

from collections.abc import Mapping
from math import floor, isfinite, log10
from typing import Any, Final

__all__ = [
    "beside",
    "control_text",
    "count_text",
    "duration",
    "estimate",
    "fixed",
    "percent",
    "rows_table",
    "significant",
    "words_table",
]

_SYMBOLS: Final = {
    "noise_variance": "σ²",
    "temperature": "T",
    "example_count": "n",
    "width": "N",
}


def estimate(value: float, error: float) -> str:
    """Write a value with its standard error, both to the error's second digit."""
    if not isfinite(value):
        return "–"
    if not isfinite(error) or error <= 0.0:
        return significant(value)
    digits = max(0, 1 - floor(log10(error)))
    return f"{_signed(value, digits)} ± {error:.{digits}f}"


def beside(value: float, error: float) -> str:
    """Write a number to as many decimals as `estimate` writes one with this error."""
    if not isfinite(value) or not isfinite(error) or error <= 0.0:
        return significant(value)
    return _signed(value, max(0, 1 - floor(log10(error))))


def significant(value: float, digits: int = 3) -> str:
    """Write a number to some significant digits."""
    if not isfinite(value):
        return "–"
    return f"{value:.{digits}g}".replace("-", "−")


def fixed(value: float, form: str) -> str:
    """Write a number in a given format, such as ``.2f``."""
    return f"{value:{form}}".replace("-", "−") if isfinite(value) else "–"


def percent(fraction: float) -> str:
    """Write a fraction as a signed percentage."""
    return f"{100.0 * fraction:+.1f} %".replace("-", "−")


def duration(seconds: float) -> str:
    """Write a duration in the unit that suits it."""
    if seconds < 100.0:
        return f"{seconds:.1f} s"
    minutes = seconds / 60.0
    return f"{minutes:.1f} min" if minutes < 100.0 else f"{minutes / 60.0:.1f} h"


def control_text(controls: Mapping[str, Any]) -> str:
    """Write the place of a point in control space, as plain text."""
    return ", ".join(
        f"{_SYMBOLS.get(name, name.replace('_', ' '))} = {_plain(value)}"
        for name, value in controls.items()
    )


def count_text(count: int, noun: str) -> str:
    """Write a count with its noun in the singular or the plural."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def rows_table(head: list[str], rows: list[list[str]]) -> str:
    """Make an HTML table of numbers, as wide as it needs; the cells are HTML already."""
    return f'<div class="wide"><table>{_rows(head, rows)}</table></div>'


def words_table(head: list[str], rows: list[list[str]]) -> str:
    """Make an HTML table of words, whose lines wrap; the cells are HTML already."""
    return f'<table class="words">{_rows(head, rows)}</table>'


def _cells(row: list[str]) -> str:
    return "".join(f"<td>{cell}</td>" for cell in row)


def _rows(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{_cells(row)}</tr>\n" for row in rows)
    return f"<thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody>"


def _plain(value: Any) -> str:
    return significant(float(value), 4) if isinstance(value, int | float) else str(value)


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
