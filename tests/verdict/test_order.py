"""Verdicts on laws whose order is known, and samples that no verdict can be based on."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.exact import GaussianMixture, concatenated, gaussian_mixture
from phasegrok.verdict import Verdict, order, order_of_transition
from phasegrok.verdict.readings import Places, read_sizes

Draw = Callable[[float, float, int, np.random.Generator], NDArray[np.float64]]
"""Draws (record,) from size, control, number of records and a generator."""

Window = Callable[[float], tuple[float, float]]
"""Range of the control at a size."""


PLACES = Places(control="g", size="N", dimension=None)


def make_study(
    draw: Draw,
    window: Window,
    *,
    sizes: Sequence[float] = (50.0, 100.0, 200.0, 400.0),
    controls: int = 10,
    chains: int = 4,
    records: int = 600,
    seed: int = 1,
) -> xr.DataArray:
    """Samples (run, record) with the coordinates g and N."""
    generator = np.random.default_rng(seed)
    rows, places = [], []
    for size in sizes:
        for control in np.linspace(*window(size), controls):
            for _ in range(chains):
                rows.append(draw(size, float(control), records, generator))
                places.append((control, size))
    g, n = np.transpose(places)
    return xr.DataArray(
        np.stack(rows), dims=("run", "record"), coords={"g": ("run", g), "N": ("run", n)}
    )


def two_phases(
    size: float, control: float, records: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Phases at 0.2 and 1, of widths 1/√N, whose weights obey logit w = N 0.5 g."""
    weight = 1.0 / (1.0 + np.exp(-0.5 * size * control))
    upper = generator.random(records) < weight
    noise = generator.standard_normal(records) / np.sqrt(size)
    drawn: NDArray[np.float64] = np.where(upper, 1.0, 0.2) + noise
    return drawn


def shrinking_phases(
    size: float, control: float, records: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Two Gaussians whose distance and widths shrink as N^(-1/4): no jump survives."""
    scale = size**-0.25
    weight = 1.0 / (1.0 + np.exp(-(size**0.75) * control))
    upper = generator.random(records) < weight
    noise = 0.3 * generator.standard_normal(records)
    drawn: NDArray[np.float64] = scale * (np.where(upper, 1.0, 0.2) + noise)
    return drawn


def driven_well(
    size: float, control: float, records: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """One well that follows the control: p(x) ∝ exp(-N (x - tanh g)²/2)."""
    drawn: NDArray[np.float64] = generator.standard_normal(records) / np.sqrt(size)
    return drawn + float(np.tanh(control))


def judge(samples: xr.DataArray) -> Verdict:
    return order_of_transition(samples, control="g", size="N", dimension=None)


@pytest.fixture(scope="module")
def first_order() -> Verdict:
    return judge(make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size)))


def test_two_phases_of_fixed_distance_are_first_order(first_order: Verdict) -> None:
    assert first_order.order == "first-order"
    assert first_order.probabilities["first-order"] > 0.95
    assert sum(first_order.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
    assert set(first_order.probabilities) == {
        "first-order",
        "continuous",
        "crossover",
        "undetermined",
    }
    assert first_order.wanted == ""
    table = first_order.table
    # The weight's logistic slope: max d<m>/dg = N 0.5 Δ/4 and max Var = Δ²/4 + 1/N, Δ = 0.8.
    volume, slope = table["volume"].to_numpy(), np.exp(table["log_slope"].to_numpy())
    error = slope * table["log_slope_error"].to_numpy()
    np.testing.assert_array_less(np.abs(slope - 0.1 * volume), 4.0 * error)
    variance = np.exp(table["log_variance"].to_numpy())
    error = variance * table["log_variance_error"].to_numpy()
    np.testing.assert_array_less(np.abs(variance - 0.16 - 1.0 / volume), 4.0 * error + 1e-3)
    np.testing.assert_allclose(table["gap"][-1], 0.8, atol=0.02)
    np.testing.assert_allclose(table["transition"], 0.0, atol=1.0 / volume[0])


def test_an_empty_valley_bounds_the_barrier_from_below(first_order: Verdict) -> None:
    # ΔF = N (0.8)²/8 - ln 2 at equal weights and heights: 3.3, 7.3, 15.3 and 31.3.
    table = first_order.table
    exact = table["volume"].to_numpy() * 0.08 - np.log(2.0)
    bounded = table["barrier_bounded"].to_numpy() > 0.0
    np.testing.assert_array_equal(bounded, [False, False, True, True])
    barrier = table["barrier"].to_numpy()
    assert np.all(barrier[bounded] < exact[bounded])
    # Some 24,000 draws near the transition cannot show more than their logarithm.
    assert np.all(barrier[bounded] > 5.0)
    assert np.all(barrier[bounded] < np.log(24_000.0))
    assert any("at least" in each for each in first_order.grounds)


def test_a_verdict_reads_as_a_paragraph_and_survives_a_file(
    first_order: Verdict, tmp_path: Path
) -> None:
    text = str(first_order)
    assert text.startswith("As g is varied, the transition is first-order (first-order 1.000")
    assert "priors of barriers three times as wide" in text
    first_order.save(tmp_path / "verdict.nc")
    loaded = Verdict.load(tmp_path / "verdict.nc")
    assert str(loaded) == text
    xr.testing.assert_identical(loaded.table, first_order.table)
    xr.Dataset().to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(FormatError, match="holds no verdict"):
        Verdict.load(tmp_path / "other.nc")


def test_a_well_that_follows_the_control_is_a_crossover() -> None:
    verdict = judge(make_study(driven_well, lambda _: (-0.6, 0.6)))
    assert verdict.order == "crossover"


@pytest.mark.slow
def test_phases_that_merge_are_never_first_order() -> None:
    samples = make_study(shrinking_phases, lambda size: (-4.0 * size**-0.75, 4.0 * size**-0.75))
    verdict = judge(samples)
    assert verdict.order in ("continuous", "undetermined")
    assert verdict.probabilities["first-order"] < 0.05


def test_a_leap_between_controls_tells_nothing() -> None:
    verdict = judge(make_study(two_phases, lambda _: (-1.0, 1.1)))
    assert verdict.order == "undetermined"
    assert any("add controls between them" in each for each in verdict.against)
    assert verdict.wanted.startswith("Give at least 3 sizes")


def test_two_sizes_are_too_few() -> None:
    samples = make_study(
        two_phases, lambda size: (-8.0 / size, 8.0 / size), sizes=(50.0, 100.0)
    )
    verdict = judge(samples)
    assert verdict.probabilities["undetermined"] == 1.0
    assert verdict.against[0] == "2 usable sizes, 3 are needed"


@pytest.mark.slow
def test_a_seed_gives_the_same_verdict_again(first_order: Verdict) -> None:
    samples = make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size))
    again = judge(samples)
    xr.testing.assert_identical(again.table, first_order.table)


def flat(**changes: object) -> xr.DataArray:
    coords = {"g": ("run", [0.0, 1.0]), "N": ("run", [10.0, 10.0])} | changes
    return xr.DataArray(np.zeros((2, 20)), dims=("run", "record"), coords=coords)


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (flat(), {"control": "h"}, "no coordinate 'h' on 'run'"),
        (flat(N=("run", [10.0, -1.0])), {}, "sizes must be positive"),
        (flat(g=("run", ["a", "b"])), {}, "'g' must hold finite numbers"),
        (flat(), {"dimension": 0}, "dimension must be a whole number of at least 1"),
        (flat(), {"dimension": 2.0}, "dimension must be a whole number of at least 1"),
        (flat(), {"dimension": True}, "dimension must be a whole number of at least 1"),
        (flat().rename(record="time"), {}, "needs the dimensions"),
        (flat() * np.nan, {}, "holds values that are not finite"),
        (flat().astype(complex), {}, "must be an array of real numbers"),
    ],
)
def test_refuses_what_cannot_be_judged(
    samples: xr.DataArray, options: dict[str, object], message: str
) -> None:
    given = {"control": "g", "size": "N", "dimension": None} | options
    with pytest.raises(InvalidValueError, match=message):
        order_of_transition(samples, **given)  # type: ignore[arg-type]


def test_runs_that_failed_are_left_out_and_short_ones_refused() -> None:
    failed = flat(outcome=("run", ["failed", "diverged"]))
    with pytest.raises(InsufficientSamplesError):
        judge(failed)
    short = flat(record_count=("run", [3, 20]))
    with pytest.raises(InsufficientSamplesError, match="needs at least 8 samples, received 3"):
        judge(short)


def test_constants_are_undetermined() -> None:
    verdict = judge(flat().isel(run=[0, 1] * 6).assign_coords(g=("run", np.arange(12.0))))
    assert verdict.order == "undetermined"
    assert any("does not vary" in each for each in verdict.against)


def test_one_dimension_is_refused() -> None:
    samples = make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size), records=50)
    with pytest.raises(InvalidValueError, match="in one dimension no barrier grows"):
        order_of_transition(samples, control="g", size="N", dimension=1)


def test_nothing_is_named_from_beside_the_transition() -> None:
    # The upper phase has begun to appear at the end of the window.
    verdict = judge(make_study(two_phases, lambda size: (-18.0 / size, -2.0 / size)))
    assert verdict.order == "undetermined"
    assert any("at an end of the range" in each for each in verdict.against)
    assert verdict.wanted.startswith("Move the window")


def test_units_and_origin_of_the_order_parameter_change_nothing() -> None:
    samples = make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size))
    expected = read_sizes(samples, PLACES, seed=[1]).features
    for changed in (1e-15 * samples, samples + 1e8):
        found = read_sizes(changed, PLACES, seed=[1]).features
        scale = np.log(1e-15) if float(changed.max()) < 1e-9 else 0.0
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(other.values[0], one.values[0] + scale, atol=1e-3)
            np.testing.assert_allclose(other.values[1], one.values[1] + 2 * scale, atol=1e-3)
            np.testing.assert_allclose(other.values[2], one.values[2], atol=2e-2)


def by_disorder(count: int) -> xr.DataArray:
    """Two phases whose transition points spread by 0.5 N^(-1/2) over disorders."""
    law = GaussianMixture(transition_spread=lambda size: 0.5 * size**-0.5)
    parts = [
        gaussian_mixture(
            law,
            size=size,
            field=np.linspace(-1.6, 1.6, 30) * size**-0.5,
            record_count=200,
            disorder_count=count,
            seed=4,
        )
        for size in (50, 100, 200, 400)
    ]
    found: xr.DataArray = concatenated(parts)["order_parameter"]
    return found


def test_disorders_are_read_at_their_own_transition() -> None:
    verdict = order_of_transition(by_disorder(8), control="field", size="size", dimension=None)
    assert verdict.order == "first-order"
    assert any("each disorder was read at its own" in each for each in verdict.grounds)
    spread = verdict.table["transition_spread"].to_numpy()
    expected = 0.5 * verdict.table["volume"].to_numpy() ** -0.5
    # A standard deviation of eight numbers is known to 1/√14.
    assert np.all(np.abs(np.log(spread / expected)) < 4.0 / np.sqrt(14.0))


def test_a_few_disorders_are_refused() -> None:
    verdict = order_of_transition(by_disorder(3), control="field", size="size", dimension=None)
    assert verdict.order == "undetermined"
    assert any("3 disorders, 6 are needed" in each for each in verdict.against)


def with_energy(samples: xr.DataArray) -> xr.DataArray:
    """An energy that jumps where the order parameter does, with noise of its own."""
    noise = np.random.default_rng(8).standard_normal(samples.shape)
    width = 0.3 / np.sqrt(samples["N"].to_numpy())
    return samples.copy(data=-0.5 * samples.to_numpy() + width[:, None] * noise)


def test_an_energy_supports_what_the_order_parameter_says() -> None:
    samples = make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size))
    verdict = order_of_transition(
        samples, control="g", size="N", dimension=None, energy=with_energy(samples)
    )
    assert verdict.order == "first-order"
    assert any("latent heat" in each for each in verdict.grounds)
    assert float(verdict.table["energy_gap"][-1]) == pytest.approx(0.4, abs=0.02)
    assert "no latent heat" in verdict.table["energy_kind"]


@pytest.mark.slow
def test_an_energy_without_a_jump_contradicts_one() -> None:
    samples = make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size))
    smooth = make_study(driven_well, lambda _: (-0.6, 0.6), seed=2)
    energy = samples.copy(data=smooth.to_numpy())
    verdict = order_of_transition(samples, control="g", size="N", dimension=None, energy=energy)
    assert verdict.order == "undetermined"
    assert "the energy contradicts it" in verdict.against[0]


def test_phases_that_a_symmetry_relates_are_not_thermal_first_order() -> None:
    def even(
        size: float, control: float, records: int, generator: np.random.Generator
    ) -> NDArray[np.float64]:
        sign = generator.choice([-1.0, 1.0], records)
        noise = generator.standard_normal(records) / np.sqrt(size)
        drawn: NDArray[np.float64] = sign * np.sqrt(max(control, 0.0)) + noise
        return drawn

    samples = make_study(even, lambda _: (0.1, 1.0))
    verdict = judge(samples)
    assert verdict.order == "undetermined"
    assert any("declare attrs['symmetry'] = 'sign'" in each for each in verdict.against)
    folded = judge(samples.assign_attrs(symmetry="sign"))
    assert folded.probabilities["first-order"] < 0.05


def beside(extent: list[float]) -> dict[str, xr.Dataset]:
    """Tables of loops and lifetimes that could be used."""
    count = len(extent)
    names = {
        "loops": {"width": 1.0, "width_error": 0.1, "status": 0},
        "lifetimes": {"value": 2.0, "effective_escapes": 50.0},
    }
    place = {"N": ("point", extent), "rate": ("point", np.linspace(0.1, 1.0, count))}
    return {
        name: xr.Dataset(
            {each: ("point", np.full(count, value)) for each, value in columns.items()},
            coords=place,
        )
        for name, columns in names.items()
    }


@pytest.fixture
def nothing_costly(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: object, **__: object) -> None:
        raise RuntimeError("the order parameter was weighed")

    monkeypatch.setattr(order, "read_sizes", reached)


@pytest.mark.usefixtures("nothing_costly")
@pytest.mark.parametrize("name", ["loops", "lifetimes"])
def test_wrong_tables_are_refused_before_anything_is_fitted(name: str) -> None:
    samples = make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size), records=20)
    good = beside(np.unique(samples["N"]).tolist())[name]
    with pytest.raises(RuntimeError, match="was weighed"):
        order_of_transition(samples, control="g", size="N", dimension=None, **{name: good})  # type: ignore[arg-type]
    column = "width" if name == "loops" else "value"
    for wrong, message in (
        (good[column], "must be a dataset"),
        (good.drop_vars("N"), "need the variable 'N'"),
        (good.drop_vars(column), f"need the variable '{column}'"),
        (good.isel(point=slice(0)), "received an empty table"),
        (beside([3.0, 5.0, 7.0])[name], f"the {name} have no size in common with the samples"),
    ):
        with pytest.raises((InvalidValueError, FormatError), match=message):
            order_of_transition(samples, control="g", size="N", dimension=None, **{name: wrong})  # type: ignore[arg-type]


@pytest.mark.usefixtures("nothing_costly")
def test_a_wrong_energy_is_refused_before_anything_is_fitted() -> None:
    samples = make_study(two_phases, lambda size: (-8.0 / size, 8.0 / size), records=20)
    energy = with_energy(samples)
    for wrong, message in (
        (energy.to_dataset(name="energy"), "of the energy: .* must be a labelled array"),
        (energy.drop_vars("N"), "of the energy: there is no coordinate 'N'"),
        (energy.drop_vars("g"), "of the energy: there is no coordinate 'g'"),
        (energy * np.nan, "of the energy: .* values that are not finite"),
        (energy.isel(run=slice(0)), "at least 1 sample"),
        (energy.assign_coords(N=3.3 * energy["N"]), "the energy has no size in common"),
    ):
        with pytest.raises((InvalidValueError, InsufficientSamplesError), match=message):
            order_of_transition(samples, control="g", size="N", dimension=None, energy=wrong)  # type: ignore[arg-type]
