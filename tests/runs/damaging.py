"""Damage the files of a study one way after the other, and tell what becomes of each.

Run as ``python damaging.py FOLDER`` in a process of its own, since a damaged file may crash the
HDF5 library. It reads damages from its standard input, one JSON list ``[file, kind, offset,
argument]`` a line, and writes one line for each: how it was told, or what went wrong.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from phasegrok.errors import PhasegrokError
from phasegrok.runs import check_study, open_runs, pooled, states


def damaged(content: bytes, kind: str, offset: int, argument: int) -> bytes:
    """What is left of a file."""
    if kind == "flip":
        return content[:offset] + bytes([content[offset] ^ argument]) + content[offset + 1 :]
    if kind == "truncate":
        return content[:offset]
    if kind == "append":
        return content + bytes([argument]) * offset
    hole = min(argument, len(content) - offset)
    return content[:offset] + bytes(hole) + content[offset + hole :]


def seen(folder: Path) -> dict[str, Any]:
    """Everything that opening a study gives: values, types, dimensions, attributes."""
    found = dict(_of("runs", open_runs(folder)))
    found.update(_of("pooled", pooled(folder, "overlap").to_dataset()))
    found.update(_of("states", states(folder)))
    return found


def _of(view: str, dataset: xr.Dataset) -> Iterator[tuple[str, Any]]:
    yield f"{view}", {key: str(value) for key, value in dataset.attrs.items()}
    for name, variable in dataset.variables.items():
        values = np.asarray(variable.values)
        bits = values.tolist() if values.dtype.kind == "O" else values.tobytes()
        said = {key: str(value) for key, value in variable.attrs.items()}
        yield f"{view}/{name}", (variable.dims, str(values.dtype), bits, said)


def judged(folder: Path, pristine: dict[str, Any], kind: str) -> str:
    """How a damage was told; a flipped bit that opening refuses needs no check besides."""
    try:
        now = seen(folder)
        differing = [
            name for name in {**pristine, **now} if pristine.get(name) != now.get(name)
        ]
        how = "changed" if differing else "unchanged"
    except PhasegrokError:
        if kind == "flip":
            return "refused"
        how, differing = "refused", []
    except Exception as error:
        return f"opening raised {type(error).__name__}: {error}"
    try:
        found = not check_study(folder).ok
    except Exception as error:
        return f"checking raised {type(error).__name__}: {error}"
    if how == "unchanged" or found:
        return how + (" and found" if found else "")
    return f"silently {how}: {sorted(differing)}"


def main(folder: Path) -> None:
    """Carry out what is asked for on standard input."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    pristine = seen(folder)
    for line in sys.stdin:
        name, kind, offset, argument = json.loads(line)
        path = folder / name
        path.write_bytes(damaged(contents[name], kind, offset, argument))
        sys.stdout.write(judged(folder, pristine, kind) + "\n")
        sys.stdout.flush()
        path.write_bytes(contents[name])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
