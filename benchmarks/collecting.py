"""What collecting costs beside the bare training loop: time, disk, memory, and their growth.

1. The bare loop makes the steps of a batch and nothing else; the collector's batch is built,
   records, watches, keeps checkpoints and writes a shard. They take turns on the same runs in
   one process, every hundred steps, so that a slow moment of the machine hits both. Asked: 3 %
   at most. Of it the losses and observables of a record, whose examples are three times as
   many as those of a step, are told apart: whoever trains measures them too.
2. What a whole collection by one worker takes besides its batches: starting processes, timing
   gradients, planning, ending.
3. Bytes in the folder over bytes of the numbers. Asked: 1.2 at most.
4. Microseconds for a run and a step within the batches, seconds besides, and peak memory of the
   worker and the coordinator, from 64 to 10,000 runs, which take turns too. Asked: flat, and
   bounded by the batch.

    python benchmarks/collecting.py            # some fifteen minutes
    python benchmarks/collecting.py --tiny     # seconds: does it still run?
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import h5py
import torch

from phasegrok.collect.execution import Setup, Stored, run_batch
from phasegrok.dynamics import Progress, build_run
from phasegrok.dynamics.batch import Batch, build_batch
from phasegrok.observables import build_observables
from phasegrok.runs import open_runs
from phasegrok.study import Energy, Plan, Recording, Study, part, requested_runs


class Size(NamedTuple):
    """How much is done."""

    batch_runs: int
    batch_steps: int
    rounds: int
    whole_runs: int
    whole_steps: int
    growing: tuple[tuple[int, int], ...]  # Runs, and steps of each.
    growing_rounds: int


FULL = Size(16, 8000, 3, 128, 4000, ((64, 20_000), (640, 4000), (10_000, 1000)), 3)
TINY = Size(4, 200, 1, 8, 200, ((8, 40), (64, 20)), 1)

TURN = 100
"""Steps after which the bare loop and the collector take turns."""


def study(runs: int, steps: int, *, inputs: int, width: int, examples: int) -> Study:
    """Langevin dynamics of many replicas, recorded every hundred steps or twenty times."""
    disorders = max(runs // 64, 1)
    return Study(
        name="what collecting costs",
        seed=1,
        task=part("cubic_teacher", input_size=inputs, example_count=examples, cubic=-0.3),
        network=part("two_layer", width=width),
        dynamics=part("langevin", step_size=1e-6),
        energy=Energy(temperature=0.2, weight_decay="prior"),
        recording=Recording(
            steps=steps,
            every=max(min(steps // 20, 100), 1),
            observables=[part("teacher_overlap"), part("test_loss")],
        ),
        plan=Plan(disorders=disorders, replicas=math.ceil(runs / disorders)),
    )


def large(runs: int, steps: int) -> Study:
    """The network of the documentation."""
    return study(runs, steps, inputs=53, width=88, examples=375)


def small(runs: int, steps: int) -> Study:
    """A network of which ten thousand are soon made."""
    return study(runs, steps, inputs=10, width=8, examples=40)


class BareLoop:
    """Makes the steps of all runs and nothing else, some at a time, and counts the seconds.

    What measuring takes, which any loop that is of use does too, is counted by itself.
    """

    def __init__(self, description: Study) -> None:
        self.description = description
        self.observables = build_observables(description.recording.observables)
        self.measuring = 0.0
        self.steps = 0
        self.seconds = 0.0
        self.besides = 0.0

    @cached_property
    def batch(self) -> Batch:
        """What is moved; made when it is first asked for."""
        begin = time.perf_counter()
        runs = [build_run(self.description, each) for each in requested_runs(self.description)]
        batch = build_batch(self.description, runs, torch.device("cpu"))
        batch.integrator.begin(batch.state, batch.system, batch.drive.settings)
        self.besides = time.perf_counter() - begin
        return batch

    def catch_up(self, progress: Progress) -> None:
        """Make the steps that the collector has made since the last turn."""
        ahead = progress.steps_done - self.steps
        if ahead < TURN and progress.steps_done < progress.steps_total:
            return
        batch = self.batch
        begin = time.perf_counter()
        for _ in range(ahead):
            batch.advance()
        self.steps = progress.steps_done
        now = time.perf_counter()
        self.seconds += now - begin
        batch.system.loss(batch.state.position)
        measurement = batch.measurement()
        for each in self.observables:
            each.measure(measurement)
        self.measuring += time.perf_counter() - now


class Ratios(NamedTuple):
    """Seconds of a batch as a worker carries it out over those of a bare loop."""

    of_steps: float
    of_steps_and_measurements: float
    seconds: float  # Of the steps.


def batch_overhead(description: Study, room: Path, *, is_first: bool) -> Ratios:
    """Compare a batch with the bare loop.

    Of two bare loops that take turns, that whose arrays lie in front is 5 % faster here.
    """
    bare = BareLoop(description)
    if is_first:
        _ = bare.batch
    with tempfile.TemporaryDirectory(dir=room) as folder:
        # A checkpoint every few seconds, of which the bare loop takes half.
        setup = Setup(description, Path(folder), checkpoint_seconds=10.0)
        begin = time.perf_counter()
        result = run_batch(setup, requested_runs(description), report=bare.catch_up)
        whole = time.perf_counter() - begin - bare.seconds - bare.measuring
    if not is_first:
        whole -= bare.besides
    if not isinstance(result, Stored):
        raise RuntimeError(f"the batch was not stored: {result}")
    measured = bare.seconds + bare.measuring
    return Ratios(whole / bare.seconds, whole / measured, bare.seconds)


class Measured(NamedTuple):
    """A collection in a process of its own."""

    seconds: float
    batches: float  # Seconds of its batches alone, as their shards tell.
    coordinator_bytes: int
    worker_bytes: int


def measured(description: Study, folder: Path) -> Measured:
    """Collect by one worker, and watch the memory of both processes."""
    source = (
        "import pickle, sys; from phasegrok.collect import collect; "
        "study, folder = pickle.load(sys.stdin.buffer); "
        "collect(study, folder, workers=1, progress=False)"
    )
    import pickle

    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE)
    peaks: dict[int, int] = {}
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    process.communicate(pickle.dumps((description, str(folder))))
    seconds = time.perf_counter() - begin
    watcher.join()
    if process.returncode:
        raise RuntimeError("the collection failed")
    workers = [peak for number, peak in peaks.items() if number != process.pid]
    batches = sum(
        json.loads(h5py.File(path).attrs["phasegrok"])["provenance"]["wall_seconds"]
        for path in folder.glob("shard-*.h5")
    )
    coordinator = peaks.get(process.pid, 0)
    return Measured(seconds, batches, coordinator, max(workers, default=0))


def _watch(process: "subprocess.Popen[bytes]", peaks: dict[int, int]) -> None:
    while process.poll() is None:
        with suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            for number in [process.pid, *map(int, children.split())]:
                peaks[number] = max(peaks.get(number, 0), _peak(number))
        time.sleep(0.05)


def _peak(process: int) -> int:
    """Largest resident memory so far, in bytes."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return 0


def disk_ratio(folder: Path) -> float:
    """Bytes in the folder over bytes of the numbers of its variables and axes."""
    runs = open_runs(folder)
    numbers = [each for each in runs.variables.values() if each.dtype != object]
    on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return on_disk / sum(each.nbytes for each in numbers)


def grow(size: Size, room: Path) -> None:
    """Print what few runs cost and what many do."""
    print(f"   {'runs':>6} {'us':>8} {'besides s':>10} {'worker':>8} {'coordinator':>12}")
    found: dict[int, list[Measured]] = {runs: [] for runs, _ in size.growing}
    for number in range(size.growing_rounds):
        for runs, steps in size.growing:
            folder = room / f"{runs}-{number}"
            found[runs].append(measured(small(runs, steps), folder))
    for runs, steps in size.growing:
        each = found[runs]
        cost = 1e6 * statistics.median(one.batches for one in each) / (runs * steps)
        left = statistics.median(one.seconds - one.batches for one in each)
        worker = max(one.worker_bytes for one in each) / 1e6
        coordinator = max(one.coordinator_bytes for one in each) / 1e6
        print(
            f"   {runs:6} {cost:8.2f} {left:10.1f} {worker:8.0f} {coordinator:12.0f}",
            flush=True,
        )


def beside_bare_loops(size: Size, room: Path) -> None:
    """Print what a batch takes over what its steps take, and its measurements."""
    description = large(size.batch_runs, size.batch_steps)
    found: dict[str, list[Ratios]] = {}
    for place in ("in front", "behind"):
        found[place] = [
            batch_overhead(description, room, is_first=place == "in front")
            for _ in range(size.rounds)
        ]
        shown = ", ".join(f"{each.of_steps:.3f}" for each in sorted(found[place]))
        seconds = statistics.median(each.seconds for each in found[place])
        print(f"   {shown} with the arrays of the bare loop {place}, of {seconds:.1f} s")
    for number, beside in enumerate(("steps alone", "steps and measurements")):
        medians = [statistics.median(each[number] for each in rows) for rows in found.values()]
        mean = statistics.geometric_mean(medians)
        print(f"   beside a loop of {beside}: {mean:.3f}, mean of the medians", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true")
    tiny = parser.parse_args().tiny
    size = TINY if tiny else FULL
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        print("1. a batch beside the bare loop")
        beside_bare_loops(size, room)

        print("2. a whole collection")
        whole = measured(large(size.whole_runs, size.whole_steps), room / "whole")
        besides = whole.seconds - whole.batches
        print(
            f"   {whole.seconds:.1f} s, of which batches {whole.batches:.1f} s; besides them "
            f"{besides:.1f} s"
        )

        print("3. bytes on disk over bytes of the numbers (asked: at most 1.2)")
        ratio = disk_ratio(room / "whole")
        print(f"   {ratio:.3f} for runs of {size.whole_steps // 100} records", flush=True)

        print("4. from few runs to many: medians of rounds in turns, peak memory in MB")
        grow(size, room)


if __name__ == "__main__":
    main()
