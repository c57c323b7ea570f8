"""What collecting costs beside the bare training loop: time, disk, memory, and their growth.

1. The bare loop makes the steps of a batch and nothing else; the collector's batch records,
   watches, keeps checkpoints and writes a shard. They take turns on the same runs in one
   process, so that a slow moment of the machine hits both. Asked: 3 % at most.
2. A whole collection by one worker beside that bare loop, with starting, timing and planning.
3. Bytes in the folder over bytes of the numbers. Asked: 1.2 at most.
4. Seconds for a run and a step, and peak memory of the worker and the coordinator, from 64 to
   10,000 runs. Asked: flat, and bounded by the batch.

    python benchmarks/collecting.py            # some ten minutes, on a quiet machine
    python benchmarks/collecting.py --tiny     # seconds: does it still run?
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from phasegrok.collect.execution import Setup, Stored, run_batch
from phasegrok.dynamics import build_run
from phasegrok.dynamics.batch import build_batch
from phasegrok.runs import open_runs
from phasegrok.study import Energy, Plan, Recording, Study, part, requested_runs


class Size(NamedTuple):
    """How much is done."""

    batch_runs: int
    batch_steps: int
    rounds: int
    whole_runs: int
    whole_steps: int
    counts: tuple[int, ...]
    flat_steps: int


FULL = Size(16, 8000, 7, 128, 8000, (64, 640, 10_000), 1000)
TINY = Size(4, 200, 1, 8, 200, (8, 64), 20)


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


def bare_loop(description: Study) -> Callable[[], float]:
    """Make the steps of all runs and nothing else; the seconds of the loop alone."""
    requests = requested_runs(description)

    def once() -> float:
        runs = [build_run(description, each) for each in requests]
        batch = build_batch(description, runs, torch.device("cpu"))
        batch.integrator.begin(batch.state, batch.system, batch.drive.settings)
        begin = time.perf_counter()
        for _ in range(description.recording.steps):
            batch.advance()
        return time.perf_counter() - begin

    return once


def collected_batch(description: Study, room: Path) -> Callable[[], float]:
    """A batch as a worker carries it out, with a checkpoint every five seconds."""
    requests = requested_runs(description)

    def once() -> float:
        with tempfile.TemporaryDirectory(dir=room) as folder:
            setup = Setup(description, Path(folder), checkpoint_seconds=5.0)
            begin = time.perf_counter()
            if not isinstance(run_batch(setup, requests), Stored):
                raise RuntimeError("the batch was not stored")
            return time.perf_counter() - begin

    return once


def batch_overhead(size: Size, room: Path) -> float:
    """Median over rounds of the ratio of both."""
    description = large(size.batch_runs, size.batch_steps)
    bare, whole = bare_loop(description), collected_batch(description, room)
    ratios = []
    for number in range(size.rounds):
        # Which goes first changes from round to round.
        if number % 2:
            second, first = bare(), whole()
            ratios.append(first / second)
        else:
            first, second = whole(), bare()
            ratios.append(first / second)
    shown = ", ".join(f"{ratio:.3f}" for ratio in sorted(ratios))
    print(f"   ratios: {shown}; the bare loop took {second:.1f} s")
    return statistics.median(ratios)


class Measured(NamedTuple):
    """A collection in a process of its own."""

    seconds: float
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
    return Measured(seconds, peaks.get(process.pid, 0), max(workers, default=0))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true")
    tiny = parser.parse_args().tiny
    size = TINY if tiny else FULL
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        print("1. a batch beside the bare loop")
        print(f"   median {batch_overhead(size, room):.3f} (asked: at most 1.03)", flush=True)

        print("2. a whole collection beside the bare loop")
        description = large(size.whole_runs, size.whole_steps)
        few, some = min(size.whole_runs, 64), size.whole_steps // 4
        batch = bare_loop(large(few, some))
        before = batch()
        whole = measured(description, room / "whole")
        share = few * some / (size.whole_runs * size.whole_steps)
        bare = (before + batch()) / 2 / share
        print(
            f"   {whole.seconds:.1f} s, the bare loop {bare:.1f} s: {whole.seconds / bare:.3f}"
        )

        print("3. bytes on disk over bytes of the numbers (asked: at most 1.2)")
        ratio = disk_ratio(room / "whole")
        print(f"   {ratio:.3f} for runs of {size.whole_steps // 100} records", flush=True)

        print("4. from few runs to many: microseconds for a run and a step, peak memory in MB")
        start = measured(small(2, 1), room / "start").seconds
        print(f"   {'runs':>6} {'us':>8} {'worker':>8} {'coordinator':>12} {'disk ratio':>11}")
        for count in size.counts:
            found = measured(small(count, size.flat_steps), room / str(count))
            cost = 1e6 * (found.seconds - start) / (count * size.flat_steps)
            memory = f"{found.worker_bytes / 1e6:8.0f} {found.coordinator_bytes / 1e6:12.0f}"
            print(
                f"   {count:6} {cost:8.2f} {memory} {disk_ratio(room / str(count)):11.3f}",
                flush=True,
            )
        print(f"   starting and timing took {start:.1f} s, which is left out")


if __name__ == "__main__":
    main()
