"""With what, where and when something was computed; enough to explain a difference later."""

import platform
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["instruction_set", "package_versions", "provenance"]

_PACKAGES = ("phasegrok", "torch", "numpy", "scipy", "xarray", "h5py", "h5netcdf", "emcee")

_RELEVANT = ("sse4_2", "avx", "fma", "avx2", "f16c", "amx_tile", "amx_bf16", "asimd", "sve")


def provenance(details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe this process as plain data.

    Parameters
    ----------
    details : mapping, optional
        What the caller knows besides: device, dtype, threads, seed, seconds spent.

    Returns
    -------
    dict
        ``python``, ``packages`` (name to version, without importing any), ``platform``,
        ``machine``, ``instruction_set``, ``command`` and ``created`` (UTC), then the details.
        The names of the host and of folders of the program are left out: they say nothing
        about the numbers.
    """
    return {
        "python": platform.python_version(),
        "packages": package_versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "instruction_set": instruction_set(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **(details or {}),
    }


def package_versions() -> dict[str, str]:
    """Look up the versions of the installed packages whose numbers enter a result."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def instruction_set() -> list[str]:
    """Name the vector instructions of this processor, which decide the last bits of a sum.

    Returns
    -------
    list of str
        Sorted; empty where the system does not tell.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = (line for line in text.splitlines() if line.startswith(("flags", "Features")))
    flags = next(lines, "").partition(":")[2].split()
    return sorted(flag for flag in flags if flag in _RELEVANT or flag.startswith("avx512"))
