"""Tables of points from runs whose law is known, of unequal replicas and scattered points."""

import numpy as np
import pytest
import scipy.signal
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.autocorrelation import pooled_autocorrelation_time
from phasegrok.statistics.convergence import rank_normalised_split_r_hat
from phasegrok.statistics.disorder import (
    connected_susceptibility,
    disconnected_susceptibility,
    disorder_average,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.selection import finished, point_means

BETWEEN, THERMAL = 1.0, 0.1**0.5
POINTS = {(0.3, 8): [2, 3, 2, 4], (0.1, 16): [1, 1], (0.1, 8): [3, 3, 3], (0.2, 8): [4]}
"""Replicas of each disorder at scattered (temperature, width)."""


def runs(records: int = 400, *, seed: int = 0, coefficient: float = 0.5) -> xr.Dataset:
    """Scattered runs: m = temperature + offset of the disorder + thermal AR(1) noise."""
    generator = np.random.default_rng(seed)
    labels = [
        (temperature, width, disorder, replica)
        for (temperature, width), replicas in POINTS.items()
        for disorder, count in enumerate(replicas)
        for replica in range(count)
    ]
    order = generator.permutation(len(labels))
    temperature, width, disorder, replica = np.array(labels)[order].T
    offset = BETWEEN * generator.normal(size=8)
    noise = generator.normal(size=(len(labels), records))
    noise[:, 1:] *= (1.0 - coefficient**2) ** 0.5
    series = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    values = (temperature + offset[disorder.astype(int)])[:, np.newaxis] + THERMAL * series
    return xr.Dataset(
        {"overlap": (("run", "record"), values, {"units": "1", "long_name": "overlap"})},
        coords={
            "temperature": ("run", temperature, {"units": "energy"}),
            "width": ("run", width.astype(int)),
            "disorder": ("run", disorder.astype(int)),
            "replica": ("run", replica.astype(int)),
            "start": ("run", ["prior"] * len(labels)),
            "outcome": ("run", ["finished"] * len(labels)),
        },
    )


CONTROLS = ["temperature", "width"]


def test_finished_leaves_out_and_counts() -> None:
    dataset = runs()
    outcomes = dataset["outcome"].to_numpy().astype("U9")
    outcomes[[0, 3, 5]] = ["diverged", "failed", "diverged"]
    kept = finished(dataset.assign_coords(outcome=("run", outcomes)))
    assert kept.sizes["run"] == dataset.sizes["run"] - 3
    assert kept.attrs["left_out_diverged"] == 2
    assert kept.attrs["left_out_failed"] == 1
    assert kept.attrs["left_out_truncated"] == 0
    assert finished(kept).attrs == kept.attrs
    assert set(kept["outcome"].to_numpy()) == {"finished"}
    assert "left_out_failed" not in dataset.attrs


def test_unfinished_runs_do_not_enter_and_are_counted_in_the_table() -> None:
    dataset = runs()
    outcomes = dataset["outcome"].to_numpy().astype("U9")
    outcomes[2] = "diverged"
    dataset["overlap"][2, 10:] = np.nan
    table = point_means(
        dataset.assign_coords(outcome=("run", outcomes)), "overlap", controls=CONTROLS
    )
    whole = point_means(
        dataset.isel(run=np.arange(dataset.sizes["run"]) != 2), "overlap", controls=CONTROLS
    )
    assert table.attrs["left_out_diverged"] == 1
    xr.testing.assert_equal(table, whole)


def test_points_are_the_distinct_controls_in_order() -> None:
    table = point_means(runs(), "overlap", controls=CONTROLS)
    points = list(zip(table["temperature"].to_numpy(), table["width"].to_numpy(), strict=True))
    assert points == sorted(POINTS)
    for number, point in enumerate(points):
        replicas = POINTS[point]
        assert table["disorder_count"][number] == len(replicas)
        assert table["run_count"][number] == sum(replicas)
        assert table["replica_count"][number] == min(replicas)


def test_every_column_equals_the_arrays_at_that_point() -> None:
    dataset = runs()
    table = point_means(
        dataset, "overlap", controls=CONTROLS, start_record=30, system_size="width"
    )
    here = (dataset["temperature"] == 0.3) & (dataset["width"] == 8)
    selected = dataset.isel(run=np.flatnonzero(here), record=slice(30, None))
    samples, labels = selected["overlap"].to_numpy(), selected["disorder"].to_numpy()
    row = table.isel(point=3)
    average = disorder_average(samples.mean(axis=-1), disorder=labels)
    np.testing.assert_allclose(row["mean"], average.value, rtol=1e-12)
    np.testing.assert_allclose(row["standard_error"], average.standard_error, rtol=1e-12)
    for kind, result in {
        "connected": connected_susceptibility(samples, disorder=labels, system_size=8.0),
        "disconnected": disconnected_susceptibility(
            samples.mean(axis=-1), disorder=labels, system_size=8.0
        ),
    }.items():
        name = f"{kind}_susceptibility"
        np.testing.assert_allclose(row[name], result.value, rtol=1e-10)
        np.testing.assert_allclose(row[f"{name}_error"], result.standard_error, rtol=1e-10)
        assert row[f"{name}_disorder_count"] == 4
    worst = max(rank_normalised_split_r_hat(samples[labels == d]) for d in range(4))
    np.testing.assert_allclose(row["split_r_hat"], worst, rtol=1e-12)
    alone = dataset.isel(run=np.flatnonzero((dataset["temperature"] == 0.2).to_numpy()))
    pooled = pooled_autocorrelation_time(alone["overlap"].to_numpy()[:, 30:])
    np.testing.assert_allclose(table["autocorrelation_time"][2], pooled.time, rtol=1e-9)
    np.testing.assert_allclose(
        table["effective_samples"][2], 4 * 370 / (2.0 * pooled.time), rtol=1e-9
    )
    np.testing.assert_allclose(
        table["thermal_error"][2], (2 * pooled.time * pooled.variance / (4 * 370)) ** 0.5
    )


def test_thermal_error_is_the_spread_at_fixed_disorder() -> None:
    studies = 150
    tables = [
        point_means(runs(200, seed=seed), "overlap", controls=CONTROLS)
        for seed in range(studies)
    ]
    means = np.array([table["mean"].to_numpy() for table in tables])
    offsets = np.array(
        [BETWEEN * _offsets(seed) for seed in range(studies)]
    )  # The disorder's part of the mean, known here.
    for number, point in enumerate(sorted(POINTS)):
        residual = means[:, number] - point[0] - offsets[:, : len(POINTS[point])].mean(axis=1)
        predicted = np.mean([table["thermal_error"][number] ** 2 for table in tables]) ** 0.5
        ratio = residual.std() / predicted
        assert abs(ratio - 1.0) < 4.0 / (2.0 * studies) ** 0.5
        assert tables[0]["mean"].attrs["units"] == "1"


def _offsets(seed: int) -> FloatArray:
    generator = np.random.default_rng(seed)
    generator.permutation(sum(map(sum, POINTS.values())))
    return generator.normal(size=8)


def test_the_error_is_that_of_disorders_and_undefined_for_one() -> None:
    table = point_means(runs(), "overlap", controls=CONTROLS, system_size=10.0)
    undefined = table["disorder_count"] == 1
    np.testing.assert_array_equal(np.isnan(table["standard_error"]), undefined)
    defined = table.isel(point=np.flatnonzero(~undefined))
    assert np.all(defined["standard_error"] > 3.0 * defined["thermal_error"])
    single = table.isel(point=1)  # Two disorders of one replica each.
    assert single["connected_susceptibility_disorder_count"] == 0
    assert np.isnan(single["connected_susceptibility"])


def test_a_drift_is_seen_and_a_later_start_removes_it() -> None:
    dataset = runs(1000)
    early = 3.0 * np.exp(-np.arange(1000) / 40.0)
    dataset["overlap"] = dataset["overlap"] + xr.DataArray(early, dims="record")
    kept = point_means(dataset, "overlap", controls=CONTROLS)
    assert np.all(kept["drift_z_score"] > 8.0)
    cut = point_means(dataset, "overlap", controls=CONTROLS, start_record=400)
    assert np.all(np.abs(cut["drift_z_score"]) < 4.0)


def test_starts_are_pooled_or_kept_apart() -> None:
    first = runs()
    second = first.assign_coords(start=("run", ["aligned"] * first.sizes["run"]))
    both = xr.concat([first, second + 5.0], dim="run")
    pooled = point_means(both, "overlap", controls=CONTROLS)
    assert np.all(pooled["split_r_hat"] > 1.5)
    assert np.all(pooled["status"] == 2)
    apart = point_means(both, "overlap", controls=[*CONTROLS, "start"])
    assert apart.sizes["point"] == 2 * len(POINTS)
    assert np.all(apart["split_r_hat"] < 1.1)
    assert apart["status"].attrs["flag_meanings"] == "resolved constant unresolved refused"


def test_lazy_and_integer_input_give_the_same() -> None:
    dataset = runs()
    dataset["overlap"] = (10.0 * dataset["overlap"]).round()
    expected = point_means(dataset, "overlap", controls=CONTROLS, system_size=3.0)
    integers = dataset.assign(overlap=dataset["overlap"].astype(np.int16).transpose())
    for other in (integers, dataset.chunk({"run": 3, "record": 50})):
        table = point_means(other, "overlap", controls=CONTROLS, system_size=3.0)
        xr.testing.assert_allclose(table, expected, rtol=1e-12)


def test_refuses_a_control_that_was_forgotten() -> None:
    with pytest.raises(InvalidValueError, match="a control that varies is missing"):
        point_means(runs(), "overlap", controls=["temperature"])
    dataset = runs()
    twice = xr.concat([dataset, dataset.isel(run=[0])], dim="run")
    with pytest.raises(InvalidValueError, match="2 runs of one point share"):
        point_means(twice, "overlap", controls=CONTROLS)


def test_refuses_names_that_are_not_there() -> None:
    dataset = runs()
    with pytest.raises(InvalidValueError, match="Did you mean 'temperature'"):
        point_means(dataset, "overlap", controls=["temperatur"])
    with pytest.raises(InvalidValueError, match=r"variable 'overlp'\. Did you mean 'overlap'"):
        point_means(dataset, "overlp", controls=CONTROLS)
    with pytest.raises(InvalidValueError, match="list of at least one coordinate"):
        point_means(dataset, "overlap", controls="temperature")
    with pytest.raises(InvalidValueError, match="need dims"):
        point_means(dataset.isel(record=0), "overlap", controls=CONTROLS)
    scattered = dataset.assign_coords(replica=("run", np.arange(dataset.sizes["run"])))
    with pytest.raises(InvalidValueError, match="'width' differs between runs of one point"):
        point_means(scattered, "overlap", controls=["temperature"], system_size="width")


def test_refuses_what_is_not_in_the_schema() -> None:
    dataset = runs()
    with pytest.raises(FormatError, match="coordinate 'outcome'"):
        finished(dataset.drop_vars("outcome"))
    with pytest.raises(FormatError, match="coordinate 'replica'"):
        point_means(dataset.drop_vars("replica"), "overlap", controls=CONTROLS)
    wrong = dataset["outcome"].to_numpy().astype("U9")
    wrong[0] = "finishd"
    with pytest.raises(FormatError, match=r"outcome 'finishd'\. Did you mean 'finished'"):
        finished(dataset.assign_coords(outcome=("run", wrong)))


def test_refuses_too_little() -> None:
    dataset = runs()
    failed = dataset.assign_coords(outcome=("run", ["failed"] * dataset.sizes["run"]))
    with pytest.raises(InsufficientSamplesError, match="'left_out_failed': 26"):
        point_means(failed, "overlap", controls=CONTROLS)
    with pytest.raises(InsufficientSamplesError, match="at least 4 samples, received 3"):
        point_means(dataset, "overlap", controls=CONTROLS, start_record=397)
    with pytest.raises(InvalidValueError, match="start_record must be at least 0"):
        point_means(dataset, "overlap", controls=CONTROLS, start_record=-1)
    dataset["overlap"][0, 0] = np.inf
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        point_means(dataset, "overlap", controls=CONTROLS)
