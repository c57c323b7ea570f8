"""What a file says of its arrays and groups: read, and hashed to tell a flipped bit."""

from collections.abc import Mapping
from typing import Any, Final

import h5py
import numpy as np

from phasegrok.runs.versions import content_checksum
from phasegrok.schema import ATTRIBUTE

__all__ = ["OF_FILE", "OF_NETCDF", "described_checksum", "said_of"]

OF_FILE: Final = frozenset({ATTRIBUTE, "coordinates", "_NCProperties"})
"""Attributes of a group that are no one's but the file's."""

OF_NETCDF: Final = frozenset(
    {
        "CLASS",
        "NAME",
        "REFERENCE_LIST",
        "DIMENSION_LIST",
        "_Netcdf4Dimid",
        "_Netcdf4Coordinates",
    }
)
"""Attributes by which netCDF ties dimensions."""

_REFERENCES: Final = frozenset({"REFERENCE_LIST", "DIMENSION_LIST"})


def said_of(owner: Any) -> dict[str, Any]:
    """Read all attributes of an array or group.

    Parameters
    ----------
    owner : h5py object
        A dataset or group of an open file.

    Returns
    -------
    dict
        Without the description of the whole and the references between arrays.
    """
    attributes = owner.attrs
    return {
        name: attributes[name]
        for name in attributes
        if name != ATTRIBUTE and name not in _REFERENCES
    }


def described_checksum(said: Mapping[str, Any]) -> str:
    """Hash what is said of an array or group.

    Parameters
    ----------
    said : mapping
        As `said_of` reads it.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    # A damaged name may be no text.
    return content_checksum({str(name): _plain(value) for name, value in said.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return ["empty", str(value.dtype)]
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    # JSON holds no bytes and the like.
    known = array.dtype.kind in "biufU"
    return [str(array.dtype), array.tolist() if known else repr(array.tolist())]
