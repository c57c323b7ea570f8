"""When runs were looked at: one axis where all runs agree."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FILL", "agreed_axis", "fill_value", "made"]

FILL = {"f": float("nan"), "i": -1}
"""What stands where no record was made, by the kind of number."""


def fill_value(dtype: npt.DTypeLike) -> Any:
    """Tell what stands where no record was made: NaN for floats, -1 for integers."""
    return FILL[np.dtype(dtype).kind]


def made(record_count: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.bool_]:
    """Tell which records were made.

    Parameters
    ----------
    record_count : (run,) array
        Number of records that each run made.
    length : int
        Length of the axis ``record``.

    Returns
    -------
    (run, record) array of bool
    """
    return np.arange(length)[None, :] < record_count[:, None]


def agreed_axis(
    values: npt.NDArray[Any], record_count: npt.NDArray[np.int64]
) -> npt.NDArray[Any] | None:
    """Find the one axis that all runs share, as far as each of them came.

    Parameters
    ----------
    values : (run, record) array
        Steps or times.
    record_count : (run,) array
        Number of records that each run made; runs that ended early have no say later.

    Returns
    -------
    (record,) array or None
        The axis of the longest run, with fill where none came; None if two runs differ.
    """
    length = values.shape[1]
    valid = made(record_count, length)
    longest = int(np.argmax(record_count))
    axis: npt.NDArray[Any] = values[longest].copy()
    if not np.array_equal(values[valid], np.broadcast_to(axis, values.shape)[valid]):
        return None
    axis[record_count[longest] :] = fill_value(axis.dtype)
    return axis
