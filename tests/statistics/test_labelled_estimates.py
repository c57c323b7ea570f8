"""Labelled faces of estimates with errors: the arrays' numbers, by name, lazily."""

from collections.abc import Callable

import dask.array
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.statistics import (
    autocorrelation,
    binning,
    blocks,
    convergence,
    fluctuations,
    functions_of_means,
    labelled,
    linear_response,
    multistate,
    reweighting,
    series_histograms,
)
from phasegrok.statistics.samples import FloatArray, Status

RUNS, RECORDS, LAYERS = 4, 300, 2


def samples(seed: int = 0) -> xr.DataArray:
    values = np.random.default_rng(seed).normal(size=(RUNS, RECORDS, LAYERS)) + 0.5
    return xr.DataArray(
        values,
        dims=("run", "record", "layer"),
        coords={"disorder": ("run", [0, 0, 1, 2]), "run_id": ("run", list("abcd"))},
        attrs={"units": "nat"},
    )


def chunked(array: xr.DataArray) -> xr.DataArray:
    return array.chunk({"run": 2, "record": 70})


def plain(array: xr.DataArray) -> FloatArray:
    return np.asarray(array.transpose("run", "layer", "record").to_numpy(), dtype=np.float64)


def same(face: xr.Dataset, lazy: xr.Dataset, expected: dict[str, object]) -> None:
    assert list(face) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(face[name], np.asarray(values, float), rtol=1e-10)
        assert isinstance(lazy[name].data, dask.array.Array)
        np.testing.assert_allclose(lazy[name].compute(), face[name], rtol=1e-10)
        assert lazy[name].dtype == face[name].dtype
    assert "run_id" in face.coords
    assert "refused" in str(face["status"].attrs["flag_meanings"])


def second(means: FloatArray) -> FloatArray:
    result: FloatArray = means[1] - means[0] ** 2
    return result


FACES: list[
    tuple[
        Callable[[xr.DataArray], xr.Dataset],
        Callable[[FloatArray], functions_of_means.FunctionEstimate],
    ]
] = [
    (labelled.binder_cumulant_estimate, fluctuations.binder_cumulant_estimate),
    (labelled.kurtosis_ratio_estimate, fluctuations.kurtosis_ratio_estimate),
    (
        lambda a: labelled.susceptibility_estimate(a, system_size=3.0),
        lambda v: fluctuations.susceptibility_estimate(v, system_size=3.0),
    ),
    (
        lambda a: labelled.response(a, a**2, temperature=2.0, system_size=5.0),
        lambda v: linear_response.response(v, v**2, temperature=2.0, system_size=5.0),
    ),
    (
        lambda a: labelled.temperature_response(a, a**2, temperature=2.0),
        lambda v: linear_response.temperature_response(v, v**2, temperature=2.0),
    ),
    (
        lambda a: labelled.jackknife_of_means(second, [a, a**2]),
        lambda v: functions_of_means.jackknife_of_series(second, np.stack([v, v**2])),
    ),
]


@pytest.mark.parametrize(("face", "function"), FACES)
def test_estimates_are_those_of_the_arrays(
    face: Callable[[xr.DataArray], xr.Dataset],
    function: Callable[[FloatArray], functions_of_means.FunctionEstimate],
) -> None:
    array = samples()
    same(face(array), face(chunked(array)), dict(function(plain(array))._asdict()))


def test_sizes_and_temperatures_may_be_labelled() -> None:
    array, size = samples(), xr.DataArray([2.0, 4.0], dims="layer")
    face = labelled.susceptibility_estimate(array, system_size=size)
    expected = fluctuations.susceptibility_estimate(plain(array), system_size=[2.0, 4.0])
    np.testing.assert_allclose(face["value"].transpose("run", "layer"), expected.value)
    answer = labelled.response(array, array, temperature=size)
    other = linear_response.response(plain(array), plain(array), temperature=[2.0, 4.0])
    np.testing.assert_allclose(answer["error"].transpose("run", "layer"), other.error)


def test_ladder_lies_along_level() -> None:
    array = samples()
    face, lazy = labelled.binning_ladder(array), labelled.binning_ladder(chunked(array))
    expected = binning.binning_ladder(plain(array))
    assert face["errors"].dims == ("run", "layer", "level")
    assert face["block_length"].to_numpy().tolist() == [1, 2, 4, 8, 16]
    assert face["error"].attrs["units"] == "nat"
    assert face["converged"].dtype == np.bool_
    for name in face:
        np.testing.assert_allclose(face[name], expected._asdict()[str(name)], rtol=1e-12)
        assert isinstance(lazy[name].data, dask.array.Array)
        np.testing.assert_allclose(lazy[name].compute(), face[name], rtol=1e-12)


def test_ragged_chains_end_where_they_say() -> None:
    array = samples().assign_coords(record_count=("run", [300, 100, 200, 50]))
    spoilt = array.copy()
    spoilt.values[3, 50:] = np.nan
    face = labelled.ragged_autocorrelation_time(spoilt, chain_dim="run")
    chains = [plain(array)[run, :, :n] for run, n in enumerate([300, 100, 200, 50])]
    expected = autocorrelation.ragged_autocorrelation_time(chains)
    assert face["time"].dims == ("layer",)
    np.testing.assert_allclose(face["time"], expected.time)
    with pytest.raises(InvalidValueError, match="coordinate 'record_count' on 'run'"):
        labelled.ragged_autocorrelation_time(samples(), chain_dim="run")


def test_functions_of_disorder_averages() -> None:
    means = samples().mean("record")
    face = labelled.disorder_jackknife_of_means(second, [means, means**2])
    values = means.transpose("layer", "run").to_numpy()
    grouped = blocks.disorder_blocks(np.stack([values, values**2]), disorder=[0, 0, 1, 2])
    expected = functions_of_means.jackknife_of_means(second, grouped)
    np.testing.assert_allclose(face["value"], expected.value)
    np.testing.assert_allclose(face["error"], expected.error)
    with pytest.raises(FormatError, match="coordinate 'disorder' on 'run'"):
        labelled.disorder_jackknife_of_means(second, [means.drop_vars("disorder")])
    with pytest.raises(InvalidValueError, match="list of at least one labelled array"):
        labelled.jackknife_of_means(second, [])


def test_series_histogram_names_its_bins() -> None:
    array = samples().isel(layer=0)
    face = labelled.series_histogram(chunked(array), edges=[-3.0, 0.0, 3.0], chain_dim="run")
    expected = series_histograms.series_histogram(array.to_numpy(), edges=[-3.0, 0.0, 3.0])
    np.testing.assert_allclose(face["density"], expected.density)
    np.testing.assert_allclose(face["covariance"], expected.covariance)
    assert face["bin_center"].to_numpy().tolist() == [-1.5, 1.5]
    assert face["bin_left"].attrs["units"] == "nat"


def test_reweighted_means_lie_along_target() -> None:
    array, energy = samples(), samples(1)
    terms = {"field": energy, "penalty": energy**2}
    change = {"field": [0.1, 0.2, 90.0]}
    face = labelled.reweighted_mean(array, terms, change=change)
    lazy = labelled.reweighted_mean(
        chunked(array), {name: chunked(term) for name, term in terms.items()}, change=change
    )
    expected = reweighting.reweighted_mean(
        plain(array),
        np.stack([plain(energy), plain(energy) ** 2]),
        change=[[0.1, 0.0], [0.2, 0.0], [90.0, 0.0]],
    )
    same(face, lazy, dict(expected._asdict()))
    assert face["value"].dims == ("run", "layer", "target")
    assert face["change_field"].to_numpy().tolist() == [0.1, 0.2, 90.0]
    assert np.all(face["status"].isel(target=2) == Status.REFUSED)
    with pytest.raises(InvalidValueError, match="controls \\['field', 'penalty'\\], received"):
        labelled.reweighted_mean(array, terms, change={"fields": 1.0})
    with pytest.raises(InvalidValueError, match="at least one term"):
        labelled.reweighted_mean(array, {}, change={})


def test_states_are_named_by_their_controls() -> None:
    fields = xr.DataArray([0.0, 0.4, 0.8, 1.2], dims="run")
    x = samples().isel(layer=0, drop=True) - 0.5 + fields
    x = x.assign_coords(record_count=("run", [300, 200, 300, 250]))
    states = labelled.solve_states({"field": -x}, coefficients={"field": fields})
    lengths = [300, 200, 300, 250]
    runs = [-x.to_numpy()[run : run + 1, :n] for run, n in enumerate(lengths)]
    expected = multistate.solve_states(runs, coefficients=fields.to_numpy()[:, np.newaxis])
    table = states.table()
    np.testing.assert_allclose(table["free_energy"], expected.free_energy)
    np.testing.assert_allclose(table["field"], fields)
    np.testing.assert_allclose(table["overlap"].sum("other_state"), 1.0)
    mean = labelled.multistate_mean(states, chunked(x), coefficients={"field": [0.5, 0.6]})
    other = multistate.multistate_mean(
        expected, [-run[0] for run in runs], coefficients=[[0.5], [0.6]]
    )
    np.testing.assert_allclose(mean["value"], other.value)
    np.testing.assert_allclose(mean["field"], [0.5, 0.6])
    free = labelled.multistate_free_energy(states, coefficients={"field": 0.4})
    np.testing.assert_allclose(free["value"], [expected.free_energy[1]], atol=1e-9)
    with pytest.raises(InvalidValueError, match="coefficient for each term"):
        labelled.solve_states({"field": x}, coefficients={})
    with pytest.raises(InvalidValueError, match="targets need the controls"):
        labelled.multistate_free_energy(states, coefficients={})


def test_ragged_chains_agree_as_those_of_the_arrays() -> None:
    values = np.random.default_rng(8).normal(size=(3, 2, 50)) + np.arange(3.0)[:, None, None]
    lengths = [50, 9, 31]
    array = xr.DataArray(
        np.where(np.arange(50) < np.array(lengths)[:, None, None], values, np.nan),
        dims=("replica", "layer", "record"),
        coords={"record_count": ("replica", lengths), "layer": [5, 7]},
    )
    chains = [chain[:, :length] for chain, length in zip(values, lengths, strict=True)]
    for face, function in (
        (labelled.ragged_split_r_hat, convergence.ragged_split_r_hat),
        (
            labelled.ragged_rank_normalised_split_r_hat,
            convergence.ragged_rank_normalised_split_r_hat,
        ),
    ):
        result = face(array, chain_dim="replica")
        assert result.dims == ("layer",)
        np.testing.assert_array_equal(result["layer"], [5, 7])
        np.testing.assert_allclose(result, function(chains), rtol=1e-12)
        with pytest.raises(InvalidValueError, match="need the coordinate 'record_count'"):
            face(array.drop_vars("record_count"), chain_dim="replica")
        for wrong in ([51, 9, 31], [-1, 9, 31], [2.5, 9, 31], [np.nan, 9, 31]):
            with pytest.raises(InvalidValueError, match="whole numbers from 0 to 50"):
                face(array.assign_coords(record_count=("replica", wrong)), chain_dim="replica")
