"""The table of docs/architecture.md, as a test: layers, packages, no cycles."""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "phasegrok"
ARCHITECTURE = REPOSITORY / "docs" / "architecture.md"
HEADER = ["Room", "Holds", "May import", "Packages"]
ROOT_FILES = {"__init__", "__main__"}  # The public names and `python -m phasegrok`.


class Room(NamedTuple):
    """One room's rights."""

    may_import: frozenset[str]
    packages: frozenset[str]


class Import(NamedTuple):
    """One import: the module as written, and the name taken from it, or nothing."""

    module: str
    member: str

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]

    @property
    def room(self) -> str:
        """Room of phasegrok that is entered; a name of the root counts as a room of its own."""
        return [*self.module.split("."), self.member, ""][1]


def table_rows() -> list[list[str]]:
    """Cells of the table of rooms, without its header."""
    lines = ARCHITECTURE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    start = cells.index(HEADER) + 2
    rows = []
    for line, row in zip(lines[start:], cells[start:], strict=True):
        if not line.startswith("|"):
            break
        rows.append(row)
    return rows


def rooms() -> dict[str, Room]:
    """Rights of every room, as the table gives them."""
    found: dict[str, Room] = {}
    vocabulary: frozenset[str] = frozenset()
    for names_cell, _, imports_cell, packages_cell in table_rows():
        names = re.findall(r"`(\w+)`", names_cell)
        allowed = frozenset(re.findall(r"`(\w+)`", imports_cell)) | vocabulary
        if imports_cell == "everything above":
            allowed = frozenset(found)
        packages = frozenset(packages_cell.split(", ")) - {"none"}
        found.update({name: Room(allowed, packages) for name in names})
        vocabulary = vocabulary or frozenset(names)
    return found


def imports_of(source: str) -> Iterator[Import]:
    """Everything a file imports: at the top, late, for typing only, or by a name in quotes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise AssertionError(f"line {node.lineno}: relative imports are refused")
            yield from (Import(node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            name = called.id if isinstance(called, ast.Name) else called
            first = node.args[0]
            if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield Import(str(first.value), "")


def breaches(room: str, source: str) -> list[str]:
    """Imports of a file in a room that the table does not allow."""
    rights = rooms()[room]
    found = []
    for each in imports_of(source):
        if each.package == "phasegrok":
            if each.room != room and each.room not in rights.may_import:
                found.append(f"{room} may not import {each.room or 'the root'}")
        elif each.package not in sys.stdlib_module_names | rights.packages:
            found.append(f"{room} may not import {each.package}")
    return found


def module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Which module imports which, counting late and typing imports."""
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        targets = set()
        for each in imports_of(source):
            member = f"{each.module}.{each.member}"
            targets.add(member if member in sources else each.module)
        graph[name] = targets & set(sources)
    return graph


def sources() -> dict[str, str]:
    """Text of every module of the package, by its name."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {module_name(path): path.read_text(encoding="utf-8") for path in paths}


ROOM_FILES = {
    path.relative_to(PACKAGE).as_posix(): path.relative_to(PACKAGE).with_suffix("").parts[0]
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).with_suffix("").parts[0] not in ROOT_FILES
}


def test_the_table_and_the_tree_name_the_same_rooms() -> None:
    assert set(ROOM_FILES.values()) == set(rooms())


def test_every_room_of_the_library_has_a_page() -> None:
    pages = {path.stem for path in (REPOSITORY / "docs" / "api").glob("*.md")}
    assert pages == set(rooms()) - {"report", "demo", "cli"}


def test_the_table_itself_has_no_cycle_and_names_only_rooms() -> None:
    table = rooms()
    unknown = {name for room in table.values() for name in room.may_import} - set(table)
    assert not unknown
    TopologicalSorter({name: room.may_import for name, room in table.items()}).prepare()


def test_only_the_left_of_the_waist_may_use_torch() -> None:
    with_torch = {name for name, room in rooms().items() if "torch" in room.packages}
    assert with_torch == {"networks", "observables", "dynamics", "collect"}
    right = ("runs", "statistics", "inference", "transitions", "plotting", "report")
    for name in right:
        assert not with_torch & rooms()[name].may_import, name


@pytest.mark.parametrize("package", ["h5py", "emcee", "matplotlib", "tqdm"])
def test_one_room_speaks_to_each_of_these_packages(package: str) -> None:
    assert sum(package in room.packages for room in rooms().values()) == 1


@pytest.mark.parametrize("file", ROOM_FILES)
def test_imports_respect_the_layers(file: str) -> None:
    source = (PACKAGE / file).read_text(encoding="utf-8")
    assert breaches(ROOM_FILES[file], source) == []


@pytest.mark.parametrize("file", sorted(ROOT_FILES))
def test_the_root_imports_only_phasegrok(file: str) -> None:
    path = PACKAGE / f"{file}.py"
    packages = {each.package for each in imports_of(path.read_text(encoding="utf-8"))}
    assert packages <= {"phasegrok"} | sys.stdlib_module_names


def test_the_modules_have_no_cycle() -> None:
    TopologicalSorter(module_graph(sources())).prepare()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch", "may not import torch"),
        ("def late():\n    import torch.nn as nn", "may not import torch"),
        ("if TYPE_CHECKING:\n    from torch import Tensor", "may not import torch"),
        ("import importlib\nimportlib.import_module('torch')", "may not import torch"),
        ("from phasegrok.inference import emcee_fit", "may not import inference"),
        ("def late():\n    from phasegrok import plotting", "may not import plotting"),
        ("import phasegrok.dynamics.loop", "may not import dynamics"),
        ("from phasegrok import open_runs", "may not import open_runs"),
        ("import phasegrok", "may not import the root"),
    ],
)
def test_a_breach_is_seen(source: str, expected: str) -> None:
    found = breaches("statistics", source)
    assert len(found) == 1
    assert expected in found[0]


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(AssertionError, match="relative imports are refused"):
        breaches("statistics", "from . import moments")


def test_a_cycle_through_a_late_import_is_seen() -> None:
    planted = {
        "phasegrok.statistics.moments": "from phasegrok.statistics.samples import draw",
        "phasegrok.statistics.samples": "def f():\n    import phasegrok.statistics.moments",
    }
    with pytest.raises(CycleError, match="in a cycle"):
        TopologicalSorter(module_graph(planted)).prepare()
