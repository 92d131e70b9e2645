"""Names with explanations in columns, as help and listings print them."""

import textwrap
from collections.abc import Iterable, Sequence

_WIDTH = 116


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
    wrapped = textwrap.wrap(text, _WIDTH - column) or [""]
    return (head + f"\n{'':{column}}".join(wrapped)).rstrip() + "\n"
