"""Progress: a bar on a terminal, plain lines in a log, silence where it is asked for."""

import io
import os
import re
import sys
from pathlib import Path

import pytest

from phasegrok.collect.progress import (
    Bar,
    Lines,
    Quiet,
    Standing,
    TellingStatus,
    Totals,
    make_reporter,
)
from phasegrok.runs.durations import readable_time
from phasegrok.runs.live import LIVE, read_live

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 31.0, 40.0, 100.0])
    monkeypatch.setattr("phasegrok.collect.progress.time.monotonic", lambda: next(clock))
    reporter = make_reporter(Totals(1000, 10), progress=True)
    assert isinstance(reporter, Lines)
    reporter.update(Standing(100.0, 1))
    reporter.update(Standing(310.0, 3))
    reporter.update(Standing(320.0, 3))
    reporter.update(Standing(1000.0, 10))
    reporter.note("a run failed")
    reporter.close()
    lines = capsys.readouterr().err.splitlines()
    assert all(MOMENT.match(line) for line in lines)
    assert [MOMENT.sub("", line) for line in lines] == [
        "phasegrok: 3 of 10 runs, 10 gradients/s, 69 s left",
        "phasegrok: 10 of 10 runs, 10 gradients/s",
        "phasegrok: a run failed",
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    reporter = make_reporter(Totals(1000, 10), progress=True)
    assert isinstance(reporter, Bar)
    reporter.update(Standing(500.0, 5))
    reporter.note("a run failed")
    reporter.update(Standing(400.0, 5))  # A batch was lost.
    reporter.update(Standing(1000.0, 10))
    reporter.close()
    last = screen.getvalue().splitlines()[-1].split("\r")[-1]
    assert "100%" in last
    assert "1.00k/1.00k" in last
    assert "gradients/s" in last
    assert "10/10 runs" in last
    assert "a run failed" in screen.getvalue()


def test_silence_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = make_reporter(Totals(1000, 10), progress=False)
    assert isinstance(reporter, Quiet)
    reporter.update(Standing(500.0, 5))
    reporter.note("a run failed")
    reporter.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (89.0, "89 s"), (600.0, "10 min"), (7200.0, "2.0 h")]
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert readable_time(seconds) == text


def test_gradients_before_a_checkpoint_are_no_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 40.0])
    monkeypatch.setattr("phasegrok.collect.progress.time.monotonic", lambda: next(clock))
    reporter = make_reporter(Totals(1000, 10, before=600.0), progress=True)
    reporter.update(Standing(800.0, 0))
    assert "0 of 10 runs, 5 gradients/s, 40 s left" in capsys.readouterr().err


def test_what_status_shows_is_written_now_and_then_and_goes_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.5, 1.0, 4.0])
    monkeypatch.setattr("phasegrok.collect.progress.time.monotonic", lambda: next(clock))
    reporter = TellingStatus(Quiet(), tmp_path, Totals(1000, 10, before=600.0))
    reporter.update(Standing(600.0, 0, running=4))
    reporter.update(Standing(700.0, 1, running=4))  # Too soon.
    first = read_live(tmp_path, now=0.0)
    reporter.update(Standing(800.0, 2, running=3))
    second = read_live(tmp_path, now=0.0)
    assert first is not None
    assert second is not None
    assert (first.runs_done, first.rate, first.seconds_left) == (0, 0.0, None)
    assert (second.process, second.runs, second.runs_done) == (os.getpid(), 10, 2)
    assert (second.running, second.seconds) == (3, 4.0)
    assert (second.rate, second.seconds_left) == (50.0, 4.0)
    reporter.close()
    assert not (tmp_path / LIVE).exists()
