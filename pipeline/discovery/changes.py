"""Which examples a change touches, by git history that never enters a build context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import dagger
from dagger import dag

from pipeline import debian
from pipeline.errors import UsageError
from pipeline.project import Base, Example

# Outside of every example and base, these change no image. Anything else is taken to concern all of them.
HARMLESS = ("*.md", "docs/*", "LICENSE*", "NOTICE*", ".gitignore", ".gitattributes", ".editorconfig")

# Three dots' meaning: what happened here since both sides parted, so that others' commits do not count.
# Compared with the working tree, so that what is not committed yet counts too.
_LIST = """\
git config --global --add safe.directory '*'
since=$(git merge-base "$1" HEAD 2>&1) || { printf 'unknown\\0%s\\0' "$since"; exit 0; }
printf 'known\\0'
git diff --name-only --no-renames -z "$since" -- && git ls-files --others --exclude-standard -z
"""


@dataclass(frozen=True)
class Changed:
    """The paths that differ since the merge base with `since`; None when that cannot be known, for `reason`.

    An empty `since` is that of a call before this one, which told of all the others.
    """

    since: str
    paths: tuple[str, ...] | None
    reason: str = ""


async def since(source: dagger.Directory, history: dagger.Directory | None, reference: str) -> Changed:
    """The paths that changed between the merge base of `reference` and HEAD, and these files."""
    if history is None:
        raise UsageError("--changed-since needs the history: add `--history .git`")
    listed = (
        dag.container()
        .from_("debian:trixie-slim")
        .with_exec(["sh", "-c", debian.install("git")])
        .with_mounted_directory("/src", source)
        .with_mounted_directory("/history", history)
        .with_env_variable("GIT_DIR", "/history")
        .with_env_variable("GIT_WORK_TREE", "/src")
        .with_workdir("/src")
        .with_exec(["sh", "-c", _LIST, "sh", reference])
    )
    return parse(reference, await listed.stdout())


def of_paths(paths: Sequence[str]) -> Changed:
    """These paths, which somebody saw changing."""
    return Changed("", tuple(paths))


def parse(reference: str, printed: str) -> Changed:
    """Read what the listing printed: whether the range is known, then NUL-terminated paths."""
    state, *items = printed.split("\0")[:-1]
    if state == "unknown":
        return Changed(reference, None, items[0].strip() or f"{reference} and HEAD have no common ancestor")
    return Changed(reference, tuple(sorted(set(items))))


def affected(examples: Sequence[Example], bases: Sequence[Base], changed: Changed) -> tuple[Example, ...]:
    """The examples to test. All of them when the range is unknown or empty, or when something shared changed."""
    paths = changed.paths or ()
    if bases_touched(examples, bases, changed):
        return tuple(examples)
    return tuple(example for example in examples if any(_touches(paths, place) for place in example.places))


def bases_touched(examples: Sequence[Example], bases: Sequence[Base], changed: Changed) -> bool:
    """Whether the bases are to be tested."""
    return not changed.paths or any(_shared(path, examples, bases) for path in changed.paths)


def _shared(path: str, examples: Sequence[Example], bases: Sequence[Base]) -> bool:
    """Whether a path outside of the examples may concern an image."""
    if any(_touches([path], example.directory) for example in examples):
        return False
    if any(_touches([path], place) for base in bases for place in base.places):
        return True
    return not any(fnmatchcase(path, pattern) for pattern in HARMLESS)


def _touches(paths: Iterable[str], place: str) -> bool:
    """Whether one of the paths is the place or lies below it."""
    return any(place in {".", path} or path.startswith(f"{place}/") for path in paths)
