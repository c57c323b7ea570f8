"""The report is one file that says what happened, failures included."""

import errno
import html
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import StorageError
from phasegrok.report import Analysis, plot_study, read_analysis, write_report
from phasegrok.report.analysis import current_analysis
from phasegrok.report.captions import CAPTIONS, _reason, heading, place_text
from phasegrok.report.page import _collection, _doubts
from phasegrok.report.wording import (
    beside,
    control_text,
    count_text,
    duration,
    estimate,
    percent,
)


class Links(HTMLParser):
    """Everything that an HTML file refers to, and whether its tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(analysed: Path) -> str:
    return (analysed / "report.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    without_style = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", without_style))


def test_it_needs_nothing_but_itself(page: str) -> None:
    links = Links()
    links.feed(page)
    outside = [link for link in links.found if not link.startswith("data:image/png;base64,")]
    assert all(re.match(r"https://(arxiv\.org/abs|doi\.org)/", link) for link in outside), (
        outside
    )
    assert len(links.found) - len(outside) == 5
    assert links.open == []
    assert "url(" not in page
    assert "<script" not in page


def test_outcomes_and_failures_are_stated(page: str) -> None:
    text = text_of(page)
    for outcome, count in (("finished", 46), ("diverged", 1), ("failed", 1)):
        assert re.search(rf"{outcome}\s+{count}\b", text), outcome
    assert "<failed> on purpose" in text
    assert "<failed>" not in page  # Reasons are escaped.
    assert "Made <up> numbers" in text


def test_it_tells_command_seed_and_versions(page: str) -> None:
    text = text_of(page)
    assert "made & up" in text
    assert re.search(r"seed\s+11\b", text)
    assert re.search(r"numpy \d", text)
    assert "12.0 s" in text


def test_numbers_stand_beside_their_errors_and_theory(page: str, analysed: Path) -> None:
    comparison = read_analysis(analysed).tables["comparison"]
    text = text_of(page)
    for quantity in comparison["quantity"].to_numpy():
        for point in comparison["point"].to_numpy():
            one = comparison.sel(quantity=quantity, point=point)
            error = float(one["standard_error"])
            measured = estimate(float(one["measured"]), error)
            row = f"{measured}  {beside(float(one['theory']), error)}"
            assert row in re.sub(r" +", "  ", text).replace("  ±  ", " ± ")


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.080213, 0.003674, "0.0802 ± 0.0037"),
        (-0.2529, 0.00184, "−0.2529 ± 0.0018"),
        (123.4, 25.0, "123 ± 25"),
        (0.5, float("nan"), "0.5"),
        (float("nan"), 0.1, "–"),
    ],
)
def test_values_are_written_to_two_digits_of_their_error(
    value: float, error: float, expected: str
) -> None:
    assert estimate(value, error) == expected


def test_other_words() -> None:
    assert count_text(1, "run") == "1 run"
    assert count_text(0, "run") == "0 runs"
    assert duration(61.0) == "61.0 s"
    assert duration(3600.0) == "60.0 min"
    assert percent(-0.205) == "−20.5 %"


def test_failures_are_named_as_points_are_elsewhere(page: str, analysed: Path) -> None:
    analysis = read_analysis(analysed)
    (table,) = re.findall(r"What failed.*?<table.*?</table>", page, flags=re.DOTALL)
    places = [place_text(analysis, point) for point in range(4)]
    rows = re.findall(r"<tr><td>(.*?)</td>", table)
    assert len(rows) == 2
    assert set(rows) <= set(places)


def test_the_command_can_be_typed_again(page: str, analysed: Path) -> None:
    assert f"phasegrok analyze {analysed}" in text_of(page)


def test_names_from_a_description_are_escaped_once(
    make_study_folder: Callable[..., Path],
) -> None:
    folder = make_study_folder()
    analysis = current_analysis(folder)
    summary = dict(analysis.summary)
    summary["study"] = {**summary["study"], "plan": {"starts": ["a<b", "prior"]}}
    words = {"activation": "<&>"}
    failure = {**words, "disorder": 0, "replica": 0, "start": "prior"}
    failure |= {"outcome": "failed", "outcome_reason": "none"}
    summary |= {"beside": None, "controls": ["activation"], "failures": [failure]}
    summary["notes"] = [f"The chains did not converge at {control_text(words)}."]
    changed = replace(analysis, summary=summary)
    collected, doubts = _collection(changed), _doubts(changed)
    assert "a&lt;b, prior" in collected
    assert doubts.count("activation = &lt;&amp;&gt;") == 2
    assert "&amp;lt;" not in doubts


def with_starts(
    analysis: Analysis, *, z_scores: list[float], hats: list[float], names: list[str]
) -> Analysis:
    """The same study with other starts, differences of starts, and chains."""
    tables = dict(analysis.tables)
    tables["traces"] = tables["traces"].isel(start=slice(len(names))).assign_coords(start=names)
    tables["health"] = tables["health"].assign(split_r_hat=("point", hats))
    starts = tables.pop("starts")
    if len(names) > 1:
        scores = starts["z_score"].copy(data=np.tile(z_scores, (len(starts["quantity"]), 1)))
        attrs = {"first": names[0], "second": names[1]}
        tables["starts"] = starts.assign(z_score=scores).assign_attrs(attrs)
    return replace(analysis, tables=tables)


NO_FLUKE, SOUND = [0.5, -1.0, 0.1, -2.9], [1.0, 1.01, 1.02, 1.05]


@pytest.mark.parametrize(
    ("names", "z_scores", "hats", "head", "said"),
    [
        (["prior"], NO_FLUKE, SOUND, "Relaxation", "from the start “prior”;"),
        (["prior", "x"], NO_FLUKE, SOUND, "Two starts, one equilibrium", "from each start;"),
        (
            ["prior", "x"],
            [3.4, 0.1, 0.1, 0.1],  # The squares alone would pass.
            SOUND,
            "Relaxation from two starts",
            "One equilibrium is not established: the starts disagree",
        ),
        (
            ["prior", "x"],
            [2.0, 2.0, 2.0, 2.0],  # None alone is strange, all of them are.
            SOUND,
            "Relaxation from two starts",
            "the starts disagree",
        ),
        (
            ["prior", "x"],
            NO_FLUKE,
            [1.0, 1.0, 1.2, 1.3],
            "Relaxation from two starts",
            "split R̂ exceeds 1.1 at 2 of 4 points",
        ),
        (["prior", "x"], NO_FLUKE, [np.nan] * 4, "Relaxation from two starts", "not known"),
        (["prior", "x"], [np.nan] * 4, SOUND, "Relaxation from two starts", "not be compared"),
    ],
)
def test_equilibrium_is_claimed_where_chains_and_starts_agree(
    analysed: Path,
    names: list[str],
    z_scores: list[float],
    hats: list[float],
    head: str,
    said: str,
) -> None:
    analysis = with_starts(read_analysis(analysed), z_scores=z_scores, hats=hats, names=names)
    assert heading(analysis, "start_traces") == head
    caption = CAPTIONS["start_traces"][1](analysis)
    assert said in caption
    assert ("equilibrium" in caption) == ("Relaxation from" in head)
    assert ("each start" in caption) == (len(names) > 1)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (
            "ln B = -0.1 ± 0.0 for two phases against one, a second maximum",
            "Ln B = −0.130 ± 0.042 for two phases against one, a second maximum.",
        ),
        ("the evidence is refused: ln Z = -3.25 ± 0.10", "The evidence is refused: ln Z = −3."),
    ],
)
def test_odds_are_written_to_two_digits_of_their_error(reason: str, expected: str) -> None:
    fit = xr.Dataset(
        {"log_evidence_difference": -0.13, "log_evidence_error": 0.042, "reason": reason}
    )
    assert _reason(fit).startswith(expected)


def test_a_cell_of_a_heading_is_one_cell(analysed: Path, page: str) -> None:
    (table,) = re.findall(r"Every point</h2>.*?<table>(.*?)</table>", page, flags=re.DOTALL)
    first, *rows = re.findall(r"<tr>(.*?)</tr>", table, flags=re.DOTALL)
    assert {row.count("<td>") for row in rows} == {first.count("<th>")}
    assert read_analysis(analysed).tables["comparison"].sizes["point"] == len(rows)


def test_a_report_is_stored_whole_or_not_at_all(
    make_study_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study_folder()
    older = write_report(folder)
    before = older.read_bytes()
    pictures = {path: path.read_bytes() for path in (folder / "figures").iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for make in (write_report, plot_study):
        with pytest.raises(StorageError, match="The disk is full: free some space"):
            make(folder)
    assert older.read_bytes() == before
    assert {path: path.read_bytes() for path in (folder / "figures").iterdir()} == pictures
    assert list(folder.glob(".partial-*")) == []
