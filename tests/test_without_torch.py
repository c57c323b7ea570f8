"""The analysis side works where torch cannot be imported; the root imports nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

REFUSE_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"torch is not to be had here: {name}", name="torch")
        return None

sys.meta_path.insert(0, NoTorch())
"""
ANALYSIS_SIDE = (
    "errors",
    "schema",
    "seeding",
    "study",
    "exact",
    "tasks",
    "theory",
    "runs",
    "statistics",
    "inference",
    "transitions",
    "verdict",
    "plotting",
    "report",
    "cli",
)
PUBLIC_NAMES = "[getattr(phasegrok, name) for name in phasegrok.__all__]"


def run_python(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a process and a folder of its own, as a user who installed the package."""
    return subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=folder, check=False
    )


@pytest.mark.parametrize("room", ANALYSIS_SIDE)
def test_the_analysis_side_needs_no_torch(room: str, tmp_path: Path) -> None:
    finished = run_python(f"{REFUSE_TORCH}\nimport phasegrok.{room}", tmp_path)
    assert finished.returncode == 0, finished.stderr


def test_the_refusal_refuses(tmp_path: Path) -> None:
    finished = run_python(f"{REFUSE_TORCH}\nimport torch", tmp_path)
    assert "torch is not to be had here" in finished.stderr


def test_every_public_name_of_the_analysis_loads_without_torch(tmp_path: Path) -> None:
    source = f"{REFUSE_TORCH}\nimport phasegrok\n{PUBLIC_NAMES}"
    finished = run_python(source, tmp_path)
    assert finished.returncode == 0, finished.stderr


def test_importing_the_root_imports_nothing_heavy(tmp_path: Path) -> None:
    source = (
        "import sys\nbefore = set(sys.modules)\nimport phasegrok\n"
        "roots = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(roots - set(sys.stdlib_module_names)))"
    )
    finished = run_python(source, tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "['phasegrok']"
