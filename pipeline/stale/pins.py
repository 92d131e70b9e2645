"""The nouns: a pin, the newest there is of what it names, and how the one stands to the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.text import columns

TOOLS = "debian:trixie-slim"
"""The image in which this program runs its tools: linters, goss, syft, openssl."""

_SHORT = len("sha256:") + 12  # characters of a digest that are shown, as docker does


@dataclass(frozen=True)
class Pin:
    """Something of others that a file names: `name` is what would be asked for anew, `at` what it is held at.

    `kind` is image, tool or action; `at` is a digest or a commit, empty where nothing holds it; `version` is what a
    comment calls it. `line` is 0 where the file says it in no line of its own.
    """

    kind: str
    path: str
    line: int
    name: str
    at: str = ""
    version: str = ""
    movable: bool = True

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True)
class Newest:
    """The newest there is: a digest or a commit, and a version where there are any. `problem` is why nobody knows."""

    at: str = ""
    version: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Standing:
    """A pin beside the newest there is."""

    pin: Pin
    newest: Newest

    @property
    def state(self) -> str:
        """current, outdated, not pinned, fixed (by a digest that no tag stands beside) or unknown."""
        if not self.pin.movable:
            return "fixed"
        if self.newest.problem:
            return "unknown"
        if not self.pin.at:
            return "not pinned"
        return "current" if self.pin.at == self.newest.at else "outdated"


def as_table(standings: Sequence[Standing]) -> str:
    """A line for each, and what nobody could be asked about below."""
    rows = [("KIND", "NAME", "AT", "NEWEST", "STATE", "PLACE"), *map(_row, standings)]
    problems = dict.fromkeys(f"{one.pin.name}: {one.newest.problem}" for one in standings if one.state == "unknown")
    behind = sum(one.state == "outdated" for one in standings)
    asked = f", {len(problems)} could not be asked about" if problems else ""
    return "\n".join([columns(rows), "", f"{behind} of {len(standings)} outdated{asked}", *problems])


def _row(one: Standing) -> tuple[str, ...]:
    newest = one.newest.version or one.newest.at[:_SHORT]
    return one.pin.kind, one.pin.name, one.pin.version or one.pin.at[:_SHORT], newest, one.state, one.pin.place


def as_json(standings: Sequence[Standing]) -> str:
    """The same for programs, digests and commits whole."""
    return json.dumps([_entry(one) for one in standings], indent=2) + "\n"


def _entry(one: Standing) -> dict[str, Any]:
    return {
        "kind": one.pin.kind,
        "name": one.pin.name,
        "path": one.pin.path,
        "line": one.pin.line,
        "at": one.pin.at,
        "version": one.pin.version,
        "newest": one.newest.at,
        "newest-version": one.newest.version,
        "state": one.state,
        "problem": one.newest.problem,
    }
