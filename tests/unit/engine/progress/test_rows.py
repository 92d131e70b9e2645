"""What is shown of named work: a line for each image, whatever the spans say of themselves."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from baselard.engine.progress import spans
from baselard.engine.progress.display import Dots
from baselard.engine.progress.final import Final
from baselard.engine.progress.json_lines import JsonLines
from baselard.engine.progress.plain import Plain
from baselard.engine.progress.rows import Rows
from baselard.engine.progress.spans import CALL, FOLDED, SUITE, WAITS, Span
from baselard.engine.progress.tree import Tty
from baselard.engine.solver.graph import CALLED_OFF

TRACE = "0" * 31 + "1"


def span(
    identity: str, name: str, parent: str = "", *, end: int = 0, error: str = "", suite: str = "", mark: str = ""
) -> Span:
    attributes = {**({SUITE: suite} if suite else {}), **({mark: True} if mark else {})}
    return Span(identity, name, parent, TRACE, attributes, 1, end, failed=bool(error), error=error)


def step(display: Any, key: str, label: str, asker: str, output: bytes = b"", *, error: str | None = None) -> None:
    """An operation that a span asks for, ended if ``error`` is given."""
    spans.asked_by(f"00-{TRACE}-{asker:0>16}-01")
    display.started(key, label)
    display.output(key, 1, output)
    if error is not None:
        display.finished(key, cached=False, error=error)


def alpha(display: Any) -> None:
    display.span(span("a".zfill(16), "alpha", suite="alpha"))
    display.span(span("b".zfill(16), "build", "a".zfill(16)))


def tree(width: int = 80, height: int = 24) -> tuple[Tty, Callable[[], list[str]]]:
    display = Tty(Console(file=io.StringIO(), width=width), clock=lambda: 0.0)
    return display, lambda: [row.plain.rstrip() for row in display.rows(width, height)]


def test_a_line_says_image_phase_seconds_and_what_was_last_written() -> None:
    display, shown = tree()
    alpha(display)
    step(display, "k", "exec /bin/sh -c make", "b", b"gcc a.c\ngcc b.c\n")
    assert shown() == ["● alpha  0.0 s  build  gcc b.c", "0 of 1 done · 1 running · 1 step run · 0 cached · 0.0 s"]


def test_a_folded_span_stands_for_its_commands() -> None:
    display, shown = tree()
    alpha(display)
    display.span(span("c".zfill(16), "goss", "b".zfill(16), mark=FOLDED))
    step(display, "k", "exec /.goss/busybox sh /.goss/run.sh baselard-237c yes 60", "c")
    assert shown()[0] == "● alpha  0.0 s  build  goss"
    display.finished("k", cached=False)
    display.span(span("c".zfill(16), "goss, 19 checks", "b".zfill(16), end=2, mark=FOLDED))
    display.span(span("b".zfill(16), "build", "a".zfill(16), end=2))
    display.span(span("a".zfill(16), "alpha", end=2, suite="alpha"))
    assert shown()[0] == "✔ alpha  0.0 s  goss, 19 checks"


def test_what_failed_says_why() -> None:
    display, shown = tree()
    alpha(display)
    display.span(span("b".zfill(16), "build", "a".zfill(16), end=2))
    display.span(span("a".zfill(16), "alpha", end=2, error="build: exit code 7", suite="alpha"))
    assert shown()[0] == "✘ alpha  0.0 s  build: exit code 7"
    assert " · 1 failed · " in shown()[-1], "the totals count images where there are any, whatever step failed"


def test_waiting_takes_no_time() -> None:
    rows = Rows()
    rows.span(span("a", "alpha", suite="alpha"), 0.0)
    rows.span(span("b", "waits for its base", "a", mark=WAITS), 0.0)
    rows.span(span("b", "waits for its base", "a", end=2, mark=WAITS), 9.0)
    rows.span(span("c", "build", "a"), 10.0)
    assert rows.rows["alpha"].seconds(12.0) == 2.0
    rows.span(span("c", "build", "a", end=2), 13.0)
    assert rows.rows["alpha"].seconds(99.0) == 3.0


def test_a_clock_that_goes_back_takes_no_time_away() -> None:
    rows = Rows()
    rows.span(span("a", "alpha", suite="alpha"), 5.0)
    rows.span(span("b", "build", "a"), 5.0)
    rows.span(span("b", "build", "a", end=-7), 3.0)
    assert rows.rows["alpha"].seconds(3.0) == 0.0


@pytest.mark.parametrize("parent", ["", "f" * 16, "b".zfill(16)], ids=["none", "unknown", "itself"])
def test_a_span_without_a_parent_belongs_to_nothing(parent: str) -> None:
    display, shown = tree()
    display.span(span("b".zfill(16), "build", parent))
    step(display, "k", "exec make", "b")
    assert shown()[0] == "● $ make  0.0 s"


def test_more_rows_than_lines_are_counted() -> None:
    display, shown = tree(height=10)
    for number in range(40):
        identity = str(number).zfill(16)
        display.span(span(identity, "x", suite=f"example-{number}"))
        if number < 20:
            display.span(span(identity, "x", end=2, suite=f"example-{number}"))
    lines = shown()
    assert len(lines) == 10 and lines[0].startswith("● example-20")
    assert lines[-2:] == ["… and 32 more, 20 done", "20 of 40 done · 0 steps run · 0 cached · 0.0 s"]


def test_names_and_output_cannot_steer_a_terminal() -> None:
    display, shown = tree()
    display.span(span("a".zfill(16), "x", suite="al\x1b]0;owned\x07pha\u202e"))
    display.span(span("b".zfill(16), "bu\x1b[2Jild\r\n", "a".zfill(16)))
    step(display, "k", "exec make \x1b[31m", "b", b"\xff\xfe\x1b[2J\x07\x00 x\n")
    display.finished("k", cached=False, error="exit\x1b[2J")
    written = display.console.file.getvalue() + "\n".join(shown())  # type: ignore[attr-defined]
    assert not {letter for letter in written if not (letter.isprintable() or letter == "\n")}


def test_ten_thousand_steps_and_an_endless_log_are_no_burden() -> None:
    display, shown = tree()
    alpha(display)
    for number in range(10_000):
        step(display, str(number), "exec true", "b", error="")
    step(display, "k", "exec yes", "b")
    for _ in range(1000):
        display.output("k", 1, b"y\n" * (1 << 15))
    assert shown()[0].endswith("build  y") and len(display._steps) == 1 and len(display._steps["k"].tail) < 1 << 20


@pytest.mark.parametrize("make", [Plain, Final, JsonLines, Dots])
def test_ten_thousand_steps_are_no_burden_to_any_display(make: Any) -> None:
    display = make(io.StringIO())
    alpha(display)
    for number in range(10_000):
        step(display, str(number), "exec true", "b", b"x\n", error="")
    display.close()
    assert not display._steps


@pytest.mark.parametrize("make", [Plain, Final, JsonLines])
def test_odd_spans_names_and_bytes_come_out_as_text(make: Any) -> None:
    """A span without a parent, one that is its own, a clock that goes back, escapes, bytes that are no text."""
    stream = io.StringIO()
    display = make(stream)
    display.span(span("b".zfill(16), "bu\x1b[2Jild", "b".zfill(16)))
    display.span(span("a".zfill(16), "x", "f" * 16, suite="al\x1b]0;owned\x07pha\u202e"))
    step(display, "k", "exec make \x1b[31m", "a", b"\xff\xfe\x1b[2J\x07\x00 <script>\n", error="exit\x1b[2J")
    display.span(Span("a".zfill(16), "x", "f" * 16, TRACE, {SUITE: "alpha"}, 9, 5, failed=True, error="\x1b[2J"))
    display.close()
    told = stream.getvalue()
    assert "<script>" in told and not {letter for letter in told if not (letter.isprintable() or letter == "\n")}
    if make is JsonLines:
        assert [one.get("seconds") for one in map(json.loads, told.splitlines()) if one.get("name") == "x"] == [
            None,
            0.0,
        ]


def plain(*, groups: bool) -> list[str]:
    stream = io.StringIO()
    display = Plain(stream, groups=groups, clock=lambda: 0.0)
    for number, name in enumerate(["beta", "alpha"]):
        above, below = str(number).zfill(16), str(number + 5).zfill(16)
        failed = name == "beta"
        display.span(span(above, name, suite=name))
        display.span(span(below, "build", above))
        step(display, name, "exec /bin/sh -c make", str(number + 5), b"gcc\n", error="exit code: 7" if failed else "")
        display.span(span(below, "build", above, end=2))
        display.span(span(above, name, end=2, error="build: exit code 7" if failed else "", suite=name))
    display.close()
    return stream.getvalue().splitlines()


def test_plain_lines_begin_with_the_example() -> None:
    assert plain(groups=False) == [
        "beta │ build",
        "beta │ $ make",
        "beta │ gcc",
        "beta │ FAILED after 0.0 s: exit code: 7",
        "beta │ build: done in 0.0 s",
        "alpha │ build",
        "alpha │ $ make",
        "alpha │ gcc",
        "alpha │ done in 0.0 s",
        "alpha │ build: done in 0.0 s",
    ]


def test_groups_are_examples_and_what_failed_comes_last_and_open() -> None:
    assert plain(groups=True) == [
        "::group::alpha: done in 0.0 s",
        "alpha │ build",
        "alpha │ $ make",
        "alpha │ gcc",
        "alpha │ done in 0.0 s",
        "alpha │ build: done in 0.0 s",
        "::endgroup::",
        "beta: FAILED after 0.0 s: build: exit code 7",
        "beta │ build",
        "beta │ $ make",
        "beta │ gcc",
        "beta │ FAILED after 0.0 s: exit code: 7",
        "beta │ build: done in 0.0 s",
    ]


def test_an_example_s_name_cannot_give_github_a_command() -> None:
    stream = io.StringIO()
    display = Plain(stream, groups=True)
    for name in ("::error::x", " ##[error]x", "a\n::error::x"):
        display.span(span(name[:16], "x", suite=name))
        display.span(span("b", "build", name[:16]))
        display.span(span(name[:16], "x", end=2, error="\n::error::y", suite=name))
    display.close()
    assert not [line for line in stream.getvalue().splitlines() if line.lstrip().startswith(("::error", "##["))]


def test_of_several_calls_a_line_says_which_it_is_for() -> None:
    stream = io.StringIO()
    (display, shown), plain_ = tree(), Plain(stream)
    for call, letter in (("test-base", "a"), ("test-examples", "b"), ("lint", "c")):
        suites = ("lint",) if call == "lint" else ("acme/base", "other")
        for one in (display, plain_):
            one.span(Span(letter * 16, f"check {call}", "", TRACE, {CALL: call}, 1))
            for number, suite in enumerate(suites):
                one.span(span(f"{letter}{number}".zfill(16), "x", letter * 16, suite=suite))
    assert [line.split("  ")[0] for line in shown()[:-1]] == [
        "test-base",
        "● acme/base",
        "● other",
        "test-examples",
        "● acme/base",
        "● other",
        "● lint",
    ]
    plain_.span(span("d".zfill(16), "build", "b0".zfill(16)))
    plain_.span(span("e".zfill(16), "files", "c0".zfill(16)))
    assert stream.getvalue().splitlines() == ["test-examples · acme/base │ build", "lint │ files"]


def test_lines_for_programs_are_json_objects_with_the_names_of_the_manual() -> None:
    """Judge: docs/reference/command-line.md, which lists the keys of each event."""
    stream = io.StringIO()
    display = JsonLines(stream, clock=lambda: 2.5)
    alpha(display)
    step(display, "k", "exec make", "b", b"one\n\x1b[31m<b>\xff", error="exit code: 7")
    for _ in range(2):  # asked for twice, told once
        display.finished("other", cached=True, label="copy a\nb")
    display.note("said\n")
    display.span(replace(span("a".zfill(16), "alpha", end=5_000_000_000, suite="alpha"), start=1_000_000_000))
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    events = ("begin", "output", "end", "note")
    assert {event: next(tuple(one) for one in told if one["event"] == event) for event in events} == {
        "begin": ("event", "time", "trace", "id", "parent", "kind", "image", "name"),
        "output": ("event", "time", "id", "image", "stream", "text"),
        "end": ("event", "time", "trace", "id", "parent", "kind", "image", "name", "seconds", "cached", "error"),
        "note": ("event", "time", "text"),
    }
    page = (Path(__file__).resolve().parents[4] / "docs/reference/command-line.md").read_text()
    assert all(f"`{key}`" in page for one in told for key in one)
    assert [(one["event"], one.get("kind"), one.get("name"), one.get("text")) for one in told] == [
        ("begin", "image", "alpha", None),
        ("begin", "work", "build", None),
        ("begin", "step", "exec make", None),
        ("output", None, None, "one"),
        ("output", None, None, "[31m<b>\ufffd"),
        ("end", "step", "exec make", None),
        ("end", "step", "copy a b", None),
        ("note", None, None, "said"),
        ("end", "image", "alpha", None),
    ]
    begun, ended, found = told[2], told[5], told[6]
    assert (begun["id"], begun["image"], begun["parent"]) == (ended["id"], "alpha", "b".zfill(16))
    assert (ended["error"], ended["cached"], found["error"], found["cached"]) == ("exit code: 7", False, "", True)
    assert (told[-1]["seconds"], told[-1]["time"]) == (4.0, "1970-01-01T00:00:05.000Z")


def test_the_report_comes_when_all_is_over_with_what_failed_before_it() -> None:
    stream = io.StringIO()
    display = Final(stream, clock=lambda: 0.0)
    alpha(display)
    step(display, "k", "exec /bin/sh -c make", "b", b"gcc a.c\nno such file", error="exit code: 2")
    step(display, "l", "exec true", "b", b"fine\n", error="")
    step(display, "m", "exec sleep", "b", error=CALLED_OFF)
    display.span(span("b".zfill(16), "build", "a".zfill(16), end=2, error="x"))
    display.span(span("a".zfill(16), "alpha", end=2, error="build: exit code 2", suite="alpha"))
    display.span(span("d".zfill(16), "other", suite="other"))
    assert stream.getvalue() == ""
    display.close()
    display.close()  # says nothing twice
    assert stream.getvalue().splitlines() == [
        "✘ alpha: $ make",
        "  gcc a.c",
        "  no such file",
        "  exit code: 2",
        "✘ alpha     0.0 s  build: exit code 2",
        "– other     0.0 s",  # noqa: RUF001 -- a mark like ✔
    ]


WHOLE = b'{"id": "aaaaaaaaaaaaaaaa", "trace": "11111111111111111111111111111111", "name": "x"}'


def test_a_line_that_is_a_span_is_read() -> None:
    assert spans.read(WHOLE) == Span("a" * 16, "x", trace="1" * 32)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b"{}", b"[" * 100_000, b"\xff", WHOLE[:-1]])
def test_a_line_that_is_no_span_is_passed_over(line: bytes) -> None:
    assert spans.read(line) is None


ODD = (b'"id": 7', b'"name": 7', b'"end": "1"', b'"attributes": []', b'"parent": "x"', b'"x": 1')


@pytest.mark.parametrize("more", ODD)
def test_a_span_with_something_odd_is_passed_over(more: bytes) -> None:
    assert spans.read(WHOLE[:-1] + b", " + more + b"}") is None
