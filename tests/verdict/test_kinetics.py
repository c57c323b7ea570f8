"""What loops and lifetimes add to a verdict, on laws that are known."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from phasegrok.exact import FieldRamp, concatenated, driven_curie_weiss_ising
from phasegrok.transitions import lifetimes, loops
from phasegrok.verdict.kinetics import lifetime_signature, loop_signature

SIZES = (20.0, 30.0, 40.0, 50.0, 60.0)
ESCAPES = 600


def escape_table(lifetime: Callable[[float], float], seed: int = 3) -> xr.Dataset:
    """Lifetimes from exponential escapes that are dated exactly."""
    generator = np.random.default_rng(seed)
    rows = [generator.exponential(lifetime(size), ESCAPES) for size in SIZES]
    times: NDArray[np.float64] = np.concatenate(rows)
    count = times.size
    end = np.full((count, 2), [0.0, times.max()])
    labels = {
        "size": ("run", np.repeat(SIZES, ESCAPES)),
        "physical_kinetics": ("run", np.ones(count, dtype=int)),
        "outcome": ("run", ["finished"] * count),
        "record_count": ("run", np.full(count, 2)),
        "run_id": ("run", [str(number) for number in range(count)]),
        "step": (("run", "record"), end),
        "time": (("run", "record"), end),
    }
    bounds = {f"event_escape_{side}": ("run", times) for side in ("lower", "upper")}
    dataset = xr.Dataset(bounds, coords=labels)
    dataset["level"] = (("run", "record"), np.zeros((count, 2)))
    return lifetimes(dataset, event="escape")


def test_lifetimes_that_grow_exponentially_support() -> None:
    found = lifetime_signature(
        escape_table(lambda n: 5.0 * np.exp(0.1 * n)), size="size", dimension=None
    )
    assert found.supports > 0.9
    assert found.supports + found.opposes == pytest.approx(0.95)
    assert "lifetimes grow exponentially" in found.grounds[0]


def test_lifetimes_that_grow_as_a_power_oppose() -> None:
    found = lifetime_signature(escape_table(lambda n: 0.01 * n**2), size="size", dimension=None)
    assert found.opposes > 0.9
    assert found.supports < 0.05


def test_barriers_of_droplets_grow_as_the_area_of_an_interface() -> None:
    # In two dimensions an exponential of L, in three of L².
    table = escape_table(lambda extent: 5.0 * np.exp(extent**2 / 900.0))
    assert lifetime_signature(table, size="size", dimension=3).supports > 0.9
    assert lifetime_signature(table, size="size", dimension=2).supports < 0.5


def test_two_sizes_say_nothing() -> None:
    table = escape_table(lambda n: 5.0 * np.exp(0.1 * n)).isel(point=slice(2))
    found = lifetime_signature(table, size="size", dimension=None)
    assert (found.supports, found.opposes) == (0.0, 0.0)
    assert "three sizes are needed" in found.doubts[0]


def test_loops_in_space_say_nothing() -> None:
    found = loop_signature(xr.Dataset(), size="linear_extent", dimension=2, seed=1)
    assert (found.supports, found.opposes) == (0.0, 0.0)
    assert "for mean field alone" in found.doubts[0]


@pytest.mark.slow
@pytest.mark.parametrize(("beta", "supported"), [(1.5, True), (1.0, False)])
def test_loops_of_a_mean_field_magnet(beta: float, supported: bool) -> None:
    ramp = FieldRamp(lowest=-0.32, highest=0.32, rates=(1e-3, 3e-3, 1e-2), record_count=81)
    parts = [
        driven_curie_weiss_ising(
            size=size, inverse_temperature=beta, ramp=ramp, replica_count=24, seed=9
        )
        for size in (32, 96, 256)
    ]
    table = loops(concatenated(parts), control="field", variable="magnetization", level=0.0)
    found = loop_signature(table, size="size", dimension=None, seed=1)
    assert (found.supports > 0.9) == supported
    assert (found.opposes > 0.5) == (not supported)
