"""Where exports may be written: nothing is replaced but an older export, and that if asked."""

import json
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from phasegrok.errors import InvalidValueError
from phasegrok.runs.disk import PARTIAL
from phasegrok.runs.folder import DAMAGED, DESCRIPTION, LOCK, RECORDING_LOCK
from phasegrok.runs.live import LIVE
from phasegrok.runs.reading import Shard
from phasegrok.runs.shard import HDF5_SIGNATURE, SHARD_PATTERN, is_shard
from phasegrok.runs.unfinished import FOLDER as CHECKPOINTS

__all__ = ["free_target", "require_elsewhere", "taken"]

_OF_A_STUDY: Final = (
    DESCRIPTION,
    LOCK,
    LIVE,
    f"{PARTIAL}*",
    f"{RECORDING_LOCK}*",
    CHECKPOINTS,
    f"{SHARD_PATTERN}{DAMAGED}*",
)
"""What the files of a study are called besides its shards."""

_SIGNATURES: Final = (HDF5_SIGNATURE, b"CDF\x01", b"CDF\x02", b"CDF\x05")
"""How HDF5, and so netCDF-4, and the older netCDF files begin."""

_MARKS: Final = ("zarr.json", ".zgroup")
"""Files of which every Zarr store has one, of format 3 and 2."""

_BESIDE: Final = (*_MARKS, ".zattrs", ".zmetadata")


def free_target(target: str | Path, *, overwrite: bool, store: bool = False) -> Path:
    """Check that a file, or a store that is a folder, may be made under a name.

    Parameters
    ----------
    target : path
        The name.
    overwrite : bool
        Whether an older export of that kind may be replaced.
    store : bool
        Whether a Zarr store will be made, else a netCDF file.

    Raises
    ------
    InvalidValueError
        If it is no path, taken, what files of a study are called, or that of something else
        than an older export.
    """
    if not isinstance(target, str | Path) or not str(target):
        raise InvalidValueError(
            f"the target must be the path of a file to be made, received {target!r}."
        )
    target = Path(target)
    _require_own_name(target)
    is_export = _is_store(target) if store else _is_file(target)
    if target.is_dir() and not is_export:
        raise InvalidValueError(
            f"{target} is a folder with other things in it; give a name that is free."
        )
    if target.exists() and not is_export:
        kind = "Zarr store" if store else "netCDF or HDF5 file"
        raise InvalidValueError(
            f"{target} is there already and is no {kind}, and nothing else is replaced by one; "
            "give a name that is free."
        )
    if target.exists() and not overwrite:
        raise InvalidValueError(taken(target))
    return target


def require_elsewhere(target: Path, shards: Sequence[Shard]) -> None:
    """Refuse to write over what is read.

    Raises
    ------
    InvalidValueError
        If the target is one of the shards.
    """
    if target.resolve() in [shard.path.resolve() for shard in shards]:
        raise InvalidValueError(f"{target} cannot be made of itself; give another target.")


def taken(target: Path) -> str:
    """Say that a name is taken."""
    return (
        f"{target} is there already, and nothing is overwritten unasked; choose another name, "
        "or have it replaced by overwrite=True (--overwrite on the command line)."
    )


def _require_own_name(target: Path) -> None:
    # Some file systems take large letters for small ones.
    name = target.name.lower()
    if is_shard(Path(name)):
        raise InvalidValueError(
            f"{target.name!r} is what shards are called, and the file would be taken for one; "
            "give the target another name, such as study.nc."
        )
    if any(fnmatch(name, pattern) for pattern in _OF_A_STUDY):
        raise InvalidValueError(
            f"{target.name!r} is what a file of the folder of a study is called, and may not "
            "be replaced; give the target another name, such as study.nc."
        )


def _is_file(target: Path) -> bool:
    """Tell whether a netCDF or another HDF5 file is there, by how it begins."""
    try:
        if not target.is_file():
            return False
        with target.open("rb") as file:
            return file.read(8).startswith(_SIGNATURES)
    except OSError:
        return False


def _is_store(target: Path) -> bool:
    """Tell whether a folder is a Zarr store with nothing else in it."""
    try:
        if not any("zarr_format" in _json(target / name) for name in _MARKS):
            return False
        return all(each.is_dir() or each.name in _BESIDE for each in target.iterdir())
    except OSError:
        return False


def _json(file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
