"""Worker processes: each carries out batches with one thread, and ends with its coordinator."""

import math
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, BinaryIO, final

from phasegrok.collect.execution import Setup, run_batch
from phasegrok.collect.executor import (
    Advanced,
    Died,
    Ended,
    Executor,
    Hung,
    InProcess,
    Measured,
    Message,
    Noted,
)
from phasegrok.collect.speed import (
    DEFAULT_SPEED,
    Group,
    Speed,
    measured_speeds,
    single_thread,
)
from phasegrok.dynamics import Progress
from phasegrok.errors import PhasegrokError
from phasegrok.study import RunRequest

__all__ = ["Processes", "make_executor", "serve"]

REPORT_SECONDS = 0.2
"""A worker says no more often how far its batch is."""

STOP_SECONDS = 5.0
"""What a worker is given to end before it is killed."""

STARTS_WITHOUT_SUCCESS = 3
"""So many processes that end before they are ready, while no other speaks, are enough."""

KILLED_STARTS_WITHOUT_SUCCESS = 12
"""As many where a signal ended them: it came from outside, and may not come again."""

READY_SECONDS = 300.0
"""What a process may take to load its modules, on a slow disk perhaps."""

PROBE_GRACE = 30.0
"""Seconds that a probe may take besides the time limit of a run."""

PROBE = 0
"""Number of a worker that measures speeds; batches are counted from 1."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from phasegrok.collect.workers import serve; serve()"
)


class _Worker:
    """One process and what it works on."""

    def __init__(
        self,
        setup: Setup,
        inbox: "queue.SimpleQueue[tuple[_Worker, Any]]",
        *,
        inherited: tuple[int, ...],
    ) -> None:
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        # A fresh interpreter, not multiprocessing: that would run the user's script again.
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            pass_fds=inherited,
            start_new_session=True,  # Ctrl-C is for the coordinator alone.
        )
        self.number: int | None = None
        self.ready = False
        self.patience = math.inf
        self.heard = time.monotonic()
        self._inbox = inbox
        self.send(setup)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def allowance(self) -> float:
        """Seconds without a sign after which it has hung."""
        # No run is to blame for what starting takes.
        return self.patience if self.ready else max(self.patience, READY_SECONDS)

    def send(self, value: object) -> None:
        """Send an object; a process that is gone is noticed by its listener."""
        stream = self.process.stdin
        if stream is not None:
            with suppress(OSError):
                pickle.dump(value, stream)
                stream.flush()

    def end(self) -> None:
        """Close the input of the process, at which it ends; kill it if it does not."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listener.join()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _listen(self) -> None:
        stream = self.process.stdout
        while stream is not None:
            try:
                self._inbox.put((self, pickle.load(stream)))
            except (EOFError, OSError, pickle.UnpicklingError, ValueError):
                break
        self._inbox.put((self, None))


@final
class Processes:
    """Carries out batches in processes of their own.

    Parameters
    ----------
    setup : Setup
        Study, folder and device.
    count : int
        Most processes at once; each is started when there is a batch for it.
    """

    def __init__(self, setup: Setup, count: int, *, inherited: tuple[int, ...] = ()) -> None:
        self._setup, self._inherited = setup, inherited
        self._inbox: queue.SimpleQueue[tuple[_Worker, Any]] = queue.SimpleQueue()
        self._count = count
        self._starts = 0
        self._workers: list[_Worker] = []

    @property
    def process_ids(self) -> list[int]:
        """Identifiers of the processes."""
        return [worker.process.pid for worker in self._workers]

    def measure(self, samples: list[Group]) -> list[Speed]:
        """Give the speed of each group, timed in a process."""
        worker = self._free_worker()
        worker.number = PROBE
        # A run that hangs does so in the probe as well; collecting finds out which it is.
        worker.patience = self._setup.run_seconds + PROBE_GRACE
        worker.heard = time.monotonic()
        worker.send(samples)
        message = self.receive()
        # What kills a worker belongs to its run; collecting finds out which.
        return (
            message.speeds if isinstance(message, Measured) else [DEFAULT_SPEED] * len(samples)
        )

    def has_room(self) -> bool:
        """Tell whether a process has nothing to do, or another may be started."""
        idle = any(worker.number is None for worker in self._workers)
        return idle or len(self._workers) < self._count

    def start(
        self, number: int, requests: Sequence[RunRequest], *, patience: float = math.inf
    ) -> None:
        """Hand a batch to a process that has nothing to do."""
        worker = self._free_worker()
        worker.number = number
        worker.patience, worker.heard = patience, time.monotonic()
        worker.send((number, tuple(requests)))

    def receive(self) -> Message:
        """Wait for the next message of a process, and replace one that died.

        Returns
        -------
        Message
            Progress, end or death of a batch.

        Raises
        ------
        PhasegrokError
            If processes end again and again before they are ready.
        """
        result: Message | None = None
        while result is None:
            try:
                worker, message = self._inbox.get(timeout=self._seconds_of_patience())
            except queue.Empty:
                result = self._hung()
            else:
                result = self._understood(worker, message)
        return result

    def _understood(self, worker: _Worker, message: Any) -> Message | None:
        """What a process said; None where it is of no interest."""
        if worker not in self._workers:
            return None
        worker.heard = time.monotonic()
        if message is None:
            number = self._replace(worker)
            died = _death(worker.process)
            return None if number is None else Died(number, died, began=worker.ready)
        self._starts = 0
        if isinstance(message, Advanced | Noted):
            return message
        if isinstance(message, Ended | Measured):
            worker.number = None
            return message
        worker.ready = True
        return None

    def close(self) -> None:
        """End all processes; what they were writing is set aside at the next start."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()

    def _seconds_of_patience(self) -> float | None:
        """Until the first process has been silent for too long; None where none can be."""
        busy = [each for each in self._workers if each.number is not None]
        left = min((each.heard + each.allowance for each in busy), default=math.inf)
        return None if math.isinf(left) else max(left - time.monotonic(), 0.0)

    def _hung(self) -> Hung | None:
        """Kill a process that has been silent for too long."""
        for worker in self._workers:
            silence = time.monotonic() - worker.heard
            if worker.number is not None and silence >= worker.allowance:
                number = worker.number
                worker.process.kill()
                self._replace(worker)
                return Hung(number, f"no step ended within {worker.allowance:.3g} s")
        return None

    def _free_worker(self) -> _Worker:
        for worker in self._workers:
            if worker.number is None:
                return worker
        self._workers.append(_Worker(self._setup, self._inbox, inherited=self._inherited))
        return self._workers[-1]

    def _replace(self, worker: _Worker) -> int | None:
        worker.end()
        if not worker.ready:
            self._starts += 1
            is_killed = (worker.process.returncode or 0) < 0
            most = KILLED_STARTS_WITHOUT_SUCCESS if is_killed else STARTS_WITHOUT_SUCCESS
            if self._starts >= most:
                raise PhasegrokError(
                    "worker processes must start, and the last "
                    f"{self._starts} ended before: {_death(worker.process)}. Their message "
                    "stands above; try workers=0 to run in this process."
                )
        self._workers.remove(worker)
        return worker.number


def make_executor(setup: Setup, workers: int, *, inherited: tuple[int, ...] = ()) -> Executor:
    """Choose what carries out the batches.

    Parameters
    ----------
    setup : Setup
        Study, folder and device.
    workers : int
        Number of processes, or 0 for this process.
    inherited : tuple of int
        Descriptors that the processes hold too, such as that of the lock of the folder: where
        this process is killed, no other begins before they have noticed.

    Returns
    -------
    Executor
        To be closed in the end.
    """
    return Processes(setup, workers, inherited=inherited) if workers else InProcess(setup)


def serve() -> None:
    """Carry out batches that come by standard input until it ends; never returns."""
    stream, commands = _streams()
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(commands, jobs), daemon=True).start()
    setup: Setup = jobs.get()
    pickle.dump("ready", stream)
    stream.flush()
    # A coordinator that is gone is told by the thread that reads, which ends this process.
    with single_thread(), suppress(BrokenPipeError):
        while True:
            pickle.dump(_served(setup, jobs.get(), stream), stream)
            stream.flush()
    os._exit(0)


def _served(setup: Setup, job: Any, stream: BinaryIO) -> Message:
    if isinstance(job, list):
        return Measured(measured_speeds(setup.study, job, device=setup.device))
    number, requests = job
    last = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last > REPORT_SECONDS:
            last = time.monotonic()
            fraction = progress.steps_done / max(progress.steps_total, 1)
            pickle.dump(Advanced(number, fraction), stream)
            stream.flush()

    def note(text: str) -> None:
        pickle.dump(Noted(number, text), stream)
        stream.flush()

    result = run_batch(setup, requests, report=report, note=note)
    return Ended(number, result)


def _streams() -> tuple[BinaryIO, BinaryIO]:
    # What a user's part prints must not land between the messages.
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return messages, os.fdopen(os.dup(0), "rb")


def _read(commands: BinaryIO, jobs: "queue.SimpleQueue[Any]") -> None:
    try:
        while True:
            jobs.put(pickle.load(commands))
    except EOFError:
        # The coordinator is done, or was killed: nobody waits for this batch any more.
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _death(process: "subprocess.Popen[bytes]") -> str:
    code = process.returncode
    if code is not None and code < 0:
        signal = "SIGKILL, as when memory runs out" if code == -9 else f"signal {-code}"
        return f"the worker process was ended by {signal}"
    return f"the worker process ended with exit code {code}"
