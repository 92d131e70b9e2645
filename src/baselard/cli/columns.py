"""Names with explanations in columns, as help and listings print them."""

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import IO

_WIDTH = 116
_LEAST = 30  # columns of an explanation, however narrow the terminal is
_INDENT = 4  # of what goes on in the next line


def width(stream: IO[str]) -> int:
    """Columns of the terminal that a stream writes to; 0 where it writes to none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except OSError:
        return 0


def fitting(text: str, room: int) -> str:
    """The text with lines broken between words where they are wider than so many columns; 0 is any number."""
    return "\n".join(part for line in text.split("\n") for part in (_broken(line, room) if room else [line]))


def _broken(line: str, room: int) -> list[str]:
    if len(line) <= room:
        return [line]
    indent = len(line) - len(line.lstrip()) + _INDENT
    return textwrap.wrap(
        line,
        room,
        subsequent_indent=" " * (indent if indent < room // 2 else 0),
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Names with descriptions under a heading, in Dagger's columns."""
    rows = [("Name", "Description"), *rows]
    width = max(len(name) for name, _ in rows) + 3
    return "".join(f"{name:<{width}}{text}\n" for name, text in rows)


def section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Rows below a title, wrapped; empty without rows."""
    rows = list(rows)
    if not rows:
        return ""
    column = min(max(len(name) for name, _ in rows), 34) + 4
    return f"{title}:\n" + "".join(_row(name, text, column) for name, text in rows)


def _row(name: str, text: str, column: int) -> str:
    head = f"  {name}".ljust(column)
    if len(head) > column:
        head += "\n" + " " * column
    room = min(width(sys.stdout) or _WIDTH, _WIDTH)
    wrapped = textwrap.wrap(text, max(room - column, _LEAST)) or [""]
    return (head + f"\n{'':{column}}".join(wrapped)).rstrip() + "\n"
