"""How long a verdict takes, and how much memory.

Five sizes, twelve controls and four chains of 1,000 and of 10,000 records: 4,000 and 40,000
samples a point. One process; emcee is most of it where chains are short, counting where they
are long.

    python benchmarks/verdict_speed.py          # as quoted in the documentation, about a minute
    python benchmarks/verdict_speed.py --tiny   # seconds: does it still run?
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import xarray as xr

from phasegrok import exact
from phasegrok.verdict import order_of_transition

SIZES: Final = (64, 128, 256, 512, 1024)
CONTROLS: Final = 12
CHAINS: Final = 4
LENGTHS: Final = (1_000, 10_000)
LIMITS: Final = {1_000: 30.0, 10_000: 60.0}


def two_phases(records: int) -> xr.Dataset:
    """First-order: two Gaussian phases."""
    return exact.concatenated(
        [
            exact.gaussian_mixture(
                exact.GaussianMixture(),
                size=size,
                field=np.linspace(-8.0, 8.0, CONTROLS) / size,
                record_count=records,
                replica_count=CHAINS,
                seed=1,
            )
            for size in SIZES
        ]
    )


def critical(records: int) -> xr.Dataset:
    """Continuous: the Curie-Weiss model of Ising."""
    return exact.concatenated(
        [
            exact.curie_weiss_ising(
                size=size,
                inverse_temperature=1.0 + np.linspace(-2.5, 4.0, CONTROLS) * size**-0.5,
                record_count=records,
                replica_count=CHAINS,
                seed=1,
            )
            for size in SIZES
        ]
    )


def measure(
    name: str, build: Callable[[int], xr.Dataset], control: str, lengths: tuple[int, ...]
) -> None:
    """Judge one system at several lengths of its chains."""
    for records in lengths:
        samples = build(records)["order_parameter"]
        begun = time.perf_counter()
        verdict = order_of_transition(samples, control=control, size="size", dimension=None)
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
        asked = f"(asked {LIMITS[records]:.0f} s)" if records in LIMITS else ""
        print(
            f"{name:12s} {len(SIZES)} sizes x {CONTROLS} controls x {CHAINS * records:6d} "
            f"samples: {seconds:5.1f} s {asked}, process at most {peak:.0f} MB, samples "
            f"{samples.nbytes / 2**20:.0f} MB; {verdict.order}"
        )


def main() -> None:
    """Measure both systems."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="short chains, one system")
    lengths = (200,) if parser.parse_args().tiny else LENGTHS
    measure("two phases", two_phases, "field", lengths)
    if len(lengths) > 1:
        measure("critical", critical, "inverse_temperature", lengths)


if __name__ == "__main__":
    main()
