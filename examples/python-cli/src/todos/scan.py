"""Reading a tree for notes: no output, no arguments, so that it is easy to test."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A note opens a comment; the word in a sentence or in a string is none.
_NOTE = re.compile(r"(?:#|//|/\*|<!--|--|;)\s*(TODO|FIXME|XXX)\b(?:\((?P<owner>[^)]*)\))?:?\s*(?P<text>.*)")
_SKIPPED_DIRECTORIES = frozenset({".git", ".venv", "__pycache__", "node_modules"})


@dataclass(frozen=True)
class Note:
    """One note: where it stands, its tag, who it is for ("" when nobody is named) and what it says."""

    path: str
    line: int
    tag: str
    owner: str
    text: str


def scan(root: Path) -> Iterator[Note]:
    """Yield the notes under `root` in path order; files that are not UTF-8 text are passed over."""
    for path in sorted(_text_files(root)):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (UnicodeDecodeError, PermissionError):
            continue
        yield from _notes(str(path.relative_to(root)), lines)


def _text_files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and _SKIPPED_DIRECTORIES.isdisjoint(path.relative_to(root).parts):
            yield path


def _notes(path: str, lines: list[str]) -> Iterator[Note]:
    for number, line in enumerate(lines, start=1):
        if found := _NOTE.search(line):
            yield Note(path, number, found[1], found["owner"] or "", found["text"].strip())
