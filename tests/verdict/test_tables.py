"""Tables of a verdict against what they are made of, and predictions known in closed form."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phasegrok.inference import Evidence
from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.features import FEATURES, SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import ScalingModel, energy_models, scaling_models
from phasegrok.verdict.scoring import Score
from phasegrok.verdict.tables import observable_table, prefixed
from phasegrok.verdict.weighing import Comparison, Weighing

VOLUMES = np.array([50.0, 100.0, 400.0])
CENTRES = np.array([3.0, -1.0, 2.0])


def features() -> tuple[SizeFeatures, ...]:
    """Linear extents N^(1/2); numbers differ, so that none can stand in for another."""
    return tuple(
        SizeFeatures(
            size=float(np.sqrt(volume)),
            volume=float(volume),
            values=np.array([1.0, 2.0, 3.0]) + 10.0 * row,
            covariance=np.diag([1.0, 4.0, 9.0]) * (row + 1.0) ** 2 + 0.1 * (1.0 - np.eye(3)),
            slope_known=row != 1,
            at_edge=False,
            transition=0.1 * row,
            transition_spread=float("nan") if row == 0 else 0.01 * row,
            gap=0.5 * row,
            barrier_bounded=row == 2,
            mixing=0.2 + row,
            disorders=1 + 7 * row,
        )
        for row, volume in enumerate(VOLUMES)
    )


def weighed(
    draws: Callable[[ScalingModel], FloatArray],
    models: Callable[[Sizes, FloatArray], Sequence[ScalingModel]] = scaling_models,
    dimension: int | None = 2,
) -> Weighing:
    """Kinds with given posteriors; evidences and probabilities number them."""
    sizes = Sizes.of(VOLUMES, dimension)
    made = {each.kind: each for each in models(sizes, CENTRES)}
    scores = {
        kind: Score(
            kind=kind,
            evidence=Evidence(
                log_evidence=-float(i),
                standard_error=0.1 * i,
                forward=0.0,
                reverse=0.0,
                rungs=4,
            ),
            predictive=0.01 * i,
            draws=draws(model),
        )
        for i, (kind, model) in enumerate(made.items())
    }
    comparison = Comparison(features=features(), sizes=sizes, models=made)
    kinds = {kind: 2.0**-i for i, kind in enumerate(made)}
    return Weighing(
        comparison=comparison,
        probabilities=comparison.by_answer(kinds),
        scores=scores,
        kinds=kinds,
        checks=(),
    )


def at_medians(model: ScalingModel) -> FloatArray:
    """One draw, each parameter at the median of its prior; heights at zero."""
    return np.zeros((1, model.space.size))


def with_intercepts(model: ScalingModel) -> FloatArray:
    """The intercept of ln S evenly over ± one standard deviation of its prior."""
    draws = np.zeros((101, model.space.size))
    names = [each.name for each in model.space.parameters]
    draws[:, names.index("slope")] = np.linspace(-1.0, 1.0, 101)
    return draws


def test_sizes_hold_what_was_measured() -> None:
    table = observable_table(features(), None)
    assert dict(table.sizes) == {"size": 3}
    np.testing.assert_array_equal(table["size"], np.sqrt(VOLUMES))
    np.testing.assert_array_equal(table["volume"], VOLUMES)
    for index, name in enumerate(FEATURES):
        np.testing.assert_array_equal(table[name], index + 1.0 + 10.0 * np.arange(3))
        np.testing.assert_allclose(
            table[f"{name}_error"], (index + 1.0) * np.array([1.0, 2.0, 3.0]), rtol=1e-15
        )
    np.testing.assert_array_equal(table["transition"], [0.0, 0.1, 0.2])
    np.testing.assert_array_equal(table["transition_spread"], [np.nan, 0.01, 0.02])
    np.testing.assert_array_equal(table["gap"], [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(table["mixing"], [0.2, 1.2, 2.2])
    np.testing.assert_array_equal(table["disorders"], [1.0, 8.0, 15.0])
    np.testing.assert_array_equal(table["barrier_bounded"], [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(table["slope_known"], [1.0, 0.0, 1.0])


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_weighing_there_are_sizes_alone(count: int) -> None:
    table = observable_table(features()[:count], None)
    assert set(table.dims) == {"size"}
    assert table.sizes["size"] == count
    assert "probability" not in table
    assert all(table[name].dtype == np.float64 for name in table.data_vars)


def test_kinds_hold_evidences_and_probabilities_before_any_check() -> None:
    table = observable_table(features(), weighed(at_medians))
    kinds = ["first-order", "continuous", "crossover", "weak", "none"]
    assert table["kind"].to_numpy().tolist() == kinds
    for name in ("log_evidence", "log_evidence_error", "predictive", "probability"):
        assert table[name].dims == ("kind",)
    np.testing.assert_array_equal(table["log_evidence"], -np.arange(5.0))
    np.testing.assert_allclose(table["log_evidence_error"], 0.1 * np.arange(5.0), rtol=1e-15)
    np.testing.assert_allclose(table["predictive"], 0.01 * np.arange(5.0), rtol=1e-15)
    np.testing.assert_array_equal(table["probability"], 0.5 ** np.arange(5.0))


def test_predictions_reach_from_the_smallest_size_to_twice_the_largest() -> None:
    table = observable_table(features(), weighed(at_medians))
    grid = table["grid_volume"].to_numpy()
    np.testing.assert_allclose(grid[[0, -1]], [50.0, 800.0], rtol=1e-14)
    # Evenly in the logarithm.
    np.testing.assert_allclose(np.diff(np.log(grid)), np.log(16.0) / 39.0, rtol=1e-12)
    assert table["feature"].to_numpy().tolist() == list(FEATURES)
    for name in ("predicted", "predicted_lower", "predicted_upper"):
        assert table[name].dims == ("kind", "grid_volume", "feature")


@pytest.mark.parametrize(("dimension", "exponent"), [(None, 1.0), (2, 0.5), (3, 2.0 / 3.0)])
def test_a_single_draw_predicts_the_law_itself(dimension: int | None, exponent: float) -> None:
    table = observable_table(features(), weighed(at_medians, dimension=dimension))
    ratio = table["grid_volume"].to_numpy() / 400.0
    first = table["predicted"].sel(kind="first-order")
    np.testing.assert_allclose(first.sel(feature="log_slope"), 3.0 + np.log(ratio), atol=1e-12)
    np.testing.assert_allclose(first.sel(feature="log_variance"), -1.0, atol=1e-12)
    # The median of a barrier's growth is 3 at the largest size.
    np.testing.assert_allclose(first.sel(feature="barrier"), 3.0 * ratio**exponent, rtol=1e-12)
    # Medians of s in (0.18, 0.8) and of x in (0.015, 0.3).
    second = table["predicted"].sel(kind="continuous")
    np.testing.assert_allclose(
        second.sel(feature="log_slope"), 3.0 + 0.49 * np.log(ratio), atol=1e-12
    )
    np.testing.assert_allclose(
        second.sel(feature="log_variance"), -1.0 - 0.315 * np.log(ratio), atol=1e-12
    )
    xr.testing.assert_identical(
        table["predicted_lower"].rename("predicted"), table["predicted"]
    )
    xr.testing.assert_identical(
        table["predicted_upper"].rename("predicted"), table["predicted"]
    )


def test_bands_hold_68_percent_of_the_draws() -> None:
    table = observable_table(features(), weighed(with_intercepts)).sel(feature="log_slope")
    spread = 3.0
    for kind in table["kind"].to_numpy():
        one = table.sel(kind=kind)
        below = (one["predicted"] - one["predicted_lower"]).to_numpy()
        above = (one["predicted_upper"] - one["predicted"]).to_numpy()
        # Quantiles 0.16 and 0.84 of an even law over (-1, 1) lie 0.68 from its middle.
        np.testing.assert_allclose(below, 0.68 * spread, rtol=1e-12)
        np.testing.assert_allclose(above, 0.68 * spread, rtol=1e-12)


def test_the_order_of_the_kinds_changes_their_rows_alone() -> None:
    def reversed_models(sizes: Sizes, centres: FloatArray) -> tuple[ScalingModel, ...]:
        return tuple(reversed(scaling_models(sizes, centres)))

    one = observable_table(features(), weighed(with_intercepts))
    other = observable_table(features(), weighed(with_intercepts, reversed_models))
    assert other["kind"].to_numpy().tolist() == one["kind"].to_numpy().tolist()[::-1]
    for name in ("predicted", "predicted_lower", "predicted_upper"):
        xr.testing.assert_identical(other[name].sel(kind=one["kind"]), one[name])


def energy_table() -> xr.Dataset:
    return prefixed(observable_table(features(), weighed(at_medians, energy_models)), "energy_")


def test_an_energy_shares_sizes_and_features_but_has_kinds_of_its_own() -> None:
    plain = observable_table(features(), weighed(at_medians, energy_models))
    table = energy_table()
    assert set(table.dims) == {"size", "energy_kind", "energy_grid_volume", "feature"}
    assert set(table.data_vars) == {f"energy_{name}" for name in plain.data_vars}
    for name in plain.data_vars:
        np.testing.assert_array_equal(table[f"energy_{name}"], plain[name])
    assert table["energy_kind"].to_numpy().tolist() == [
        "first-order",
        "no latent heat",
        "weak",
        "none",
    ]


def test_a_second_observable_changes_nothing_of_the_first() -> None:
    first = observable_table(features(), weighed(at_medians))
    both = xr.merge([first, energy_table()], join="outer")
    xr.testing.assert_identical(both[list(first.data_vars)], first)
    xr.testing.assert_identical(both[list(energy_table().data_vars)], energy_table())


def test_an_energy_at_too_few_sizes_has_sizes_alone() -> None:
    short = prefixed(observable_table(features()[:2], None), "energy_")
    assert set(short.dims) == {"size"}
    both = xr.merge([observable_table(features(), weighed(at_medians)), short], join="outer")
    np.testing.assert_array_equal(both["energy_gap"], [0.0, 0.5, np.nan])
    assert "energy_kind" not in both.dims


def test_a_table_survives_a_file_bit_by_bit(tmp_path: Path) -> None:
    table = xr.merge(
        [observable_table(features(), weighed(with_intercepts)), energy_table()], join="outer"
    )
    table.to_netcdf(tmp_path / "table.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "table.nc") as stored:
        xr.testing.assert_identical(stored.load(), table)


def test_an_error_is_the_root_of_the_diagonal_whatever_stands_beside_it() -> None:
    one, *others = features()
    correlated = replace(one, covariance=np.array([[4.0, 1.9, 0], [1.9, 1.0, 0], [0, 0, 0.25]]))
    table = observable_table([correlated, *others], None)
    found = [float(table[f"{name}_error"][0]) for name in FEATURES]
    assert found == [2.0, 1.0, 0.5]
