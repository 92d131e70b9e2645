"""What fits a terminal: a real one (a pseudo-terminal with its size set) says how wide it is."""

import fcntl
import os
import struct
import termios

import pytest

from baselard.cli import columns

LINE = "  ✗ examples/python-cli/goss.yaml:21: Command --fail is an exit code for CI exit-status: expected 3, got 1"


@pytest.mark.parametrize("room", [40, 80])
def test_a_line_is_broken_between_words_and_goes_on_indented(room: int) -> None:
    first, *rest = columns.fitting(LINE, room).split("\n")
    assert rest and all(len(line) <= room for line in (first, *rest))
    assert all(line.startswith("      ") for line in rest)
    assert " ".join(line.strip() for line in (first, *rest)).split() == LINE.split()


def test_what_fits_and_what_no_terminal_shows_stays_as_it_is() -> None:
    assert columns.fitting(f"a\n\n\tb  c\n{LINE}", 0) == f"a\n\n\tb  c\n{LINE}"
    assert columns.fitting("a\n\n\tb  c", 40) == "a\n\n\tb  c"
    assert columns.fitting("x" * 50, 40) == "x" * 50


def test_the_width_is_the_terminals_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 63, 0, 0))
    with open(slave, "w") as terminal, open(os.devnull, "w") as nowhere:
        assert (columns.width(terminal), columns.width(nowhere)) == (63, 0)
    os.close(master)


def test_explanations_fit_into_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "width", lambda _: 60)
    lines = columns.section("Functions", [("test-examples", "word " * 40)]).splitlines()
    assert len(lines) > 4 and max(map(len, lines)) <= 60
