"""What is shown while the engine works."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from baselard.engine.progress import display as progress
from baselard.engine.progress.display import Dots, Quiet
from baselard.engine.progress.final import Final
from baselard.engine.progress.json_lines import JsonLines
from baselard.engine.progress.plain import Plain
from baselard.engine.progress.tree import Tty
from baselard.engine.solver.graph import CALLED_OFF


def work(display: progress.Display, *, error: str = "") -> None:
    """Two operations side by side, one of them failing if ``error``, and one found in the store."""
    display.started("a", "exec make")
    display.started("b", "exec test")
    display.output("a", 1, b"first\nsec")
    display.output("b", 2, b"50%\r100%\r\n")
    display.output("a", 1, b"ond\n\x1b[31mlast")
    display.note("a word\n")
    display.finished("c", cached=True)
    display.finished("b", cached=False)
    display.finished("a", cached=False, error=error)
    display.close()


def plain(*, groups: bool = False, error: str = "", verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    work(Plain(stream, groups=groups, verbose=verbose, clock=iter(range(100)).__next__), error=error)
    return stream.getvalue().splitlines()


def test_plain_lines_say_whose_they_are() -> None:
    assert plain(verbose=True) == [
        "#1 $ make",
        "#2 $ test",
        "#1 first",
        "#2 100%",
        "#1 second",
        "a word",
        "#2 done in 1.0 s",
        "#1 [31mlast",
        "#1 done in 3.0 s",
        "2 operations run, 1 found in the store",
    ]


def test_a_failure_is_told_where_it_happened() -> None:
    assert plain(error="exit code: 2")[-1] == "#1 FAILED after 3.0 s: exit code: 2"


def test_groups_fold_what_went_well_alone() -> None:
    assert plain(groups=True, error="exit code: 2") == [
        "a word",
        "::group::#2 $ test: done in 1.0 s",
        "#2 100%",
        "::endgroup::",
        "#1 $ make: FAILED after 3.0 s: exit code: 2",
        "#1 first",
        "#1 second",
        "#1 [31mlast",
    ]


def test_output_cannot_give_github_a_command() -> None:
    stream = io.StringIO()
    display = Plain(stream, groups=True)
    display.started("a", "exec x")
    display.output("a", 1, b"::error::no\n\r::error::no\n")
    display.finished("a", cached=False)
    assert not [line for line in stream.getvalue().splitlines() if line.startswith("::error")]


def test_dots_show_the_output_of_failures_alone() -> None:
    stream = io.StringIO()
    work(Dots(stream), error="exit code: 2")
    assert stream.getvalue() == "a word\n.X\nexec make\nfirst\nsecond\n[31mlast\nexit code: 2\n"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    work(Quiet(), error="x")
    assert capsys.readouterr() == ("", "")


def test_the_tree_shows_what_runs_with_its_last_lines() -> None:
    display = Tty(Console(file=io.StringIO(), width=60))
    display.started("a", "exec make " + "x" * 100)
    display.output("a", 1, b"1\n2\n3\n4\n")
    rows = [row.plain for row in display.rows(60, 20)]
    assert rows[0].startswith("● $ make xxx")
    assert rows[1:4] == ["  │ 2", "  │ 3", "  │ 4"]
    assert rows[4].startswith("1 running · 1 step run · 0 cached")


def test_the_tree_leaves_failures_and_totals_behind() -> None:
    stream = io.StringIO()
    work(Tty(Console(file=stream, width=60)), error="exit code: 2")
    text = stream.getvalue()
    assert "✔ $ test" in text
    assert text.index("✘ $ make") < text.index("  second") < text.index("  exit code: 2")
    assert text.splitlines()[-1].startswith("2 steps run · 1 cached · 1 failed")


def test_what_was_called_off_is_no_failure() -> None:
    for display in (Plain(io.StringIO()), Plain(io.StringIO(), groups=True), Dots(io.StringIO())):
        display.started("a", "exec sleep")
        display.finished("a", cached=False, error=CALLED_OFF)
        display.close()
        said = display.stream.getvalue()  # type: ignore[attr-defined]
        assert said == "-\n" or re.search(r"called off after 0\.0 s\n\Z", said), said


@pytest.mark.parametrize("make", [Plain, Dots])
def test_nothing_is_shown_while_another_has_the_terminal(make) -> None:
    display = make(io.StringIO())
    with display.aside():
        display.note("meanwhile")
        assert display.stream.getvalue() == ""
    assert display.stream.getvalue() == "meanwhile\n"


def test_output_without_end_passes_through_a_program_s_lines() -> None:
    stream = io.StringIO()
    display = JsonLines(stream)
    display.started("k", "yes")
    for _ in range(6):
        display.output("k", 1, b"y" * (1 << 20))
    assert len(display._steps["k"].rests[1].rest) <= 64 << 10
    assert max(map(len, stream.getvalue().splitlines())) < 2 << 20


@pytest.mark.parametrize("make", [lambda stream: Plain(stream, groups=True), Dots, Final])
@pytest.mark.parametrize("data", [(b"y" * 1023 + b"\n") * (1 << 10), b"y" * (1 << 20)], ids=["lines", "one line"])
def test_output_without_end_does_not_fill_the_memory(make: Any, data: bytes) -> None:
    stream = io.StringIO()
    display = make(stream)
    display.started("k", "yes")
    for _ in range(6):
        display.output("k", 1, data)
    step = display._steps["k"]
    assert step.lines.size + len(step.rest) < 5 << 20
    display.finished("k", cached=False, error="exit code: 1")
    display.close()
    assert re.search(r"… [0-9]+ lines before these are left out", stream.getvalue())
    assert len(stream.getvalue()) < 12 << 20
