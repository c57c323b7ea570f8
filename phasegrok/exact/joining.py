"""Datasets of several sizes or seeds as one."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.schema import RECORD, RUN

__all__ = ["concatenated"]


def concatenated(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join runs of several sizes or seeds into one dataset.

    Parameters
    ----------
    datasets : sequence of Dataset
        Of one system. Their numbers of records may differ.

    Returns
    -------
    Dataset
        Shorter runs are filled with NaN, and ``record_count`` says what was made. The
        attribute is that of the first.

    Raises
    ------
    InvalidValueError
        If there is none, coordinates or variables differ, or a run stands in two of them.
    """
    if not datasets:
        raise InvalidValueError("there must be at least one dataset to join, received none.")
    names = [{str(name) for name in each.variables} for each in datasets]
    shared, every = names[0].intersection(*names), names[0].union(*names)
    differing = sorted(every - shared)
    if differing:
        raise InvalidValueError(
            f"the datasets must have the same names, and {differing} are only in some; join "
            "datasets of one system."
        )
    longest = max(each.sizes[RECORD] for each in datasets)
    joined = xr.concat(
        [_lengthened(each, longest) for each in datasets],
        RUN,
        data_vars="all",
        coords="all",
        compat="equals",
        join="exact",
        combine_attrs="override",
    )
    if len(np.unique(joined["run_id"].values.astype(str))) < joined.sizes[RUN]:
        raise InvalidValueError(
            "every run must stand in one dataset only; the same size, control and seed were "
            "given twice."
        )
    return joined


def _lengthened(dataset: xr.Dataset, length: int) -> xr.Dataset:
    missing = length - dataset.sizes[RECORD]
    if not missing:
        return dataset
    last = dataset["step"].values[:, -1:]
    later = last + np.arange(1, missing + 1)
    fill = {"step": later, "time": later.astype(np.float64)}
    padded = dataset.drop_vars(list(fill)).pad({RECORD: (0, missing)}, constant_values=np.nan)
    axes = {name: ((RUN, RECORD), np.hstack([dataset[name], fill[name]])) for name in fill}
    return padded.assign_coords(axes)
