"""The plug-ins of the contract tests on the path."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "dynamics" / "plug_ins")
