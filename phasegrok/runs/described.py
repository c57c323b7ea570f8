"""What a file says of its arrays and groups: read, and hashed to tell a flipped bit."""

from collections.abc import Mapping
from typing import Any, Final

import h5py
import numpy as np

from phasegrok.runs.versions import content_checksum
from phasegrok.schema import ATTRIBUTE

__all__ = ["OF_FILE", "OF_NETCDF", "attribute_value", "described_checksum", "said_of"]

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

_KINDS: Final = (
    h5py.h5t.TypeStringID,
    h5py.h5t.TypeIntegerID,
    h5py.h5t.TypeFloatID,
    h5py.h5t.TypeEnumID,
)

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

    Raises
    ------
    ValueError
        If a name is damaged.
    """
    attributes = owner.attrs
    if not all(isinstance(name, str) for name in attributes):
        raise ValueError(f"the name of an attribute of {owner.name!r} is no text")
    return {
        name: attribute_value(owner, name)
        for name in attributes
        if name != ATTRIBUTE and name not in _REFERENCES
    }


def attribute_value(owner: Any, name: str) -> Any:
    """Read an attribute of a kind that writers make.

    Parameters
    ----------
    owner : h5py object
        A file, dataset or group.
    name : str
        The attribute.

    Returns
    -------
    object
        None where there is no such attribute.

    Raises
    ------
    ValueError
        For another kind, at which h5py may crash where a damaged file states it.
    """
    if name not in owner.attrs:
        return None
    kind = h5py.h5a.open(owner.id, name.encode()).get_type()
    if not isinstance(kind, _KINDS):
        raise ValueError(f"the attribute {name!r} is neither text nor numbers")
    return owner.attrs[name]


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
    return content_checksum({name: _plain(value) for name, value in said.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return ["empty", str(value.dtype)]
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    # JSON holds no bytes and the like.
    known = array.dtype.kind in "biufU"
    return [str(array.dtype), array.tolist() if known else repr(array.tolist())]
