"""Makes a picture of a terminal while a command runs, or when it has ended: SVG text, once light and once dark.

    python docs/pictures/record.py NAME [--width 96] [--when TEXT] [--shown "baselard call …"] -- COMMAND …

The command runs in tmux, which keeps the screen as a terminal would. With --when the picture is that of the moment at
which the text stands on the screen. NAME-light.svg and NAME-dark.svg come to lie beside this file.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
LETTER, LINE, EDGE, SIZE = 8.4, 19, 16, 14  # pixels: a letter's width at this size, a line's height, the room around
ENDED = "\N{NO-BREAK SPACE}ended"
PATIENCE = 3600.0  # seconds


@dataclass(frozen=True)
class Theme:
    """Colours: of the ground, of letters, of dim ones, and of those that a terminal has a number for."""

    ground: str
    letters: str
    dim: str
    numbered: Mapping[int, str]


THEMES = {
    "light": Theme("#ffffff", "#1f2328", "#656d76", {1: "#cf222e", 2: "#116329", 3: "#7d4e00", 4: "#0550ae"}),
    "dark": Theme("#0d1117", "#e6edf3", "#8b949e", {1: "#ff7b72", 2: "#3fb950", 3: "#d29922", 4: "#79c0ff"}),
}


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--when", default=ENDED)
    parser.add_argument("--shown", default="")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args(argv)
    shown = asked.shown or shlex.join(asked.command)
    screen = f"$ {shown}\n{screen_of(asked.command, asked.width, asked.when)}"
    for theme, colours in THEMES.items():
        (HERE / f"{asked.name}-{theme}.svg").write_text(svg(screen, colours, shown))


def screen_of(command: Sequence[str], width: int, when: str) -> str:
    """What stands on the terminal, with its escapes for colours, once this text is there or the command has ended."""
    with tempfile.TemporaryDirectory() as place:
        program = ["tmux", "-S", f"{place}/tmux", "-f", "/dev/null"]
        line = f"{shlex.join(command)}; printf '{ENDED}'; read _"
        subprocess.run([*program, "new-session", "-d", "-x", str(width), "-y", "50", "sh", "-c", line], check=True)
        try:
            end = time.monotonic() + PATIENCE
            seen = ""
            while when not in seen and ENDED not in seen and time.monotonic() < end:
                time.sleep(0.1)
                seen = subprocess.check_output([*program, "capture-pane", "-p", "-e"], text=True)
        finally:
            subprocess.run([*program, "kill-server"], check=False, capture_output=True)
    return seen.replace(ENDED, "").rstrip()


def svg(screen: str, theme: Theme, title: str) -> str:
    """The screen as a picture whose text stays text."""
    lines = list(AnsiDecoder().decode(screen))
    width = 2 * EDGE + LETTER * max((line.cell_len for line in lines), default=0)
    height = 2 * EDGE + LINE * len(lines)
    size = f'width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}"'
    rows = (row(line, number, theme) for number, line in enumerate(lines) if line.plain.strip())
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="100%" height="100%" rx="6" fill="{theme.ground}" stroke="{theme.dim}"/>',
            f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="{SIZE}" '
            f'fill="{theme.letters}">',
            *rows,
            "</g>",
            "</svg>\n",
        ]
    )


def row(line: Text, number: int, theme: Theme) -> str:
    """A line, in runs of letters that look alike."""
    y = EDGE + LINE * number + SIZE
    parts = "".join(f"<tspan{look}>{text}</tspan>" if look else text for text, look in runs(line, theme))
    return f'<text x="{EDGE}" y="{y}" textLength="{LETTER * line.cell_len:.1f}">{parts}</text>'


def runs(line: Text, theme: Theme) -> Iterator[tuple[str, str]]:
    """Letters with how they look, as attributes; their spaces are such that browsers keep all of them."""
    for segment in line.render(Console()):
        style, look = segment.style, ""
        if style and style.dim:
            look = f' fill="{theme.dim}"'
        elif colour := theme.numbered.get(style.color.number or 0) if style and style.color else None:
            look = f' fill="{colour}"'
        if style and style.bold:
            look += ' font-weight="bold"'
        if text := segment.text.strip("\n"):
            yield escape(text).replace(" ", "\N{NO-BREAK SPACE}"), look


if __name__ == "__main__":
    main(sys.argv[1:])
