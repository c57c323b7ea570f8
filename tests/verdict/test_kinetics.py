"""What loops and lifetimes add to a verdict, on laws that are known."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from phasegrok.errors import InvalidValueError
from phasegrok.exact import FieldRamp, concatenated, driven_curie_weiss_ising
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions import lifetimes, loops
from phasegrok.transitions.hysteresis.loop_laws import CRITICAL, METASTABLE
from phasegrok.verdict import kinetics
from phasegrok.verdict.kinetics import lifetime_signature, loop_signature
from phasegrok.verdict.signatures import Signature

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
    assert "lifetimes of 5 sizes grow with a barrier" in found.grounds[0]
    assert found.doubts == ()


def test_lifetimes_that_grow_as_a_power_oppose() -> None:
    found = lifetime_signature(escape_table(lambda n: 0.01 * n**2), size="size", dimension=None)
    # Over a factor of three in the size a small barrier could hide in the power.
    assert 0.5 < found.opposes < 0.9
    wide = 20.0 * 2.0 ** np.arange(6)
    table = table_of(wide, 0.01 * wide**1.5, 300.0)
    found = lifetime_signature(table, size="size", dimension=None)
    assert found.opposes > 0.9
    assert found.supports < 0.05
    assert "grow as the power 1.5" in found.grounds[0]


def test_barriers_of_droplets_grow_as_the_area_of_an_interface() -> None:
    # In two dimensions an exponential of L, in three of L².
    table = escape_table(lambda extent: 5.0 * np.exp(extent**2 / 900.0))
    exact, heights = 60.0**2 / 900.0, {}
    for dimension in (2, 3):
        found = lifetime_signature(table, size="size", dimension=dimension)
        assert found.supports > 0.9
        told = found.grounds[0].split("a barrier of ")[1].split(")")[0]
        heights[dimension] = [float(each) for each in told.split("(")]
    assert abs(heights[3][0] - exact) < 3.0 * heights[3][1]
    # The extent itself is curved less, so more of it is needed.
    assert heights[2][0] - exact > 3.0 * heights[2][1]


def table_of(
    size: ArrayLike, value: ArrayLike, escapes: float | Sequence[float] = 100.0
) -> xr.Dataset:
    """A table of lifetimes as they were given, without noise."""
    columns = {"value": value, "effective_escapes": np.broadcast_to(escapes, np.shape(size))}
    return xr.Dataset(
        {name: ("point", np.asarray(each, dtype=float)) for name, each in columns.items()},
        coords={"size": ("point", np.asarray(size, dtype=float))},
    )


DOUBLED = (50.0, 100.0, 200.0, 400.0)


def judged(value: ArrayLike, escapes: float = 100.0) -> Signature:
    return lifetime_signature(table_of(DOUBLED, value, escapes), size="size", dimension=None)


@pytest.mark.parametrize("power", [-1.0, -0.5, 0.0, 1.0])
@pytest.mark.parametrize("barrier", [0.01, 0.02])
def test_a_prefactor_that_is_a_power_of_the_size_hides_no_barrier(
    barrier: float, power: float
) -> None:
    number = np.array(DOUBLED)
    found = judged(np.exp(barrier * number) * number**power, 30.0)
    assert found.supports > 0.5
    # Within errors of the mean of a prior that is wider than they are.
    height = float(found.grounds[0].split("a barrier of ")[1].split("(")[0])
    assert abs(height - 400.0 * barrier) < 1.5


@pytest.mark.parametrize(("barrier", "power"), [(0.005, 1.5), (0.003, 1.0)])
def test_a_barrier_that_a_prefactor_hides_is_not_opposed(barrier: float, power: float) -> None:
    number = np.array(DOUBLED)
    found = judged(np.exp(barrier * number) * number**power, 30.0)
    assert found.opposes < 0.7
    assert "do not decide whether a barrier grows" in found.doubts[0]


def test_lifetimes_that_do_not_grow_are_said_not_to() -> None:
    constant = judged(np.full(4, 7.0), 1000.0)
    assert constant.opposes > 0.8
    assert "do not grow with the size: as its power 0.0" in constant.grounds[0]
    falling = judged(np.array(DOUBLED) ** -1.0, 1000.0)
    assert falling.opposes > 0.8
    assert "do not grow with the size: they fall as its power -1.0" in falling.grounds[0]


def test_lifetimes_that_fit_neither_law_are_silent_and_say_so() -> None:
    found = judged(np.exp(-0.01 * np.array(DOUBLED)), 1000.0)
    assert (found.supports, found.opposes, found.grounds) == (0.0, 0.0, ())
    assert "the lifetimes say nothing: they follow neither" in found.doubts[0]
    assert "they do not grow with the size: they fall" in found.doubts[0]


def test_units_of_time_and_of_the_size_change_nothing() -> None:
    number = np.array(DOUBLED)
    value = np.exp(0.006 * number)
    expected = judged(value)
    for size, scaled in ((number, 1e9 * value), (1e-6 * number, value)):
        found = lifetime_signature(table_of(size, scaled), size="size", dimension=None)
        assert found.supports == pytest.approx(expected.supports, abs=1e-9)


def test_statements_of_lifetimes_are_calibrated() -> None:
    """Strong statements are wrong in a few of a hundred, with prefactors N^-1 to N^2."""
    generator = np.random.default_rng(11)
    number, wrong = np.array(DOUBLED), {"supports": 0, "opposes": 0}
    right = 0
    for trial in range(480):
        rise = 0.0 if trial % 2 else generator.uniform(0.5, 8.0)
        power, escapes = generator.uniform(-1.0, 2.0), int(generator.integers(30, 101))
        mean = np.exp(rise * number / 350.0) * number**power
        found = judged(generator.gamma(escapes, mean / escapes), float(escapes))
        if rise:
            wrong["opposes"] += found.opposes >= 0.9
            right += found.supports >= 0.9
        else:
            wrong["supports"] += found.supports >= 0.9
    # A rate of 2 % gives 4.8 in 240.
    assert max(wrong.values()) <= 5
    assert right > 120


def test_two_sizes_say_nothing() -> None:
    table = escape_table(lambda n: 5.0 * np.exp(0.1 * n)).isel(point=slice(2))
    found = lifetime_signature(table, size="size", dimension=None)
    assert (found.supports, found.opposes) == (0.0, 0.0)
    assert "3 sizes with escapes are needed to tell a law, received 2" in found.doubts[0]


def test_sizes_without_escapes_do_not_count_and_are_told() -> None:
    table = table_of(DOUBLED, [1.0, 2.0, 4.0, np.inf], [50.0, 50.0, 50.0, 0.0])
    found = lifetime_signature(table, size="size", dimension=None)
    assert "lifetimes of 3 sizes" in found.grounds[0]
    assert "of the lifetimes, 1 size without escapes was left out" in found.doubts[-1]
    fewer = lifetime_signature(table.isel(point=slice(1, 4)), size="size", dimension=None)
    assert "received 2" in fewer.doubts[0]


@pytest.mark.parametrize("close", [1.0, 1.0 + 1e-9])
def test_several_points_of_one_size_are_refused(close: float) -> None:
    table = table_of([50.0, 50.0 * close, 100.0, 100.0], [1.0, 2.0, 3.0, 3.3])
    with pytest.raises(
        InvalidValueError, match="one point a size, the one nearest to the tran"
    ):
        lifetime_signature(table, size="size", dimension=None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"value": ("point", [1.0, -2.0, 3.0, 4.0])}, "'value' to be positive and finite"),
        ({"value": ("point", [1.0, np.nan, 3.0, 4.0])}, "'value' to be positive and finite"),
        ({"effective_escapes": ("point", [1.0, -2.0, 3.0, 4.0])}, "to be zero or more"),
        ({"size": ("point", [1.0, np.nan, 3.0, 4.0])}, "'size' to be positive and finite"),
        ({"size": ("point", ["a", "b", "c", "d"])}, "an array of real numbers"),
    ],
)
def test_lifetimes_without_meaning_are_refused(changed: dict[str, Any], message: str) -> None:
    table = table_of(DOUBLED, [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(InvalidValueError, match=message):
        lifetime_signature(table.assign(changed), size="size", dimension=None)
    with pytest.raises(InvalidValueError, match="received an empty table"):
        lifetime_signature(table.isel(point=slice(0)), size="size", dimension=None)


def loop_table(width: Callable[[FloatArray, FloatArray], FloatArray]) -> xr.Dataset:
    """Widths at three sizes and three rates with errors of 1 % of the largest."""
    pair = np.meshgrid([50.0, 100.0, 200.0], [1e-3, 3e-3, 1e-2])
    size, rate = (each.ravel() for each in pair)
    values = width(size, rate)
    table = xr.Dataset(
        {
            "width": ("point", values),
            "width_error": ("point", np.full(9, 0.01 * np.abs(values).max() + 1e-9)),
            "status": ("point", np.zeros(9, dtype=int)),
        }
    )
    return table.assign_coords(size=("point", size), rate=("point", rate))


def test_loops_in_space_say_nothing() -> None:
    table = loop_table(lambda size, rate: rate + 0.0 * size)
    found = loop_signature(table, size="size", dimension=2, seed=1)
    assert (found.supports, found.opposes) == (0.0, 0.0)
    assert "for mean field alone" in found.doubts[0]


def test_loops_that_close_are_not_first_order() -> None:
    table = loop_table(lambda size, rate: rate**0.6 + 0.0 * size)
    table["status"][0] = 1
    found = loop_signature(table, size="size", dimension=None, seed=1)
    assert found.opposes > 0.5
    assert "8 loops of 3 sizes and 3 rates close as the power 0." in found.grounds[0]
    assert found.doubts[-1] == "of the loops, 1 loop without a width was left out"


def test_loops_that_stay_open_support() -> None:
    table = loop_table(lambda size, rate: 0.5 + rate ** (2 / 3) - 1.0 / size)
    found = loop_signature(table, size="size", dimension=None, seed=1)
    assert found.supports > 0.9
    assert "9 loops of 3 sizes and 3 rates leave a width of 0." in found.grounds[0]


@pytest.mark.parametrize(
    ("width", "message"),
    [
        (lambda size, rate: -(rate**0.6) + 0.0 * size, "a width is negative by 100.0 of its"),
        (lambda size, rate: 0.0 * (size + rate), "every width is zero"),
    ],
)
def test_what_is_no_loop_says_nothing(
    width: Callable[[FloatArray, FloatArray], FloatArray], message: str
) -> None:
    found = loop_signature(loop_table(width), size="size", dimension=None, seed=1)
    assert (found.supports, found.opposes, found.grounds) == (0.0, 0.0, ())
    assert message in found.doubts[0]


@pytest.mark.parametrize(("name", "what"), [("size", "sizes"), ("rate", "rates")])
def test_too_few_sizes_or_rates_of_loops_say_nothing(name: str, what: str) -> None:
    table = loop_table(lambda size, rate: 0.5 + rate + 0.0 * size)
    table = table.assign_coords({name: ("point", np.full(9, 0.1))})
    found = loop_signature(table, size="size", dimension=None, seed=1)
    assert (found.supports, found.opposes) == (0.0, 0.0)
    assert f"laws of loops ({what})" in found.doubts[0]
    assert "received 1" in found.doubts[0]


def laws_of_loops(probability: float, limit: float, error: float) -> xr.Dataset:
    """What a comparison gives, the law of metastable phases first."""
    values = {
        "probability": [probability, 1.0 - probability],
        "consistent": [True, True],
        "reliable": [1.0, 1.0],
        "scatter": [0.01, 0.01],
        "limit": [limit, np.nan],
        "limit_error": [error, np.nan],
        "exponent": [np.nan, 0.6],
        "exponent_error": [np.nan, 0.01],
    }
    return xr.Dataset(
        {name: ("model", each) for name, each in values.items()},
        coords={"model": [METASTABLE, CRITICAL]},
    )


@pytest.mark.parametrize(("limit", "stays"), [(0.4, True), (0.2, False)])
def test_a_width_within_its_errors_supports_nothing(
    limit: float, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        kinetics, "compare_loop_laws", lambda *_, **__: laws_of_loops(0.98, limit, 0.1)
    )
    table = loop_table(lambda size, rate: 0.5 + rate + 0.0 * size)
    found = loop_signature(table, size="size", dimension=None, seed=1)
    assert found.supports == pytest.approx(0.931 if stays else 0.0)
    assert found.opposes == pytest.approx(0.019)
    assert any("not above 3 errors" in each for each in found.doubts) != stays


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
