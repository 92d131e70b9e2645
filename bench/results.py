"""A run's results as JSON, and read again."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.method import Goal, Measured

_FORMAT = 1


@dataclass(frozen=True)
class Run:
    """All that one call of ``bench`` measured. ``skipped`` says why, by scenario; ``peaks`` is MB of engine memory.

    ``notes`` is MB ``moved`` between machines and left on their ``disk``, by scenario and side.
    """

    machine: Mapping[str, Any]
    quick: bool
    measured: Sequence[Measured]
    skipped: Mapping[str, str]
    peaks: Mapping[str, float]
    notes: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)


def save(run: Run, path: Path) -> None:
    """Write a run, whole or not at all."""
    content = {"format": _FORMAT, **asdict(run)}
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(content, file, indent=1)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def load(path: Path) -> Run:
    """Read a run. Raises ValueError for a file of another format."""
    content = json.loads(path.read_text())
    if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
        raise ValueError(f"{path}: not a results file of this version of bench")
    return Run(**{**content, "measured": tuple(_measured(one) for one in content["measured"])})


def _measured(one: Mapping[str, Any]) -> Measured:
    return Measured(**{**one, "goal": Goal(**one["goal"]) if one["goal"] else None})
