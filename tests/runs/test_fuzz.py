"""Damaged files: every number as it was, a refusal, or a finding; never another number."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from phasegrok.errors import FormatError, PhasegrokError
from phasegrok.runs import StudyFolder, check_study, open_runs, open_tree, pooled, states
from phasegrok.runs.versions import sealed
from phasegrok.schema import SCHEMA_VERSION

Damage = tuple[str, str, int, int]

TOLD = {"refused", "refused and found", "unchanged", "unchanged and found", "changed and found"}

PATIENCE = 120.0


@pytest.fixture
def one_shard(whole_study: Path) -> Path:
    """The folder with the shard that has weights, alone."""
    (whole_study / "expected.json").unlink()
    for path in whole_study.glob("shard-*.h5"):
        with h5py.File(path) as file:
            has_states = "states" in file
        if not has_states:
            path.unlink()
    return whole_study


def shard_in(folder: Path) -> Path:
    (path,) = folder.glob("shard-*.h5")
    return path


def told(folder: Path, damages: Sequence[Damage]) -> list[str]:
    """What became of each damage, in a process of its own that may not crash or hang."""
    script = Path(__file__).with_name("damaging.py")
    lines = "".join(json.dumps(each) + "\n" for each in damages)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(folder)],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE + len(damages),
    )
    found = done.stdout.splitlines()
    assert done.returncode == 0, (damages[len(found)], done.stderr[-2000:])
    return found


def assert_told(folder: Path, damages: Sequence[Damage]) -> Counter[str]:
    found = told(folder, damages)
    wrong = {
        damage: text for damage, text in zip(damages, found, strict=True) if text not in TOLD
    }
    assert not wrong
    return Counter(found)


def flips(path: Path, places: Sequence[int], seed: int) -> list[Damage]:
    bits = np.random.default_rng(seed).integers(8, size=len(places))
    return [
        (path.name, "flip", int(place), 1 << int(bit))
        for place, bit in zip(places, bits, strict=True)
    ]


def test_flipped_bits(one_shard: Path) -> None:
    path = shard_in(one_shard)
    generator = np.random.default_rng(1)
    places = np.sort(generator.choice(path.stat().st_size, size=200, replace=False))
    counts = assert_told(one_shard, flips(path, places.tolist(), 2))
    assert counts["refused"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_flipped_bits_everywhere(one_shard: Path, part: int) -> None:
    path = shard_in(one_shard)
    assert_told(one_shard, flips(path, range(part, path.stat().st_size, 8), part))


def test_flipped_bits_where_they_once_crashed_or_hung(one_shard: Path) -> None:
    """A text attribute of another kind; attributes and arrays whose names are no text."""
    path = shard_in(one_shard)
    content = path.read_bytes()
    kinds = [
        place
        for name in (b"long_name\0", b"layout\0", b"units\0", b"phasegrok\0")
        for place in _places(content, name)
    ]
    places = [place + delta for place in kinds for delta in (0, 2, 16, 17, 18)]
    damages: list[Damage] = [
        (path.name, "flip", place, bit) for place in places[:60] for bit in (4, 128)
    ]
    assert_told(one_shard, damages[::2])


def _places(content: bytes, word: bytes) -> Iterator[int]:
    place = content.find(word)
    while place >= 0:
        yield place
        place = content.find(word, place + 1)


def test_truncations(one_shard: Path) -> None:
    path = shard_in(one_shard)
    size = path.stat().st_size
    lengths = [0, 1, 7, 8, 100, *range(512, size, size // 12), size - 1]
    found = told(one_shard, [(path.name, "truncate", length, 0) for length in lengths])
    assert set(found) == {"refused and found"}


def test_lost_pages(one_shard: Path) -> None:
    path = shard_in(one_shard)
    size = path.stat().st_size
    damages: list[Damage] = [
        (path.name, "zeros", place, 4096) for place in range(0, size, 4096)
    ]
    damages += [(path.name, "zeros", place, 512) for place in range(256, size, 1536)]
    counts = assert_told(one_shard, damages)
    assert counts["refused and found"] > len(damages) // 2


def test_extra_bytes(one_shard: Path) -> None:
    path = shard_in(one_shard)
    damages = [(path.name, "append", count, byte) for count in (1, 4096) for byte in (0, 255)]
    assert set(told(one_shard, damages)) <= {"unchanged", "unchanged and found"}


def test_flipped_bits_in_the_description(one_shard: Path) -> None:
    path = one_shard / "study.json"
    places = range(0, path.stat().st_size, 29)
    counts = assert_told(one_shard, flips(path, places, 3))
    assert not counts["changed and found"]
    lengths = range(0, path.stat().st_size - 1, 211)
    cut = told(one_shard, [(path.name, "truncate", length, 0) for length in lengths])
    assert set(cut) == {"refused and found"}


def description(folder: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((folder / "study.json").read_text("utf-8"))
    return plain


KEYS = ("schema_version", "checksum", "identity", "study", "title", "plug_in_sources")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_key_of_the_description_is_lost(one_shard: Path, key: str, version: int) -> None:
    plain = description(one_shard)
    if version == 1:
        del plain["checksum"]
        plain["schema_version"] = 1
        if key == "checksum":
            return
    del plain[key]
    (one_shard / "study.json").write_text(json.dumps(plain))
    assert_refused(one_shard)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [None, 5, "x", [], {}, {"a": 1}, True])
def test_a_key_of_the_description_is_another(one_shard: Path, key: str, value: Any) -> None:
    plain = description(one_shard)
    plain[key] = {"a": 2} if value == plain[key] else value
    (one_shard / "study.json").write_text(json.dumps(plain))
    assert_refused(one_shard)


@pytest.mark.parametrize("key", ["identity", "title", "plug_in_sources"])
@pytest.mark.parametrize("value", [None, 5, []])
def test_a_sealed_description_of_the_wrong_kind(one_shard: Path, key: str, value: Any) -> None:
    plain = {**description(one_shard), key: value}
    (one_shard / "study.json").write_text(json.dumps(sealed(plain)))
    assert_refused(one_shard)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"null", b"{}", b"3"]
)
def test_what_is_no_description(one_shard: Path, content: bytes) -> None:
    (one_shard / "study.json").write_bytes(content)
    assert_refused(one_shard)


def test_what_is_no_file_in_place_of_the_description(one_shard: Path) -> None:
    path = one_shard / "study.json"
    path.unlink()
    path.symlink_to(path)
    assert not check_study(one_shard).ok
    with pytest.raises(FormatError, match="restore it"):
        StudyFolder.open(one_shard)
    path.unlink()
    path.mkdir()
    assert_refused(one_shard)


def assert_refused(folder: Path) -> None:
    with pytest.raises(PhasegrokError, match=r"study\.json"):
        StudyFolder.open(folder)
    with pytest.raises(PhasegrokError, match=r"study\.json"):
        open_runs(folder)
    report = check_study(folder)
    assert [finding.kind for finding in report.findings] == ["description"]
    assert not report.ok


@pytest.mark.parametrize("name", ["loss", "last_norm", "states/parameters"])
def test_damaged_numbers_that_are_read_lazily(one_shard: Path, name: str) -> None:
    """Opening reads no data; what is read whole is verified, a part of it by the check only."""
    path = shard_in(one_shard)
    with h5py.File(path) as file:
        place = file[name].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place + 2] ^= 1
    path.write_bytes(content)
    for reader in (open_runs, open_tree, states):
        reader(one_shard)
    pooled(one_shard, "overlap")
    group, _, variable = name.rpartition("/")
    runs = states(one_shard) if group else open_runs(one_shard)
    with pytest.raises(FormatError, match=f"checksum of '{name}' does not hold"):
        runs[variable].load()
    part = open_runs(one_shard)["last_norm"].isel(run=slice(1, 3))
    assert part.shape == (2, 3)
    assert not check_study(one_shard).ok


def test_a_copy_of_a_damaged_shard_is_told_once(one_shard: Path) -> None:
    path = shard_in(one_shard)
    shutil.copy(path, one_shard / "shard-0000000000000000.h5")
    path.write_bytes(path.read_bytes()[:-100])
    kinds = sorted(finding.kind for finding in check_study(one_shard).findings)
    assert kinds == ["damaged", "missing", "name"]


@pytest.mark.parametrize("name", ["temperature", "record_count", "width"])
def test_damaged_coordinates_are_refused_at_opening(one_shard: Path, name: str) -> None:
    path = shard_in(one_shard)
    with h5py.File(path) as file:
        place = file[name].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(FormatError, match=f"checksum of '{name}' does not hold"):
        open_runs(one_shard)


def test_damaged_units_are_refused_when_they_are_read(one_shard: Path) -> None:
    with h5py.File(shard_in(one_shard), "r+") as file:
        file["loss"].attrs["units"] = "nats"
    with pytest.raises(FormatError, match="such as their units, is not what was written"):
        open_runs(one_shard)
