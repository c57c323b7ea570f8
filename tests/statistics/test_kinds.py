"""What has no labels is refused before anything is read off it."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.kinds import (
    require_array,
    require_dataset,
    require_mapping,
    require_number_or_array,
)
from phasegrok.transitions import demands

ARRAY = xr.DataArray(np.zeros(3), dims="run")
DATASET = ARRAY.to_dataset(name="energy")


def test_labelled_things_pass() -> None:
    require_array("the energy", ARRAY)
    require_dataset("the runs", DATASET)
    require_mapping("terms", {"field": ARRAY})
    for value in (ARRAY, 1, 2.5, np.float32(2.5), np.int64(3), np.array(2.5)):
        require_number_or_array("a size", value)


@pytest.mark.parametrize("value", [ARRAY.to_numpy(), DATASET, [0.0], 1.0, None, "energy"])
def test_an_array_has_labels_and_one_variable(value: Any) -> None:
    name = type(value).__name__
    with pytest.raises(
        InvalidValueError,
        match=rf"the energy must be a labelled array .* received {name}; take",
    ):
        require_array("the energy", value)


@pytest.mark.parametrize("value", [ARRAY, ARRAY.to_numpy(), {"energy": [0.0]}, None])
def test_a_dataset_is_one(value: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"the runs must be a dataset .* give all"):
        require_dataset("the runs", value)


@pytest.mark.parametrize("value", [ARRAY, [("field", 1.0)], 3.0, None, "field"])
def test_names_are_needed(value: Any) -> None:
    with pytest.raises(InvalidValueError, match="terms must be given by name, received"):
        require_mapping("terms", value)


@pytest.mark.parametrize("value", [ARRAY.to_numpy(), DATASET, [1.0], (), None, "3", 1j])
def test_numbers_of_several_runs_need_labels(value: Any) -> None:
    with pytest.raises(InvalidValueError, match="a size, unless it is one number, must be"):
        require_number_or_array("a size", value)


def test_transitions_demand_by_the_same_functions() -> None:
    assert demands.require_array is require_array
    assert demands.require_dataset is require_dataset
