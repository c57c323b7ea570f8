"""What is said of errors of other people's code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegrok.errors import one_line, reason_of


@given(st.text())
def test_one_line_can_be_printed_and_stored(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert line.encode("utf-8").decode("utf-8") == line
    assert len(line) <= 2000
    assert one_line(line) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is: ½ λ", "as it is: ½ λ"),
        ("two\n\tlines ", "two lines"),
        ("a\x00b", "a\\x00b"),
        ("caf\udce9", "caf\\udce9"),
        ("\x1b[31mred", "\\x1b[31mred"),
        (3000 * "x", 1996 * "x" + " ..."),
    ],
)
def test_what_cannot_be_printed_is_written_as_in_source(text: str, line: str) -> None:
    assert one_line(text) == line


class UntoldError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


def caught(error: Exception) -> Exception:
    try:
        raise error
    except Exception as raised:
        return raised


def test_a_reason_names_the_place() -> None:
    told = reason_of(caught(ValueError("first\nsecond")))
    assert told.startswith("ValueError: first second (test_errors.py, line ")
    assert reason_of(caught(ValueError("a")), with_place=False) == "ValueError: a"
    long = reason_of(caught(ValueError(5000 * "x")))
    assert "x ... (test_errors.py, line " in long


def test_an_error_that_cannot_tell_itself() -> None:
    told = reason_of(caught(UntoldError()))
    assert told.startswith("UntoldError: (its message cannot be written) (test_errors.py")
