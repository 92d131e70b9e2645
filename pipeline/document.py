"""A file of settings: what it says, and where in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Document:
    """What a file says, and the line of each of its keys and items, by their path joined with dots."""

    value: Any
    lines: Mapping[str, int]

    def line_of(self, where: Sequence[str]) -> int:
        """The line, from 1, of the deepest part of a path that is there."""
        paths = (".".join(where[:length]) for length in range(len(where), 0, -1))
        return next((self.lines[path] for path in paths if path in self.lines), 1)
