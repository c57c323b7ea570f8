"""What a collector says of itself, and when it is believed."""

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from phasegrok.runs.live import (
    LIVE,
    STALE_SECONDS,
    Live,
    forget_live,
    read_live,
    write_live,
)
from phasegrok.runs.processes import process_birth

NOW = 1.7e9


@pytest.fixture
def live() -> Live:
    return Live(
        process=os.getpid(),
        birth=process_birth(os.getpid()),
        host=socket.gethostname(),
        updated=NOW,
        runs=10,
        runs_done=4,
        running=2,
        gradients=1000.0,
        gradients_done=600.0,
        gradients_before=100.0,
        seconds=50.0,
    )


def test_what_is_written_is_read(tmp_path: Path, live: Live) -> None:
    write_live(tmp_path, live)
    assert read_live(tmp_path, now=NOW) == live
    forget_live(tmp_path)
    assert read_live(tmp_path, now=NOW) is None
    forget_live(tmp_path)


def test_the_time_left_follows_from_what_was_done_in_this_call(live: Live) -> None:
    assert live.rate == 10.0
    assert live.seconds_left == 40.0
    assert dataclasses.replace(live, gradients_done=100.0).seconds_left is None
    assert dataclasses.replace(live, gradients_done=1100.0).seconds_left == 0.0


@pytest.mark.parametrize("shift", [-1e9, 0.0, 1e9])
def test_clocks_that_jump_do_not_hide_a_process_of_this_machine(
    tmp_path: Path, live: Live, shift: float
) -> None:
    write_live(tmp_path, live)
    assert read_live(tmp_path, now=NOW + shift) == live


def test_a_process_that_is_gone_collects_no_more(tmp_path: Path, live: Live) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    write_live(tmp_path, dataclasses.replace(live, process=process.pid))
    assert read_live(tmp_path, now=NOW) is None


def test_another_process_of_the_same_number_is_not_taken_for_it(
    tmp_path: Path, live: Live
) -> None:
    assert live.birth is not None
    write_live(tmp_path, dataclasses.replace(live, birth=live.birth - 1))
    assert read_live(tmp_path, now=NOW) is None


def test_a_killed_process_is_gone_before_its_parent_looks(tmp_path: Path, live: Live) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = dataclasses.replace(live, process=process.pid, birth=process_birth(process.pid))
        write_live(tmp_path, child)
        assert read_live(tmp_path, now=NOW) == child
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert read_live(tmp_path, now=NOW) is None


def test_births_are_in_order() -> None:
    mine = process_birth(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        later = process_birth(child.pid)
        child.communicate(b"\n")
    assert mine is not None
    assert later is not None
    assert mine <= later
    assert process_birth(2**22 + 1) is None


@pytest.mark.parametrize(
    ("age", "believed"),
    [(0.0, True), (0.9 * STALE_SECONDS, True), (1.1 * STALE_SECONDS, False)],
)
def test_of_another_machine_the_last_word_is_believed_for_a_while(
    tmp_path: Path, live: Live, age: float, believed: bool
) -> None:
    elsewhere = dataclasses.replace(live, host="elsewhere", process=1, birth=None)
    write_live(tmp_path, elsewhere)
    for now in (NOW + age, NOW - age):
        assert (read_live(tmp_path, now=now) == elsewhere) is believed


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"process": "one"}', b"\xff"])
def test_what_cannot_be_read_is_no_collector(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LIVE).write_bytes(content)
    assert read_live(tmp_path, now=NOW) is None


def test_nowhere_to_write_is_no_reason_to_stop(tmp_path: Path, live: Live) -> None:
    write_live(tmp_path / "missing", live)
    (tmp_path / LIVE).mkdir()
    write_live(tmp_path, live)
    forget_live(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LIVE]
