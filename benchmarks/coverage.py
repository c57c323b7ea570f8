"""How often intervals hold the exact value: every estimator on systems whose answer is known.

Every experiment is repeated with new draws; the rows of its estimators are stored in
``data/coverage.csv`` as soon as it is done, and rows that are there are not made again. The
table that is printed marks what lies outside the band of a binomial law.

    python benchmarks/coverage.py            # all that is missing, two at a time
    python benchmarks/coverage.py --fresh    # from nothing, some 15 minutes
    python benchmarks/coverage.py --tiny     # one experiment of each kind, nothing written
"""

import argparse
import csv
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import covered_disorder
import covered_inference
import covered_kinetics
import covered_series
import covered_transitions
from coverage_rows import Experiment, Row, band, outside, read, row_of
from known_shortfalls import KNOWN_SHORTFALLS

TABLE: Final = Path(__file__).parents[1] / "data" / "coverage.csv"
WORKERS: Final = 2
KINDS: Final = (
    covered_series,
    covered_disorder,
    covered_transitions,
    covered_kinetics,
    covered_inference,
)
EXPERIMENTS: Final[dict[str, Experiment]] = {
    each.key: each for each in chain.from_iterable(kind.experiments() for kind in KINDS)
}
"""By what is estimated from what."""

DEAREST: Final = (covered_inference, covered_transitions)
# Begun first, so that no worker is left with a long one at the end.


def made(key: str, repetitions: int | None = None) -> list[Row]:
    """Repeat one experiment and count; seconds are those of one core."""
    experiment = EXPERIMENTS[key]
    begun = time.process_time()
    readings = read(experiment, repetitions or experiment.repetitions)
    seconds = time.process_time() - begun
    return [
        row_of(experiment, name, each, seconds)
        for name, each in zip(experiment.estimators, readings, strict=True)
    ]


def stored(path: Path = TABLE) -> list[Row]:
    """Rows of the table, none without one."""
    if not path.exists():
        return []
    types = Row.__annotations__
    with path.open(newline="") as file:
        return [
            Row(**{name: types[name](text) for name, text in line.items()})
            for line in csv.DictReader(file)
        ]


def store(rows: Iterable[Row]) -> None:
    """Write the whole table in order, beside the old one first."""
    order = [place for each in EXPERIMENTS.values() for place in places(each)]
    placed = sorted(rows, key=lambda row: order.index((row.estimator, row.input)))
    TABLE.parent.mkdir(exist_ok=True)
    aside = TABLE.with_suffix(".writing")
    with aside.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(placed)
    aside.replace(TABLE)


def places(experiment: Experiment) -> list[tuple[str, str]]:
    """Estimator and input of each row of an experiment."""
    return [(name, experiment.input) for name in experiment.estimators]


def missing(rows: Sequence[Row]) -> list[str]:
    """Experiments some row of which is not there, the dearest first."""
    there = {(row.estimator, row.input) for row in rows}
    keys = [key for key, each in EXPERIMENTS.items() if not there.issuperset(places(each))]
    dear = {each.key for kind in DEAREST for each in kind.experiments()}
    return sorted(keys, key=lambda key: key not in dear)


def completed(keys: Sequence[str]) -> Iterator[list[Row]]:
    """Rows of experiments as they are done, two at a time."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(made, key) for key in keys]
        for done in as_completed(waiting):
            yield done.result()


def show(rows: Sequence[Row]) -> None:
    """Print the shares beside their bands, and what is known of those outside."""
    print(f"{'estimator':42s} {'input':60s} {'n':>5s}  68 %   95 %   mean  sd of pull   bias")
    for row in rows:
        counted = max(row.intervals, 1)
        mark = "*" if outside(row) else " "
        print(
            f"{row.estimator:42s} {row.input:60s} {row.intervals:5d}"
            f" {row.inside_68 / counted:.3f}  {row.inside_95 / counted:.3f}{mark}"
            f" {row.pull_mean:+.3f} {row.pull_deviation:.3f}  {row.relative_bias:+.4f}"
        )
    for row in filter(outside, rows):
        reason = KNOWN_SHORTFALLS.get((row.estimator, row.input), "NOT EXPLAINED")
        bounds = [band(level, row.intervals) for level in (row.level_68, row.level_95)]
        print(
            f"* {row.estimator}, {row.input}: {row.inside_68} and {row.inside_95} of "
            f"{row.intervals}, not in {bounds[0]} and {bounds[1]}: {reason}"
        )


def main() -> None:
    """Make what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="make every experiment again")
    parser.add_argument("--tiny", action="store_true", help="a few, nothing written")
    arguments = parser.parse_args()
    if arguments.tiny:
        first = [next(iter(kind.experiments())).key for kind in KINDS]
        show([row for key in first for row in made(key, 4)])
        return
    rows = [] if arguments.fresh else stored()
    wanted = missing(rows)
    for number, more in enumerate(completed(wanted), start=1):
        again = {(row.estimator, row.input) for row in more}
        rows = [row for row in rows if (row.estimator, row.input) not in again] + more
        store(rows)
        print(f"{number} of {len(wanted)}: {more[0].estimator}, {more[0].input}", flush=True)
    show(stored())


if __name__ == "__main__":
    main()
