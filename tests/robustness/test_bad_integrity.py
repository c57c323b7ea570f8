"""What is no study, and studies of any bytes: a report or a refusal in words."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.runs import StudyFolder, check_study
from phasegrok.runs.versions import sealed
from phasegrok.schema import SCHEMA_VERSION

WHOLE = Path(__file__).parents[1] / "runs" / "stored" / f"version_{SCHEMA_VERSION}"

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)

QUICK = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WHOLE, tmp_path / "study"))


@pytest.mark.parametrize("path", [None, 3, b"study", ["study"], 1.5])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(InvalidValueError, match="checking needs the path of a study"):
        check_study(path)


@pytest.mark.parametrize("path", ["", "nowhere", "a/b/c"])
def test_where_no_study_is(path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="give the folder that was named"):
        check_study(tmp_path / path)


@QUICK
@given(content=st.binary(max_size=60))
def test_descriptions_of_any_bytes(folder: Path, content: bytes) -> None:
    (folder / "study.json").write_bytes(content)
    report = check_study(folder)
    assert [finding.kind for finding in report.findings] == ["description"]
    assert not report.ok


@QUICK
@given(key=st.sampled_from(["identity", "study", "title", "plug_in_sources"]), value=PLAIN)
def test_sealed_descriptions_of_any_content(folder: Path, key: str, value: Any) -> None:
    """As a writer of tomorrow may leave them, whose seal holds."""
    plain = json.loads((WHOLE / "study.json").read_text("utf-8"))
    (folder / "study.json").write_text(json.dumps(sealed({**plain, key: value})))
    report = check_study(folder)
    json.dumps(report.as_plain(), allow_nan=False)
    try:
        opened = StudyFolder.open(folder)
    except FormatError:
        assert not report.ok
    else:
        assert (opened.study, opened.title) == (opened.study, opened.title)


@QUICK
@given(content=st.binary(max_size=200), signature=st.booleans())
def test_shards_of_any_bytes(folder: Path, content: bytes, signature: bool) -> None:
    begin = b"\x89HDF\r\n\x1a\n" if signature else b""
    (folder / "shard-00.h5").write_bytes(begin + content)
    (finding,) = check_study(folder).findings
    assert (finding.kind, finding.path.name) == ("damaged", "shard-00.h5")


@QUICK
@given(content=st.binary(max_size=200), header=PLAIN)
def test_checkpoints_of_any_bytes(folder: Path, content: bytes, header: Any) -> None:
    place = folder / ".checkpoints"
    place.mkdir(exist_ok=True)
    text = json.dumps(header).encode()
    (place / "a.checkpoint").write_bytes(b"phasegrok checkpoint 1\n" + text + b"\n" + content)
    (finding,) = check_study(folder).findings
    assert finding.kind == "checkpoint"
    assert "will not be used" in finding.text
