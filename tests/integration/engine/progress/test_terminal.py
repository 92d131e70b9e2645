"""The live lines on a terminal. Judge: tmux, which keeps the screen and breaks lines anew when it is resized."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux, the judge, is not installed")

# Two examples under way and one that failed, until Enter is pressed, which shows nothing; then all is done.
PROGRAM = r"""
import sys
import termios
from baselard.engine.progress import spans
from baselard.engine.progress.spans import SUITE, Span
from baselard.engine.progress.tree import Tty

mode = termios.tcgetattr(0)
mode[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, mode)
display = Tty.started_on(sys.stderr)
for number, name in enumerate(["nodejs-backend", "python-cli", "ghcr.io/acme/a-rather-long-name:standard"]):
    above, below = f"{number + 1:016x}", f"{number + 9:016x}"
    display.span(Span(above, name, attributes={SUITE: name}))
    display.span(Span(below, "build", above))
    spans.asked_by(f"00-{1:032x}-{below}-01")
    display.started(name, "exec /bin/sh -c make all")
    display.output(name, 1, "compiling 日本語\t\x1b[2J\x1b[31m\t\t".encode() + b"x" * 300 + b"\n")
display.finished(name, cached=False, error="exit code: 7")
display.span(Span(below, "build", above, end=2))
display.span(Span(above, name, attributes={SUITE: name}, end=2, failed=True, error="build: exit code 7"))
sys.stdin.readline()
for number in range(2):
    display.span(Span(f"{number + 9:016x}", "build", f"{number + 1:016x}", end=2))
display.close()
print("the verdicts")
sys.stdin.readline()
"""


@dataclass
class Terminal:
    """A window of tmux on a server of its own."""

    socket: Path

    def tmux(self, *words: str) -> str:
        argv = ["tmux", "-S", str(self.socket), "-f", "/dev/null", *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout

    def lines(self) -> list[str]:
        """What stands on the screen."""
        return [line for line in self.tmux("capture-pane", "-p").splitlines() if line.strip()]

    def until(self, wanted: Callable[[list[str]], bool]) -> list[str]:
        """The screen as soon as it is as wanted; as it is after a minute, for the assertion to show."""
        end = time.monotonic() + 60
        while not wanted(seen := self.lines()) and time.monotonic() < end:
            time.sleep(0.05)
        return seen


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path / "tmux")
    yield made
    subprocess.run(["tmux", "-S", str(made.socket), "kill-server"], check=False, capture_output=True)


def start(terminal: Terminal, path: Path, width: int, *env: str, program: str = PROGRAM) -> None:
    path.write_text(program)
    words = ["-x", str(width), "-y", "24", "env", "COLUMNS=77", *env, sys.executable, str(path)]
    terminal.tmux("new-session", "-d", *words)


def is_whole(lines: list[str], width: int) -> bool:
    """Whether the screen has each line once, and the last ones are the live ones, unbroken."""
    live = lines[-4:]
    return (
        len(live) == 4
        and [line[0] for line in live[:3]] == ["●", "●", "✘"]
        and ["nodejs" in live[0], "python-cli" in live[1], "standard" in live[2]] == [True] * 3
        and live[3].startswith("1 of 3 done")
        and sum(line.startswith("● ") for line in lines) == 2
        and all(len(line) <= width for line in lines)
    )


@pytest.mark.parametrize("width", [40, 80, 200])
def test_each_example_has_one_line_at_any_width(terminal: Terminal, tmp_path: Path, width: int) -> None:
    start(terminal, tmp_path / "program.py", width)
    seen = terminal.until(lambda lines: is_whole(lines, width))
    assert is_whole(seen, width), seen
    assert "compiling 日本語" in seen[-4] or width == 40, "the last line that it wrote"
    assert any("exit code: 7" in line for line in seen[:-4]), "the failure stays above, with its output"
    terminal.tmux("send-keys", "Enter")
    seen = terminal.until(lambda lines: lines[-1:] == ["the verdicts"])
    assert seen[-1] == "the verdicts" and not [line for line in seen if line.startswith("●")], seen


def test_what_is_drawn_again_and_again_does_not_fill_the_history(terminal: Terminal, tmp_path: Path) -> None:
    """From the screen's first line on: tmux keeps what is cleared from there as if it had scrolled away."""
    quiet = PROGRAM.replace('display.finished(name, cached=False, error="exit code: 7")\n', "")
    start(terminal, tmp_path / "program.py", 80, program=quiet)
    terminal.until(lambda lines: bool(lines) and lines[-1].endswith("s") and not lines[-1].endswith(" 0.0 s"))
    first = terminal.lines()[-1]
    terminal.until(lambda lines: bool(lines) and lines[-1].startswith("1 of 3 done") and lines[-1] != first)
    assert terminal.lines()[0].startswith("● nodejs-backend")
    assert terminal.tmux("display-message", "-p", "#{history_size}").strip() == "0"


def test_a_resize_leaves_nothing_behind(terminal: Terminal, tmp_path: Path) -> None:
    start(terminal, tmp_path / "program.py", 120)
    terminal.until(lambda lines: is_whole(lines, 120))
    for width in (50, 40, 160, 60):
        terminal.tmux("resize-window", "-x", str(width), "-y", "24")
        seen = terminal.until(lambda lines, width=width: is_whole(lines, width))  # type: ignore[misc]
        assert is_whole(seen, width), seen


def test_no_color_means_none(terminal: Terminal, tmp_path: Path) -> None:
    start(terminal, tmp_path / "program.py", 80, "NO_COLOR=1")
    terminal.until(lambda lines: is_whole(lines, 80))
    coloured = terminal.tmux("capture-pane", "-p", "-e")
    assert "●" in coloured and not re.search(r"\x1b\[[\d;]*[349][0-7]", coloured)
