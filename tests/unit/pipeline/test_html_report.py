"""The page's texts and bounds without a browser (tests/integration/reports/ has one). Judge: Python's HTML parser."""

import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipeline.model import Case, Phase, Report, Suite, Verdict
from pipeline.report import fold
from pipeline.report.html import page, timeline, words
from pipeline.report.html.element import Markup, element, joined, link, seen
from tests.integration.reports import reports

TEXT = some.text() | some.text("<>&\"'\x00\x1b\x9b\r\n\u202e\u2066\u200f\ud800;a")
PASSING = (Case("c", Verdict.PASSED),)
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Unicode's bidirectional classes of what turns the direction of the text around it: https://unicode.org/reports/tr9/"""


class Reader(HTMLParser):
    """Elements, attributes and texts as a parser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


@given(TEXT, some.text())
def test_any_text_comes_out_as_text_and_nothing_else(inside: str, value: str) -> None:
    read = Reader(element("p", inside, title=f"-{value}"))
    assert read.tags == ["p"]
    assert "".join(read.texts) == seen(inside)
    assert read.attributes == [("title", seen(f"-{value}"))]
    kinds = {unicodedata.category(char) for char in seen(inside) if char not in "\t\n"}
    assert not kinds & {"Cc", "Cs"}
    assert not {unicodedata.bidirectional(char) for char in seen(inside)} & TURNING


def test_what_was_made_here_stays_and_everything_else_is_escaped() -> None:
    assert element("p", element("b", "<i>"), "<i>") == "<p><b>&lt;i&gt;</b>&lt;i&gt;</p>"
    assert joined("<", Markup("<br>")) == "&lt;<br>"
    assert (
        element("input", class_="a", aria_label="b", hidden=True, open=False)
        == '<input class="a" aria-label="b" hidden>'
    )


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", " https://x", "//x", "file:///etc/passwd", ""]
)
def test_only_addresses_of_the_web_become_links(address: str) -> None:
    assert link("text", address) == "<span>text</span>"
    assert link("text", "https://x/?a&b") == '<a href="https://x/?a&amp;b">text</a>'


@pytest.mark.parametrize("name", ["page.css", "page.js"])
def test_what_is_put_into_the_page_as_it_is_cannot_end_its_element(name: str) -> None:
    """https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements"""
    text = Path(page.__file__).with_name(name).read_text()
    assert "</" not in text and "<!--" not in text


def test_the_linted_files_are_one_suite_among_others() -> None:
    folded = fold.folded(reports.broken())
    assert [suite.name for suite in folded.suites][:2] == ["lint", "python-cli"] and len(folded.suites) == 8
    lint = folded.suites[0]
    assert (len(lint.cases), len(lint.spans), lint.verdict) == (27, 1, Verdict.NOTED)
    assert {case.name for case in lint.cases} == {"DL3015", *(f"files/{number}" for number in range(26))}


def test_a_failed_lint_fails_its_row() -> None:
    bad = Case("DL3006", Verdict.FAILED)
    report = Report("t", (Suite("a", (bad,), group="lint"), *reports.lint(), Suite("b", (Case("c", Verdict.PASSED),))))
    assert [suite.blocks for suite in fold.folded(report).suites] == [True, False]


def test_nothing_is_lost_where_there_is_nothing_to_fold() -> None:
    only = Report("lint", reports.lint())
    same = Report("t", (Suite("a", ()), Suite("a", (Case("c", Verdict.FAILED),))))
    assert fold.folded(only) == only and fold.folded(same) == same
    twice = replace(same, suites=(*same.suites, *reports.lint()))
    assert [suite.name for suite in fold.folded(twice).suites] == ["a", "a", "lint"]


def test_the_page_stays_small_whatever_was_written() -> None:
    line = "x" * 99 + "\n"
    logs = (Suite(f"s{number}", (Case("c", Verdict.FAILED),), log=line * 50_000) for number in range(40))
    text = page.render(Report("t", tuple(logs)))
    assert len(text.encode()) < 1_000_000
    assert text.count("Earlier lines are left out here; report.json has them.") == 40
    assert text.count(line * 20) and "xx</code>" in text


def test_a_log_of_one_endless_line_is_cut_too() -> None:
    text = page.render(Report("t", (Suite("s", (Case("c", Verdict.FAILED),), log="y" * 5_000_000 + "end"),)))
    assert len(text.encode()) < 100_000 and "end</code>" in text


def test_a_base_is_not_told_twice_unless_it_could_not_be_built() -> None:
    tested, built = Suite("b:dev", PASSING, kind="base"), Suite("b:dev (build)", PASSING, kind="build")
    other, example = Suite("b:more (build)", PASSING, kind="build"), Suite("x", PASSING, kind="example")
    suites = fold.folded(Report("t", (tested, built, other, example))).suites
    assert [suite.name for suite in suites] == ["b:dev", "b:more (build)", "x"]
    broken = replace(built, cases=(Case("build", Verdict.ERROR),))
    assert fold.folded(Report("t", (tested, broken))).suites == (tested, broken)
    two = Report("t", (replace(tested, name="b:dev (linux/arm64)"), replace(built, name="b:dev (build) (linux/arm64)")))
    assert len(fold.folded(two).suites) == 1


def test_the_phase_that_a_failure_ended_is_red_and_the_legend_says_so() -> None:
    phases = (Phase("build", 0, 1), Phase("test", 1, 2))
    failed = Suite("x", (Case("c", Verdict.FAILED),), phases)
    drawn = timeline.render(Report("t", (failed, replace(failed, name="y", cases=PASSING))), ("a", "b"))
    classes = [value for name, value in Reader(drawn).attributes if name == "class"]
    bars = [one for one in classes if one in ("build", "test", "failed")]
    legend, first, second = ["build", "test", "failed"], ["failed", "build", "failed"], ["build", "test"]
    assert bars == [*legend, *first, *second]  # a row that failed bears the class, too
    assert " failed" in Reader(drawn).texts and "build from 0.0 s for 1.0 s; test from 1.0 s for 1.0 s" in drawn


def test_what_took_no_time_is_no_phase() -> None:
    shown = timeline.render(Report("t", (Suite("s", (), (Phase("build", 0, 5), Phase("test", 5, 5.0002))),)), ["a"])
    assert "build" in shown and "test" not in shown


def test_a_clock_that_goes_back_draws_no_bar_outside() -> None:
    spans = (Phase("build", 5, 3), Phase("test", -2, 1), Phase("test", 9, 10), Phase("base", 10, 10))
    shown = timeline.render(Report("t", (Suite("s", (), spans),), seconds=1), ["a"])
    numbers = [
        float(value[:-1])
        for key, value in Reader(shown).attributes
        if key in ("x", "width") and value[0] in "-0123456789"
    ]
    assert len(numbers) == 5 and all(0 <= number <= 100 for number in numbers)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0.0 s"), (0.04, "0.0 s"), (59.94, "59.9 s"), (59.97, "1 min 0 s"), (60, "1 min 0 s"), (3599.6, "1 h 0 min")],
)
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert words.lasted(seconds) == said


def test_a_dozen_failures_are_told_at_the_top_and_the_rest_counted() -> None:
    suites = tuple(Suite(f"s{number:02}", (Case("c", Verdict.FAILED),)) for number in range(15))
    top = page.render(Report("t", suites)).partition("<h2>Results")[0]
    assert "s11" in top and "s12" not in top and "<p>and 3 more, below</p>" in top


def test_an_empty_report_is_a_page() -> None:
    read = Reader(page.render(Report("nothing", ())))
    assert "nothing was checked" in read.texts and "script" in read.tags
