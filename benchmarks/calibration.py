"""How often verdicts are right: small studies of systems whose answer is known.

Every study is drawn, judged by its order parameter alone and, where there is one, with its
energy, and becomes a row of ``data/verdicts.csv`` as soon as it is done; rows that are there
are not made again. The table that is printed counts what was named and what was not.

    python benchmarks/calibration.py            # all that is missing, two at a time
    python benchmarks/calibration.py --fresh    # from nothing, about half an hour
    python benchmarks/calibration.py --tiny     # two studies, nothing written
"""

import argparse
import csv
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from known_systems import SYSTEMS, System
from scipy.stats import binomtest

from phasegrok.verdict import order_of_transition

TABLE: Final = Path(__file__).parents[1] / "data" / "verdicts.csv"
WORKERS: Final = 2
ANSWERS: Final = ("first-order", "continuous", "crossover", "undetermined")

STUDIES: Final = {
    "Potts q=10": 6,
    "Potts q=9": 6,
    "Potts q=8": 6,
    "Potts q=6": 6,
    "Potts q=5": 6,
    "Potts q=4": 6,
    "Potts q=3": 6,
    "Ising (Potts q=2)": 6,
    "Ising, not equilibrated": 12,
    "mean-field Potts q=3": 14,
    "mean-field Potts q=4": 12,
    "mean-field Ising": 20,
    "two phases": 14,
    "two phases, spread transition points": 14,
    "two phases that merge": 16,
    "two phases that merge while barriers grow": 12,
    "Ising below its transition, not folded": 4,
    "Curie-Weiss below its transition, chains stuck": 8,
    "deep linear chain, two layers": 6,
    "deep linear chain, three layers": 6,
    "wide linear network, t = 0.02": 6,
    "wide linear network, t = 0.055": 6,
    "wide linear network, t = 0.10": 6,
    "wide linear network of two layers, t = 0.02": 6,
    "driven well": 16,
    "driven skewed well": 16,
}
"""How many studies of each system."""

FIRST_SEED: Final = 100
"""Seeds below are not counted: they were looked at while priors and checks were chosen."""


class Row(NamedTuple):
    """One verdict."""

    system: str
    seed: int
    energy: bool
    order: str
    first_order: float
    continuous: float
    crossover: float
    undetermined: float
    usable_sizes: int
    seconds: float


def judged(name: str, seed: int) -> list[Row]:
    """Draw one study and judge it, alone and with its energy."""
    system = SYSTEMS[name]
    samples = system.build(seed)
    rows = []
    for with_energy in (False, True)[: 1 + system.with_energy]:
        begun = time.perf_counter()
        verdict = order_of_transition(
            samples["order_parameter"],
            control=system.control,
            size=system.size,
            dimension=system.dimension,
            energy=samples["energy"] if with_energy else None,
            seed=seed,
        )
        rows.append(
            Row(
                name,
                seed,
                with_energy,
                verdict.order,
                round(verdict.probabilities["first-order"], 4),
                round(verdict.probabilities["continuous"], 4),
                round(verdict.probabilities["crossover"], 4),
                round(verdict.probabilities["undetermined"], 4),
                verdict.table.sizes["size"],
                round(time.perf_counter() - begun, 1),
            )
        )
    return rows


def stored() -> list[Row]:
    """Rows of the table, none without one."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return [
            Row(
                line["system"],
                int(line["seed"]),
                line["energy"] == "True",
                line["order"],
                float(line["first_order"]),
                float(line["continuous"]),
                float(line["crossover"]),
                float(line["undetermined"]),
                int(line["usable_sizes"]),
                float(line["seconds"]),
            )
            for line in csv.DictReader(file)
        ]


def store(rows: Iterable[Row]) -> None:
    """Write the whole table in order, beside the old one first."""
    order = list(STUDIES)
    placed = sorted(rows, key=lambda row: (order.index(row.system), row.seed, row.energy))
    TABLE.parent.mkdir(exist_ok=True)
    aside = TABLE.with_suffix(".writing")
    with aside.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(placed)
    aside.replace(TABLE)


def made(studies: Sequence[tuple[str, int]]) -> Iterator[list[Row]]:
    """Rows of some studies as they are done, two at a time."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(judged, name, seed) for name, seed in studies]
        for done in as_completed(waiting):
            yield done.result()


def share(count: int, total: int) -> str:
    """Share with its exact 95 % interval (Clopper and Pearson, Biometrika 26, 404, 1934)."""
    if total == 0:
        return "-"
    interval = binomtest(count, total).proportion_ci(0.95)
    return f"{count}/{total} = {count / total:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def show(rows: Sequence[Row]) -> None:
    """Print a line for each system, and the rates of error over all of them."""
    print(f"{'system':44s} energy studies   F   C   X   U  wrong  mean P of F, C, X, U")
    for name, system in SYSTEMS.items():
        for with_energy in (False, True):
            some = [row for row in rows if (row.system, row.energy) == (name, with_energy)]
            if some:
                show_system(system, some)
    for with_energy in (False, True):
        show_rates([row for row in rows if row.energy == with_energy], with_energy)


def show_system(system: System, rows: Sequence[Row]) -> None:
    """Print the line of one system."""
    named = [sum(row.order == answer for row in rows) for answer in ANSWERS]
    wrong = sum(row.order in system.false for row in rows)
    shares = [
        (row.first_order, row.continuous, row.crossover, row.undetermined) for row in rows
    ]
    means = [sum(column) / len(rows) for column in zip(*shares, strict=True)]
    print(
        f"{system.name:44s} {'yes' if rows[0].energy else 'no':6s} {len(rows):5d}  "
        + "".join(f"{count:4d}" for count in named)
        + f"{wrong:6d}   "
        + " ".join(f"{value:.3f}" for value in means)
    )


def show_rates(rows: Sequence[Row], with_energy: bool) -> None:
    """Print how often a wrong answer was named and how often a right one was missed."""
    print("with the energy" if with_energy else "by the order parameter alone")
    for answer in ANSWERS[:3]:
        false = [row for row in rows if answer in SYSTEMS[row.system].false]
        true = [row for row in rows if answer in SYSTEMS[row.system].true]
        print(
            f"  {answer} named where it is false: "
            + share(sum(row.order == answer for row in false), len(false))
        )
        print(
            f"  {answer} not named where it is true: "
            + share(sum(row.order != answer for row in true), len(true))
        )
    sure = [row for row in rows if row.order != "undetermined"]
    wrong = sum(row.order in SYSTEMS[row.system].false for row in sure)
    print("  wrong among the answers named: " + share(wrong, len(sure)))


def main() -> None:
    """Make what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="make every study again")
    parser.add_argument("--tiny", action="store_true", help="two studies, nothing written")
    arguments = parser.parse_args()
    if arguments.tiny:
        show([row for name in ("two phases", "driven well") for row in judged(name, 0)])
        return
    rows = [] if arguments.fresh else stored()
    there = {(row.system, row.seed) for row in rows}
    wanted = [
        (name, FIRST_SEED + index) for name, count in STUDIES.items() for index in range(count)
    ]
    missing = [study for study in wanted if study not in there]
    for number, more in enumerate(made(missing), start=1):
        rows += more
        store(rows)
        print(f"{number} of {len(missing)}: {more[-1].system}, {more[-1].order}", flush=True)
    show(rows)


if __name__ == "__main__":
    main()
