"""A result as the store writes it down: digests, numbers of snapshots, and small facts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baselard.engine.solver.graph import Result

OBJECTS = "objects"
"""The fact that holds how an object of the API comes about. It is this machine's alone, and in no exported cache."""

_text = json.JSONEncoder(separators=(",", ":")).encode

Pair = tuple[str, int | None]
"""The digest of a value, and the number of the snapshot that is its tree."""


@dataclass(frozen=True)
class Stored:
    """One recorded result. ``values`` stand in the order of the node's outputs."""

    values: Sequence[Pair]
    data: Mapping[str, Any]

    @property
    def snapshots(self) -> set[int]:
        """The numbers of the snapshots that it names."""
        return {number for _, number in self.values if number is not None}

    @property
    def blobs(self) -> set[str]:
        """The digests among its facts: streams of commands, and whatever else may be a blob."""
        texts = (value for value in self.data.values() if isinstance(value, str))
        return {text for text in texts if text.startswith("sha256:")}

    def plain(self) -> dict[str, Any]:
        """The form that JSON takes, in the store and in an exported cache."""
        return {"values": [list(pair) for pair in self.values], "data": dict(self.data)}


def of(result: Result) -> Stored:
    """The form in which a result is written down."""
    return Stored([(value.digest, value.tree.id if value.tree else None) for value in result.values], result.data)


def encode(result: Result) -> str:
    """The text of a result."""
    return _text(of(result).plain())


def decode(text: str) -> Stored:
    """The result of a text that ``encode`` made."""
    return from_plain(json.loads(text))


def from_plain(plain: Mapping[str, Any]) -> Stored:
    """The result of what ``Stored.plain`` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return Stored([(str(name), number) for name, number in plain["values"]], plain["data"])
