"""Seconds and memory of opening studies of ten thousand runs, on one core.

Studies are written as a collector leaves them: about 30 coordinates, ten variables of 200
records, shards of 64 runs; then the bad cases, shards of 8 runs, and networks of several widths
with resolved variables. Before each opening the files are dropped from the page cache where the
system allows it. Times are medians over several calls: seconds of the processor, by which the
bounds are judged, since others may use the machine; and seconds of the clock, disk included.

    python benchmarks/opening.py            # as quoted in the documentation, minutes
    python benchmarks/opening.py --single   # besides: ten thousand shards of one run
    python benchmarks/opening.py --tiny     # seconds: does it still run, at the same bounds?
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import xarray as xr

from phasegrok import open_runs, open_tree
from phasegrok.runs import (
    StudyFolder,
    attribute_text,
    consolidate,
    grid_view,
    pooled,
    provenance,
    write_shard,
)
from phasegrok.study import (
    Energy,
    Plan,
    Recording,
    RunRequest,
    Study,
    identity,
    part,
    plain_study,
    requested_runs,
)

LAYERS: Final = ("first", "second", "third", "fourth", "readout")
OBSERVABLES: Final = ("test_loss", "accuracy", "overlap_mean", "gradient_norm")
OPENING, GRID = 2.0, 1.0
"""Seconds asked for."""


class Case(NamedTuple):
    """A study of some size, in shards of some size."""

    name: str
    temperatures: int
    widths: tuple[int, ...]
    disorders: int
    replicas: int
    shard: int
    records: int
    resolved: bool = False


CASES: Final = (
    Case("shards of 64", 25, (44, 88), 10, 20, 64, 200),
    Case("shards of 8", 25, (44, 88), 10, 20, 8, 200),
    Case("three widths, resolved", 25, (16, 24, 32), 7, 19, 64, 40, True),
)
SINGLE: Final = (Case("shards of 1", 25, (44, 88), 10, 20, 1, 200),)
TINY: Final = (
    Case("shards of 64", 4, (44, 88), 5, 16, 64, 20),
    Case("three widths, resolved", 4, (16, 24, 32), 3, 8, 8, 5, True),
)


def study(case: Case) -> Study:
    """A study of Langevin runs along temperature and width."""
    grid: dict[str, Any] = {
        "temperature": {"from": 0.1, "to": 0.3, "count": case.temperatures},
        "width": list(case.widths),
    }
    return Study(
        name=f"ten thousand runs in {case.name}",
        seed=1,
        task=part(
            "cubic_teacher", input_size=53, example_count=375, cubic=-0.3, test_count=1000
        ),
        network=part("two_layer", width=88, activation="erf"),
        dynamics=part("langevin", step_size=1e-5),
        energy=Energy(temperature=0.2, weight_decay="prior"),
        recording=Recording(
            steps=100 * case.records,
            every=100,
            start=100,
            observables=[part(each) for each in OBSERVABLES],
        ),
        plan=Plan(grid=grid, disorders=case.disorders, replicas=case.replicas),
    )


def shards(case: Case) -> Iterator[list[RunRequest]]:
    """Runs as a collector puts them into shards: networks of one width together."""
    requests = requested_runs(study(case))
    for width in case.widths:
        ours = [each for each in requests if each.controls["width"] == width]
        yield from (ours[low : low + case.shard] for low in range(0, len(ours), case.shard))


def coordinates(case: Case, runs: list[RunRequest]) -> dict[str, Any]:
    """About thirty coordinates, as the training loop gives them."""
    count = len(runs)
    temperature = np.array([each.controls["temperature"] for each in runs])

    def text(word: str) -> Any:
        return np.full(count, word, dtype=object)

    columns: dict[str, Any] = {
        "run_id": np.array([each.run_id for each in runs], dtype=object),
        "disorder": np.array([each.disorder for each in runs]),
        "replica": np.array([each.replica for each in runs]),
        "start": text("prior"),
        "direction": text("none"),
        "rate": np.zeros(count),
        "integrator": text("langevin"),
        "physical_kinetics": np.ones(count, dtype=np.int8),
        "outcome": text("finished"),
        "outcome_reason": text(""),
        "record_count": np.full(count, case.records),
        "temperature": temperature,
        "example_count": np.full(count, 375),
        "width": np.array([each.controls["width"] for each in runs]),
        "noise_variance": temperature * 375,
    }
    for layer in LAYERS:
        columns[f"weight_decay_{layer}"] = temperature / 0.5
        columns[f"prior_variance_{layer}"] = np.full(count, 0.5)
    columns |= {f"option_{number}": np.full(count, number / 3) for number in range(3)}
    steps = 100 * (1 + np.arange(case.records))
    return {
        **{name: ("run", values) for name, values in columns.items()},
        "step": ("record", steps),
        "time": ("record", steps * 1e-5),
    }


def dataset(case: Case, runs: list[RunRequest], attribute: dict[str, Any]) -> xr.Dataset:
    """Runs of one shard, with noise for numbers."""
    generator = np.random.default_rng(int(runs[0].run_id, 16))
    about = {"units": "1", "long_name": "noise", "symmetry": "none"}
    names = ("loss", *(f"half_square_norm_{layer}" for layer in LAYERS), *OBSERVABLES)
    dims, shape = ("run", "record"), (len(runs), case.records)
    variables: dict[str, Any] = {n: (dims, generator.normal(size=shape), about) for n in names}
    if case.resolved:
        overlap = generator.normal(size=(*shape, int(runs[0].controls["width"])))
        variables["overlap"] = ((*dims, "neuron"), overlap.astype(np.float32), about)
    told = {
        **attribute,
        "provenance": {**attribute["provenance"], "seconds": generator.random()},
    }
    text = {"phasegrok": attribute_text(told)}
    return xr.Dataset(variables, coordinates(case, runs), text)


def write(case: Case, folder: Path) -> int:
    """Write a study; give the number of its shards."""
    described = study(case)
    StudyFolder.create(folder, described)
    attribute = {
        "study": plain_study(described),
        "identity": identity(described),
        "provenance": provenance(),
    }
    written = [write_shard(folder, dataset(case, runs, attribute)) for runs in shards(case)]
    return len(written)


def forget(folder: Path) -> None:
    """Drop files from the page cache, where the system can."""
    if hasattr(os, "posix_fadvise"):
        for path in folder.iterdir():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


class Times(NamedTuple):
    """Seconds of several calls."""

    processor: list[float]
    clock: list[float]


def timed(work: Callable[[], Any], folder: Path, rounds: int) -> Times:
    """Time several calls, each on files that were dropped from memory."""
    times = Times([], [])
    for _ in range(rounds):
        forget(folder)
        begun = time.process_time(), time.perf_counter()
        work()
        times.processor.append(time.process_time() - begun[0])
        times.clock.append(time.perf_counter() - begun[1])
    return times


def row(name: str, times: Times, asked: float | None) -> bool:
    """Print a line of the table; tell whether the bound holds."""
    processor, clock = (statistics.median(each) for each in times)
    bound = f"{asked:7.1f}" if asked else "      -"
    kept = asked is None or processor < asked
    late = "" if kept else " TOO SLOW"
    print(f"  {name:34s} {processor:12.3f} {clock:8.3f} {bound}{late}")
    return kept


def measure(case: Case, folder: Path, rounds: int) -> bool:
    """Print the table of one study; tell whether its bounds hold."""
    begun = time.perf_counter()
    count = write(case, folder)
    wrote = time.perf_counter() - begun
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
    runs = open_runs(folder)
    described = f"{runs.sizes['run']} runs, {count} shards, {len(runs.coords)} coordinates"
    print(f"\n{case.name}: {described}, {size:.0f} MB, written in {wrote:.0f} s")
    print(f"  {'':34s} {'processor s':>12s} {'clock s':>8s} {'asked s':>7s}")
    kept = row("open_runs", timed(lambda: open_runs(folder), folder, rounds), OPENING)
    kept &= row("grid_view", timed(lambda: grid_view(runs), folder, rounds), GRID)
    row("loss, read in full", timed(lambda: open_runs(folder)["loss"].values, folder, 3), None)
    row(
        "the same from the grid", timed(lambda: grid_view(runs)["loss"].values, folder, 3), None
    )
    row("open_tree", timed(lambda: open_tree(folder), folder, rounds), None)
    if case.resolved:
        row("pooled, overlap", timed(lambda: pooled(folder, "overlap"), folder, rounds), None)
    target = folder.with_suffix(".h5")
    row("consolidate", timed(lambda: consolidate(folder, target), folder, 1), None)
    row("open_runs, consolidated", timed(lambda: open_runs(target), folder, rounds), OPENING)
    target.unlink()
    return kept


def main() -> None:
    """Print a table for each study, and fail where a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="small studies, two rounds")
    parser.add_argument("--single", action="store_true", help="add shards of one run")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cases = TINY if arguments.tiny else CASES + (SINGLE if arguments.single else ())
    rounds = 2 if arguments.tiny else arguments.rounds
    kept = True
    for case in cases:
        with tempfile.TemporaryDirectory() as scratch:
            kept &= measure(case, Path(scratch) / "study", rounds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"\nThe process held at most {peak:.0f} MB.")
    if not kept:
        sys.exit("A bound does not hold; see the table.")


if __name__ == "__main__":
    main()
