"""The report is one file that says what happened, failures included."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from phasegrok.report import read_analysis
from phasegrok.report.wording import beside, count_text, duration, estimate, percent


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
