"""What a wheel holds: every package, and the images that lie in `data/` in a clone."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from phasegrok.tasks.mnist import SHIPPED

ROOT = Path(__file__).parents[1]
IMAGES = "phasegrok.tasks.mnist_subset"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["tool"]["setuptools"]
    return found


def test_every_package_is_listed(described: dict[str, Any]) -> None:
    folders = {each.parent for each in (ROOT / "phasegrok").rglob("*.py")}
    here = {".".join(each.relative_to(ROOT).parts) for each in folders}
    assert sorted(described["packages"]) == sorted(here | {IMAGES})


def test_the_images_have_one_home_and_a_wheel_takes_all_of_it(
    described: dict[str, Any],
) -> None:
    home = ROOT / described["package-dir"][IMAGES]
    assert not (ROOT / "phasegrok" / "tasks" / "mnist_subset").exists()
    taken = {
        path.name
        for pattern in described["package-data"][IMAGES]
        for path in home.glob(pattern)
    }
    assert taken == {path.name for path in home.iterdir()}
    assert {path.name for path in SHIPPED.glob("*.gz")} == {
        name for name in taken if name.endswith(".gz")
    }
