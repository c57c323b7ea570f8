"""Progress: a bar on a terminal, plain lines in a log, silence where it is asked for."""

import io
import sys

import pytest

from phasegrok.collect.progress import Bar, Lines, Quiet, make_reporter, readable_time


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 31.0, 40.0, 100.0])
    monkeypatch.setattr("phasegrok.collect.progress.time.monotonic", lambda: next(clock))
    reporter = make_reporter(1000, 10, progress=True)
    assert isinstance(reporter, Lines)
    reporter.update(100.0, 1)
    reporter.update(310.0, 3)
    reporter.update(320.0, 3)
    reporter.update(1000.0, 10)
    reporter.note("a run failed")
    reporter.close()
    assert capsys.readouterr().err.splitlines() == [
        "phasegrok: 3 of 10 runs, 10 gradients/s, 69 s left",
        "phasegrok: 10 of 10 runs, 10 gradients/s",
        "phasegrok: a run failed",
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    reporter = make_reporter(1000, 10, progress=True)
    assert isinstance(reporter, Bar)
    reporter.update(500.0, 5)
    reporter.note("a run failed")
    reporter.update(400.0, 5)  # A batch was lost.
    reporter.update(1000.0, 10)
    reporter.close()
    last = screen.getvalue().splitlines()[-1].split("\r")[-1]
    assert "100%" in last
    assert "1.00k/1.00k" in last
    assert "gradients/s" in last
    assert "10/10 runs" in last
    assert "a run failed" in screen.getvalue()


def test_silence_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = make_reporter(1000, 10, progress=False)
    assert isinstance(reporter, Quiet)
    reporter.update(500.0, 5)
    reporter.note("a run failed")
    reporter.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (89.0, "89 s"), (600.0, "10 min"), (7200.0, "2.0 h")]
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert readable_time(seconds) == text
