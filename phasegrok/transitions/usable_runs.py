"""Which runs and records enter a signature, read from the labels of the schema."""

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import InvalidValueError
from phasegrok.schema import RUN, Outcome
from phasegrok.statistics.samples import BoolArray

__all__ = ["record_counts", "usable_runs"]

USABLE: Final = (Outcome.FINISHED.value, Outcome.TRUNCATED.value)


def record_counts(made: xr.DataArray, most: int) -> NDArray[np.int64]:
    """Valid records of every run.

    Parameters
    ----------
    made : DataArray
        ``record_count`` on (run,).
    most : int
        Records that there are.

    Returns
    -------
    (run,) integer array
        At most `most`.

    Raises
    ------
    InvalidValueError
        For other dimensions, or what are no whole numbers of zero or more.
    """
    counts = made.to_numpy()
    sound = made.dims == (RUN,) and counts.dtype.kind in "iuf"
    if not sound or not (counts >= 0).all() or (counts != np.floor(counts)).any():
        raise InvalidValueError(
            "the coordinate 'record_count' must hold a whole number of zero or more for every "
            f"run, received {counts.ravel()[:3].tolist()} of {counts.dtype} on {made.dims}; "
            "count the records that were made."
        )
    valid: NDArray[np.int64] = np.minimum(counts, most).astype(np.int64)
    return valid


def usable_runs(outcome: xr.DataArray) -> BoolArray:
    """Tell which runs finished, or were cut short in sound condition.

    Parameters
    ----------
    outcome : DataArray
        Words of `phasegrok.schema.Outcome` on (run,).

    Returns
    -------
    (run,) bool array

    Raises
    ------
    InvalidValueError
        For other dimensions.
    """
    if outcome.dims != (RUN,):
        raise InvalidValueError(
            f"the coordinate 'outcome' must lie on 'run', received it on {outcome.dims}; give "
            "every run its own."
        )
    return np.isin(outcome.to_numpy().astype(str), USABLE)
