"""Choosing examples by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from pipeline.errors import UsageError
from pipeline.project import Base, Example, Project


def examples(project: Project, only: Sequence[str] = (), exclude: Sequence[str] = ()) -> tuple[Example, ...]:
    """The examples whose names match a pattern of `only` (all, if empty) and none of `exclude`.

    UsageError when there is no example, or when a pattern matches none: a typing error must not pass as success.
    """
    if not project.examples:
        patterns = ", ".join(project.config.example_paths)
        raise UsageError(f"no example found: looked for Dockerfiles in {patterns}; set examples.paths in baselard.yaml")
    names = [example.name for example in project.examples]
    for pattern in (*only, *exclude):
        _require_match(pattern, names)
    return tuple(
        example
        for example in project.examples
        if (not only or _any(example.name, only)) and not _any(example.name, exclude)
    )


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _require_match(pattern: str, names: Sequence[str]) -> None:
    if any(fnmatchcase(name, pattern) for name in names):
        return
    close = difflib.get_close_matches(pattern, names, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
    raise UsageError(f"no example matches {pattern!r}; {hint}")


def base(project: Project, target: str) -> tuple[Base, str]:
    """The base and stage called `target`; the first of the last base when empty. UsageError when unknown."""
    choices = targets(project)
    if not target:
        return project.bases[-1], project.bases[-1].targets[0]
    for chosen, stage in choices:
        if target in {stage, chosen.name, f"{chosen.name}:{stage}", chosen.title(stage), chosen.ending(stage)}:
            return chosen, stage
    known = ", ".join(chosen.ending(stage) or chosen.name for chosen, stage in choices)
    raise UsageError(f"the base has no target {target!r}; there are {known}")


def targets(project: Project) -> list[tuple[Base, str]]:
    """Every target of every base, in their order."""
    return [(base, stage) for base in project.bases for stage in base.targets]
