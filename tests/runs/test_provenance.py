"""What a stored number can tell about where it comes from."""

import json
import platform
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from phasegrok.runs import provenance
from phasegrok.runs.provenance import instruction_set


def test_names_what_is_installed() -> None:
    found = provenance({"device": "cpu", "seed": 7})
    assert found["packages"]["numpy"] == np.__version__
    assert found["packages"]["phasegrok"] == version("phasegrok")
    assert found["python"] == platform.python_version()
    assert (found["device"], found["seed"]) == ("cpu", 7)
    assert json.loads(json.dumps(found)) == found
    assert socket.gethostname() not in json.dumps(found)


def test_tells_torch_without_importing_it() -> None:
    code = (
        "import sys; from importlib.util import find_spec; there = bool(find_spec('torch'));"
        "from phasegrok.runs import provenance; told = 'torch' in provenance()['packages'];"
        "sys.exit(0 if told == there and 'torch' not in sys.modules else 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reads_the_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "processor: 0\nflags\t\t: fpu avx2 sse4_2 avx512f ht\nflags: fma\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: lines)
    assert instruction_set() == ["avx2", "avx512f", "sse4_2"]


def test_does_without_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert instruction_set() == []
