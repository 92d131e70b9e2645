"""Which display a command line gets. Judge: a real pseudo-terminal."""

import contextlib
import os
import sys
from collections.abc import Iterator

import pytest

from baselard.cli import displays
from baselard.engine.progress.display import Dots, Quiet
from baselard.engine.progress.final import Final
from baselard.engine.progress.json_lines import JsonLines
from baselard.engine.progress.plain import Plain
from baselard.engine.progress.tree import Tty


@pytest.mark.parametrize(
    ("mode", "quiet", "environ", "kind", "groups"),
    [
        ("auto", 0, {}, Plain, False),
        ("auto", 0, {"GITHUB_ACTIONS": "true"}, Plain, True),
        ("plain", 1, {}, Quiet, False),
        ("quiet", 0, {}, Quiet, False),
        ("dots", 0, {}, Dots, False),
        ("report", 0, {}, Final, False),
        ("json", 0, {}, JsonLines, False),
        ("json", 1, {}, Quiet, False),
        ("tty", 0, {"TERM": "xterm"}, Plain, False),  # standard error is no terminal here
    ],
)
def test_the_mode_decides(mode: str, quiet: int, environ: dict[str, str], kind: type, groups: bool) -> None:
    display = displays.display(mode, quiet=quiet, environ=environ)
    assert type(display) is kind
    assert getattr(display, "groups", False) is groups


@contextlib.contextmanager
def terminal() -> Iterator[None]:
    """Standard error as a terminal of its own."""
    ours, theirs = os.openpty()
    with open(ours, "rb"), open(theirs, "w") as stream, contextlib.ExitStack() as back:
        back.callback(setattr, sys, "stderr", sys.stderr)
        sys.stderr = stream
        yield


@pytest.mark.parametrize(
    ("mode", "environ", "kind"),
    [
        ("auto", {"TERM": "xterm"}, Tty),
        ("auto", {"TERM": "xterm", "CI": "false"}, Tty),
        ("auto", {"TERM": "xterm", "CI": "true"}, Plain),
        ("auto", {"TERM": "xterm", "GITHUB_ACTIONS": "true"}, Plain),
        ("auto", {"TERM": "dumb"}, Plain),
        ("auto", {}, Plain),
        ("tty", {"TERM": "xterm", "CI": "true"}, Tty),
        ("tty", {"TERM": "dumb"}, Plain),
    ],
)
def test_the_tree_is_for_people_at_a_terminal_that_can_move_its_cursor(
    mode: str, environ: dict[str, str], kind: type
) -> None:
    with terminal(), contextlib.closing(displays.display(mode, environ=environ)) as display:
        assert type(display) is kind
