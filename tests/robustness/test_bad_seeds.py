"""Every door of the analysis that draws random numbers refuses what is no seed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.inference import Model, ParameterSpace, fit_model, sample, uniform
from phasegrok.transitions import coexistence_points, fit_coexistence, moment_curves
from phasegrok.verdict import order_of_transition

SPACE = ParameterSpace((uniform("x", 0.0, 1.0, meaning="position"),))
MODEL = Model(
    name="flat", space=SPACE, log_likelihood=lambda values: np.zeros_like(values["x"])
)
SAMPLES = xr.DataArray(
    np.random.default_rng(0).standard_normal((12, 32)),
    dims=("run", "record"),
    coords={
        "g": ("run", np.tile(np.arange(4.0), 3)),
        "N": ("run", np.repeat([8.0, 16.0, 32.0], 4)),
    },
)
ALONG: dict[str, Any] = {"control": "g", "size": "N", "dimension": None}

DOORS: dict[str, Callable[..., Any]] = {
    "order_of_transition": partial(order_of_transition, SAMPLES, **ALONG),
    "coexistence_points": partial(coexistence_points, SAMPLES, **ALONG),
    "moment_curves": partial(moment_curves, SAMPLES, **ALONG),
    "fit_model": partial(fit_model, MODEL),
    "sample": partial(
        sample,
        lambda x: np.zeros(len(x)),
        np.random.default_rng(0).random((2, 8, 1)),
        names=("x",),
    ),
    "fit_coexistence": partial(
        fit_coexistence, np.random.default_rng(1).standard_normal((4, 20, 10))
    ),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("value", [-1, 0.5, "1", None, True, [1, 2], 10**80])
def test_what_is_no_seed_is_refused(door: str, value: object) -> None:
    with pytest.raises(InvalidValueError, match="a seed must be a whole number from 0"):
        DOORS[door](seed=value)
