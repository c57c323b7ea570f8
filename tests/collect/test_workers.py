"""Worker processes: they answer, they are replaced, and they end with their coordinator."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from phasegrok.collect.execution import Setup, Stored
from phasegrok.collect.executor import Advanced, Died, Ended, Hung, InProcess
from phasegrok.collect.workers import PROGRAM, Processes, make_executor
from phasegrok.errors import PhasegrokError
from phasegrok.study import Plan, Study, requested_runs

StudyMaker = Callable[..., Study]

COORDINATOR = """
import sys, time
from pathlib import Path
from phasegrok.collect.execution import Setup
from phasegrok.collect.workers import Processes
from phasegrok.study import read_study, requested_runs

study = read_study(sys.argv[1])
processes = Processes(Setup(study, Path(sys.argv[2]), "cpu"), 1)
processes.start(1, requested_runs(study))
processes.receive()  # It works.
print(processes.process_ids[0], flush=True)
time.sleep(600)
"""

# Records become rare: what ends the worker is not a report that nobody reads.
STUDY = """
name = "endless"
seed = 1
task = { kind = "cubic_teacher", input_size = 3, example_count = 4, cubic = 0.1 }
network = { kind = "two_layer", width = 2 }
dynamics = { kind = "langevin", step_size = 1e-3 }
recording = { steps = 100000000, spacing = "logarithmic", count = 8 }
"""


def is_alive(process_id: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process_id, 0)
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").split()[2]
        return state != "Z"
    return False


def test_a_worker_answers_though_parts_print_and_is_replaced_when_killed(
    make_study: StudyMaker, troublesome: Path, tmp_path: Path
) -> None:
    del troublesome
    study = make_study(plan=Plan(), trouble={"cubic": -0.3, "what": "print"})
    with closing(Processes(Setup(study, tmp_path, "cpu"), 1)) as processes:
        processes.start(1, requested_runs(study))
        assert not processes.has_room()
        message = processes.receive()
        while isinstance(message, Advanced):
            message = processes.receive()
        assert isinstance(message, Ended)
        assert isinstance(message.result, Stored)
        assert message.number == 1
        assert message.result.outcomes == {"finished": 1}
        assert processes.has_room()

        processes.start(2, requested_runs(study))
        (process_id,) = processes.process_ids
        os.kill(process_id, signal.SIGKILL)
        assert processes.receive() == Died(
            2, "the worker process was ended by SIGKILL, as when memory runs out"
        )
        assert processes.process_ids == []
        assert processes.has_room()


def test_workers_end_when_their_coordinator_is_killed(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    coordinator = subprocess.Popen(
        [sys.executable, "-c", COORDINATOR, tmp_path / "study.toml", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
    )
    with coordinator:
        if coordinator.stdout is None:
            pytest.fail("no output was asked for")
        worker = int(coordinator.stdout.readline())
        assert is_alive(worker)
        coordinator.kill()
    deadline = time.monotonic() + 4.0
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(worker)


def test_workers_that_cannot_start_are_told_of(
    make_study: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(plan=Plan())
    monkeypatch.setattr("phasegrok.collect.workers.PROGRAM", "raise SystemExit(7)")
    with closing(Processes(Setup(study, tmp_path, "cpu"), 1)) as processes:
        for _ in range(2):
            processes.start(1, requested_runs(study))
            reason = "the worker process ended with exit code 7"
            assert processes.receive() == Died(1, reason, began=False)
        processes.start(1, requested_runs(study))
        with pytest.raises(PhasegrokError, match=r"last 3 ended before: .*exit code 7"):
            processes.receive()


def test_workers_that_are_killed_at_their_start_are_started_more_often(
    make_study: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "phasegrok.collect.workers.PROGRAM", "import os; os.kill(os.getpid(), 9)"
    )
    requests = requested_runs(make_study(plan=Plan()))
    with closing(Processes(Setup(make_study(plan=Plan()), tmp_path, "cpu"), 1)) as processes:
        for _ in range(11):
            processes.start(1, requests)
            message = processes.receive()
            assert isinstance(message, Died)
            assert not message.began
        processes.start(1, requests)
        with pytest.raises(PhasegrokError, match=r"last 12 ended before: .*SIGKILL"):
            processes.receive()


def test_no_workers_means_this_process(make_study: StudyMaker, tmp_path: Path) -> None:
    study = make_study(plan=Plan())
    executor = make_executor(Setup(study, tmp_path, "cpu"), 0)
    assert isinstance(executor, InProcess)
    executor.start(5, requested_runs(study))
    assert not executor.has_room()
    message = executor.receive()
    assert isinstance(message, Ended)
    assert isinstance(message.result, Stored)
    assert message.result.path.parent == tmp_path


@pytest.mark.usefixtures("troublesome")
def test_a_process_that_gives_no_sign_is_killed_and_another_goes_on(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    hanging = make_study(plan=Plan(), trouble={"cubic": -0.3, "what": "hang"})
    with closing(Processes(Setup(hanging, tmp_path, "cpu"), 1)) as processes:
        begin = time.monotonic()
        processes.start(4, requested_runs(hanging), patience=5.0)
        (before,) = processes.process_ids
        assert processes.receive() == Hung(4, "no step ended within 5 s")
        assert 5.0 <= time.monotonic() - begin < 9.0
        assert not is_alive(before)
        assert processes.has_room()
        # Signs of other processes do not count for it, nor does its own count for ever.
        assert processes.process_ids == []


def test_a_process_that_gives_signs_is_not_killed(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    long = make_study(plan=Plan(), steps=20_000)
    with closing(Processes(Setup(long, tmp_path, "cpu"), 1)) as processes:
        processes.start(4, requested_runs(long), patience=6.0)
        message = processes.receive()
        while isinstance(message, Advanced):
            message = processes.receive()
        assert isinstance(message, Ended)
        assert isinstance(message.result, Stored)


def test_a_process_that_takes_long_to_start_has_not_hung(
    make_study: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "import time; time.sleep(5.0); " + PROGRAM
    monkeypatch.setattr("phasegrok.collect.workers.PROGRAM", slow)
    study = make_study(plan=Plan())
    with closing(Processes(Setup(study, tmp_path, "cpu"), 1)) as processes:
        processes.start(1, requested_runs(study), patience=4.0)
        message = processes.receive()
        while isinstance(message, Advanced):
            message = processes.receive()
    assert isinstance(message, Ended), message


def test_a_process_that_never_starts_has_hung(
    make_study: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phasegrok.collect.workers.PROGRAM", "import time; time.sleep(600)")
    monkeypatch.setattr("phasegrok.collect.workers.READY_SECONDS", 1.0)
    study = make_study(plan=Plan())
    with closing(Processes(Setup(study, tmp_path, "cpu"), 1)) as processes:
        processes.start(1, requested_runs(study), patience=0.5)
        assert processes.receive() == Hung(1, "no step ended within 1 s")
