"""Samples as they should not be: strategies that draw them, and what may come of them."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pytest
import xarray as xr
from hypothesis import strategies as st
from numpy.typing import NDArray

from phasegrok.errors import PhasegrokError

LONGEST = 40


@st.composite
def rows(draw: st.DrawFn, shape: tuple[int, ...]) -> NDArray[Any]:
    """White noise, constants, few values, integers, booleans, and any floats at all."""
    kind = draw(st.sampled_from(["noise", "constant", "few", "integers", "booleans", "any"]))
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    scale = draw(st.sampled_from([1.0, 1e-300, 1e-9, 1e9, 1e149]))
    if kind == "constant":
        return np.full(shape, draw(st.sampled_from([0.0, -0.0, 0.1, 3.0, -1e149])))
    if kind == "integers":
        return generator.integers(-3, 4, size=shape)
    if kind == "booleans":
        return generator.random(shape) < 0.5
    values = generator.normal(size=shape) * scale
    if kind == "few":
        values = np.round(generator.normal(size=shape)) * scale
    if kind == "any" and values.size:
        wrong = draw(st.sampled_from([np.nan, np.inf, -np.inf, 1e308, 5e-324]))
        values.flat[draw(st.integers(0, values.size - 1))] = wrong
    return values


@st.composite
def arrays(draw: st.DrawFn) -> NDArray[Any]:
    """Chains of one length, (chain, sample), often too few or too short."""
    chains = draw(st.sampled_from([1, 2, 3, 0]))
    length = draw(st.sampled_from([LONGEST, 0, 1, 2, 3, 4, 7, 12, 25]))
    values: NDArray[Any] = draw(rows((chains, length)))
    return values


@st.composite
def ragged(draw: st.DrawFn) -> list[NDArray[Any]]:
    """Chains of unequal length."""
    lengths = draw(st.lists(st.sampled_from([0, 1, 2, 4, 9, LONGEST]), max_size=3))
    return [draw(rows((length,))) for length in lengths]


@st.composite
def labelled_arrays(draw: st.DrawFn) -> xr.DataArray:
    """Runs in the schema, whose labels repeat, are missing, or say that all failed."""
    values = draw(arrays())
    runs, records = values.shape
    words = draw(
        st.sampled_from([("finished",), ("failed",), ("finished", "diverged"), ("lost",)])
    )
    counts = draw(st.sampled_from([records, records - 1, 0, records + 1]))
    numbers = np.arange(runs)
    coordinates = {
        "disorder": ("run", numbers // draw(st.integers(1, 3))),
        "replica": ("run", numbers % draw(st.integers(1, 3))),
        "outcome": ("run", np.array([words[i % len(words)] for i in range(runs)], dtype=str)),
        "field": ("run", np.round(numbers * draw(st.sampled_from([0.0, 0.5, 1.0])))),
        "size": ("run", np.full(runs, 16)),
        "record_count": ("run", np.full(runs, counts)),
    }
    missing = draw(st.sampled_from([None, None, *coordinates]))
    kept = {name: value for name, value in coordinates.items() if name != missing}
    return xr.DataArray(values, dims=("run", "record"), coords=kept, name="order_parameter")


@final
@dataclass(frozen=True, kw_only=True)
class Bad:
    """What tests of robustness draw from."""

    arrays: st.SearchStrategy[NDArray[Any]]
    ragged: st.SearchStrategy[list[NDArray[Any]]]
    labelled: st.SearchStrategy[xr.DataArray]
    attempt: Callable[[Callable[[], Any]], Any]


def attempt(work: Callable[[], Any]) -> Any:
    """Give the result, or None where it is refused in our own words; all else is raised.

    A warning is an error here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = work()
            return result.compute() if isinstance(result, xr.Dataset) else result
        except PhasegrokError:
            return None


@pytest.fixture(scope="session")
def bad() -> Bad:
    return Bad(arrays=arrays(), ragged=ragged(), labelled=labelled_arrays(), attempt=attempt)
