"""The examples of docs/schema.md run, and its tables name what the code knows."""

import re
from pathlib import Path

import pytest
import xarray as xr

from phasegrok.runs import open_runs, validate
from phasegrok.schema import RUN_COORDINATES, SCHEMA_VERSION, Outcome

PAGE = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
READING, RECORDING, TABLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(RECORDING, {})
    recorded = open_runs("my_study")
    assert recorded["weight_decay"].values.tolist() == [0.1, 0.2]
    assert recorded.sizes["record"] == 100
    for path in Path("my_study").glob("shard-*.h5"):
        exec(READING.replace("shard-0123456789abcdef.h5", path.name), {})
    printed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert printed == {"0.1", "0.2"}


def test_the_example_with_a_table_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(TABLE, {})
    stored: xr.Dataset = open_runs("from_a_table")
    assert validate(stored) == []
    assert stored["loss"].values.tolist() == [[1.0, 0.5], [1.0, 0.7]]


def test_the_page_names_every_coordinate_and_outcome() -> None:
    for name, meaning in RUN_COORDINATES.items():
        assert f"| `{name}` |" in PAGE, meaning
    for outcome in Outcome:
        assert f"`{outcome}`" in PAGE
    assert f"It is version {SCHEMA_VERSION};" in PAGE
