"""Resampling by name: the arrays' numbers, one draw for all chunks, nothing computed early."""

from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.statistics import bootstrap_of_series, jackknife_of_series, labelled
from phasegrok.statistics.resampling import (
    block_bootstrap,
    block_bootstrap_distribution,
    block_jackknife,
)
from phasegrok.statistics.samples import FloatArray


def generator() -> np.random.Generator:
    return np.random.default_rng(5)


def child() -> np.random.Generator:
    return generator().spawn(1)[0]


def average(samples: FloatArray) -> FloatArray:
    result: FloatArray = samples.mean(axis=-1)
    return result


def second(means: FloatArray) -> FloatArray:
    result: FloatArray = means[0] ** 2 + means[-1]
    return result


def samples() -> xr.DataArray:
    values = np.random.default_rng(0).normal(size=(120, 4, 3)).cumsum(axis=0) * 0.1
    return xr.DataArray(
        values,
        dims=("record", "run", "layer"),
        coords={"run": [3, 1, 4, 2]},
        attrs={"units": "1"},
    )


def plain() -> FloatArray:
    return samples().transpose("run", "layer", "record").to_numpy()


def untouchable(array: xr.DataArray) -> xr.DataArray:
    """The same by dask, where every look at a number raises."""

    def refuse(block: FloatArray) -> FloatArray:
        raise RuntimeError(f"computed early, {block.shape}")

    held: Any = array.chunk({"record": 30, "run": 2}).data
    return array.copy(data=held.map_blocks(refuse, dtype=np.float64, meta=np.empty((0, 0, 0))))


def two(array: xr.DataArray) -> list[xr.DataArray]:
    return [array, array**2]


Face = Callable[[xr.DataArray], xr.Dataset]
FACES: dict[str, tuple[Face, Callable[[], object]]] = {
    "block_jackknife": (
        lambda array: labelled.block_jackknife(average, array, block_length=10),
        lambda: block_jackknife(average, plain(), block_length=10),
    ),
    "block_bootstrap": (
        lambda array: labelled.block_bootstrap(
            average, array, generator=generator(), block_length=10, resamples=20
        ),
        lambda: block_bootstrap(
            average, plain(), generator=child(), block_length=10, resamples=20
        ),
    ),
    "jackknife_of_means": (
        lambda array: labelled.jackknife_of_means(second, two(array)),
        lambda: jackknife_of_series(second, [plain(), plain() ** 2]),
    ),
    "bootstrap_of_means": (
        lambda array: labelled.bootstrap_of_means(
            second, two(array), generator=generator(), resamples=20
        ),
        lambda: bootstrap_of_series(
            second, [plain(), plain() ** 2], generator=child(), resamples=20
        ),
    ),
}


@pytest.mark.parametrize("name", FACES)
def test_faces_give_the_numbers_of_the_arrays(name: str) -> None:
    face, array_function = FACES[name]
    expected = array_function()._asdict()  # type: ignore[attr-defined]
    eager, lazy = face(samples()), face(samples().chunk({"record": 50, "run": 1}))
    for field, values in expected.items():
        assert eager[field].dims == ("run", "layer")
        np.testing.assert_array_equal(eager["run"], [3, 1, 4, 2])
        np.testing.assert_allclose(eager[field], values, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(lazy[field].compute(), values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", FACES)
def test_nothing_is_computed_before_it_is_asked_for(name: str) -> None:
    lazy = FACES[name][0](untouchable(samples()))
    assert all(isinstance(part.data, dask.array.Array) for part in lazy.data_vars.values())
    with pytest.raises(RuntimeError, match="computed early"):
        lazy.compute()


def test_distributions_lie_along_resample() -> None:
    def face(array: xr.DataArray, own: np.random.Generator) -> xr.DataArray:
        return labelled.block_bootstrap_distribution(
            average, array, generator=own, block_length=10, resamples=7
        )

    expected = block_bootstrap_distribution(
        average, plain(), generator=child(), block_length=10, resamples=7
    )
    drawn = face(samples(), generator())
    assert drawn.dims == ("run", "layer", "resample")
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)
    lazy = face(samples().chunk({"run": 1}), generator())
    np.testing.assert_allclose(lazy.compute(), expected, rtol=1e-12)
    assert face(untouchable(samples()), generator()).shape == (4, 3, 7)


def test_the_next_call_draws_others_and_a_repeated_one_the_same() -> None:
    own, again = generator(), generator()
    array = samples().chunk({"run": 2})

    def error(source: np.random.Generator) -> FloatArray:
        result = labelled.block_bootstrap(average, array, generator=source, resamples=20)
        return np.asarray(result["error"].compute().to_numpy())

    first = error(own)
    assert np.any(first != error(own))
    np.testing.assert_array_equal(first, error(again))


def test_every_point_of_a_bootstrap_is_what_it_is_alone() -> None:
    # Slow and fast points have blocks of unequal number, each with draws of its own.
    fast = np.random.default_rng(1).normal(size=(3, 2000))
    slow = fast.copy()
    for step in range(1, 2000):
        slow[:, step] = 0.95 * slow[:, step - 1] + fast[:, step]
    series = np.concatenate([slow, fast])[np.newaxis]
    together = bootstrap_of_series(second, series, generator=generator(), resamples=50)
    for point in range(6):
        alone = bootstrap_of_series(
            second, series[:, point], generator=generator(), resamples=50
        )
        np.testing.assert_allclose(together.error[point], alone.error, rtol=1e-10)
        np.testing.assert_allclose(together.value[point], alone.value, rtol=1e-10)


def test_bootstrap_and_jackknife_of_correlated_series_agree() -> None:
    noise = np.random.default_rng(2).normal(size=4000)
    series = np.convolve(noise, np.ones(20), mode="valid")[np.newaxis] + 30.0
    drawn = bootstrap_of_series(second, series, generator=generator(), resamples=4000)
    left_out = jackknife_of_series(second, series)
    # What is known of both is the same up to the noise of the draws.
    assert abs(drawn.error / left_out.error - 1.0) < 4.0 / 8000**0.5 + 0.02


def test_refusals() -> None:
    with pytest.raises(InvalidValueError, match="list of at least one labelled array"):
        labelled.bootstrap_of_means(second, samples(), generator=generator())  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match=r"need the dimension\(s\) \['sample'\]"):
        labelled.block_jackknife(average, samples(), dim="sample")
    with pytest.raises(InvalidValueError, match=r"need the dimension\(s\) \['sample'\]"):
        labelled.block_bootstrap_distribution(
            average, samples(), generator=generator(), dim="sample"
        )
    with pytest.raises(InvalidValueError, match="at least 2 resamples"):
        labelled.bootstrap_of_means(second, [samples()], generator=generator(), resamples=1)
