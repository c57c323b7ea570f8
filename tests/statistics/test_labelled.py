"""The labelled faces give the arrays' numbers, by name, and leave dask lazy."""

from collections.abc import Callable
from typing import Any, TypeAlias

import dask.array
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.statistics import (
    autocorrelation,
    convergence,
    disorder,
    equilibration,
    histograms,
    labelled,
    moments,
)
from phasegrok.statistics.samples import FloatArray, Status

RUNS, RECORDS, LAYERS = 6, 40, 2
LABELS = np.array([4, 4, 2, 2, 2, 9])


def samples() -> xr.DataArray:
    """Correlated numbers with the reduced dimension in the middle."""
    values = np.random.default_rng(0).normal(size=(RUNS, RECORDS, LAYERS)).cumsum(axis=1)
    return xr.DataArray(
        values,
        dims=("run", "record", "layer"),
        coords={
            "disorder": ("run", LABELS),
            "run_id": ("run", list("abcdef")),
            "start": ("run", ["prior", "aligned"] * 3),
        },
        attrs={"units": "nat"},
    )


def chunked(array: xr.DataArray) -> xr.DataArray:
    return array.chunk({"run": 2, "record": 7})


ArrayFunction: TypeAlias = Callable[[FloatArray], Any]

BY_RECORD: list[tuple[Callable[[xr.DataArray], xr.Dataset], ArrayFunction]] = [
    (
        labelled.integrated_autocorrelation_time,
        autocorrelation.integrated_autocorrelation_time,
    ),
    (labelled.equilibration_start, equilibration.equilibration_start),
    (labelled.first_last_difference, equilibration.first_last_difference),
    (labelled.mean, moments.mean),
]


# ``start`` is taken in the schema: how the initial state of a run was made.
FACE_NAMES = {"start": "start_record"}


@pytest.mark.parametrize(("face", "function"), BY_RECORD)
def test_every_field_is_a_variable(
    face: Callable[[xr.DataArray], xr.Dataset], function: ArrayFunction
) -> None:
    array = samples()
    expected = function(array.transpose("run", "layer", "record").to_numpy())._asdict()
    eager, lazy = face(array), face(chunked(array))
    expected = {FACE_NAMES.get(name, name): values for name, values in expected.items()}
    assert list(eager) == list(expected)
    for name in eager:
        assert eager[name].dims == ("run", "layer")
        np.testing.assert_array_equal(eager[name], expected[str(name)])
        assert isinstance(lazy[name].data, dask.array.Array)
        np.testing.assert_array_equal(lazy[name].compute(), eager[name])
        assert lazy[name].dtype == eager[name].dtype
    assert eager.coords["run_id"].to_numpy().tolist() == list("abcdef")


@pytest.mark.parametrize(
    ("face", "function"),
    [
        (labelled.effective_sample_size, autocorrelation.effective_sample_size),
        (labelled.binder_cumulant, moments.binder_cumulant),
        (labelled.kurtosis_ratio, moments.kurtosis_ratio),
    ],
)
def test_single_results(face: Callable[..., xr.DataArray], function: ArrayFunction) -> None:
    array = samples()
    expected = function(np.moveaxis(array.to_numpy(), 1, -1))
    np.testing.assert_array_equal(face(array, dim="record"), expected)
    lazy = face(chunked(array))
    assert isinstance(lazy.data, dask.array.Array)
    np.testing.assert_array_equal(lazy.compute(), expected)


@pytest.mark.parametrize(
    ("face", "function"),
    [
        (labelled.split_r_hat, convergence.split_r_hat),
        (labelled.rank_normalised_split_r_hat, convergence.rank_normalised_split_r_hat),
    ],
)
def test_chains_are_named(face: Callable[..., xr.DataArray], function: ArrayFunction) -> None:
    array = samples()
    expected = function(array.transpose("layer", "run", "record").to_numpy())
    np.testing.assert_array_equal(face(array, chain_dim="run"), expected)
    np.testing.assert_array_equal(face(chunked(array), chain_dim="run").compute(), expected)


def test_pooled_time() -> None:
    array = samples()
    result = labelled.pooled_autocorrelation_time(chunked(array), chain_dim="run").compute()
    expected = autocorrelation.pooled_autocorrelation_time(
        array.transpose("layer", "run", "record").to_numpy()
    )
    np.testing.assert_array_equal(result["time"], expected.time)
    assert result["status"].attrs["flag_meanings"] == "resolved constant unresolved refused"
    assert result["status"].attrs["flag_values"][2] == Status.UNRESOLVED


def test_susceptibility_takes_labelled_sizes_and_times() -> None:
    array = samples()
    size = xr.DataArray([10.0, 20.0], dims="layer")
    time = labelled.integrated_autocorrelation_time(array)["time"].clip(max=5.0)
    eager = labelled.susceptibility(array, system_size=size, autocorrelation_time=time)
    lazy = labelled.susceptibility(chunked(array), system_size=size, autocorrelation_time=time)
    expected = moments.susceptibility(
        array.transpose("run", "layer", "record").to_numpy(),
        system_size=[10.0, 20.0],
        autocorrelation_time=time.to_numpy(),
    )
    np.testing.assert_allclose(eager.transpose("run", "layer"), expected, rtol=1e-12)
    np.testing.assert_allclose(lazy.compute(), eager, rtol=1e-12)


def test_disorder_average_takes_its_labels_from_the_coordinate() -> None:
    array = samples().mean("record", keep_attrs=True)
    result = labelled.disorder_average(array)
    expected = disorder.disorder_average(array.to_numpy().T, disorder=LABELS)
    np.testing.assert_array_equal(result["value"], expected.value)
    np.testing.assert_array_equal(result["standard_error"], expected.standard_error)
    assert result["disorder_count"] == 3
    assert result["value"].attrs["units"] == "nat"
    lazy = labelled.disorder_average(array.chunk({"run": 2, "layer": 1}))
    assert isinstance(lazy["value"].data, dask.array.Array)
    np.testing.assert_array_equal(lazy["value"].compute(), expected.value)


def test_histogram_and_its_logarithm() -> None:
    array = samples().transpose("record", "layer", "run")
    edges = [-30.0, -1.0, 1.0, 30.0, 50.0]
    result = labelled.histogram_density(chunked(array), edges=edges)
    expected = histograms.histogram_density(samples().to_numpy(), edges=edges, disorder=LABELS)
    np.testing.assert_array_equal(result["density"], expected.density)
    np.testing.assert_array_equal(result["counts"], expected.counts)
    assert result["disorder"].to_numpy().tolist() == [2, 4, 9]
    assert result["bin_center"].to_numpy().tolist() == [-15.5, 0.0, 15.5, 40.0]
    potential = labelled.negative_log_density(result)
    logarithm = histograms.negative_log_density(expected)
    np.testing.assert_array_equal(potential["value"], logarithm.value)
    np.testing.assert_array_equal(potential["total_count"], logarithm.total_count)
    assert "bin_center" in potential.coords


def test_refusals() -> None:
    array = samples()
    with pytest.raises(InvalidValueError, match=r"dimension\(s\) \['step'\], received"):
        labelled.mean(array, dim="step")
    with pytest.raises(FormatError, match="coordinate 'disorder' on 'run'"):
        labelled.disorder_average(array.drop_vars("disorder"))
    with pytest.raises(InvalidValueError, match="received 1 NaN or infinite"):
        labelled.mean(array.where(array != array.max()))
