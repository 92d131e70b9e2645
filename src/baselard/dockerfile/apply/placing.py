"""From the matches of a COPY's source to placements: where each file or directory goes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from e2b_dockerfile_utils import PatternMatcher

from baselard.dockerfile.apply.builder import D, MatchedPath, Placement
from baselard.dockerfile.plan.steps import CopyItem, CopyStep
from baselard.dockerfile.syntax import effort
from baselard.dockerfile.syntax.errors import DockerfileError


def place_item(step: CopyStep, item: CopyItem, found: MatchedPath, tree: D) -> Iterator[Placement[D]]:
    """The placement of one match; none for a file that `--exclude` names."""
    if not found.is_directory and _excluded(step, found):
        return
    yield Placement(
        tree,
        found.path,
        found.is_directory,
        step.dest,
        owner=step.owner,
        mode=step.mode,
        include=(item.keep,) if item.keep else (),
        exclude=step.exclude,
        unpack=item.unpack and not found.is_directory,
        is_plain=found.is_plain,
    )


def _excluded(step: CopyStep, found: MatchedPath) -> bool:
    name = posixpath.basename(found.path)
    for pattern in step.exclude:
        if effort.ways(len(name), effort.gaps(pattern)) > effort.MOST:
            raise DockerfileError(
                f"--exclude={pattern:.80}: too many * for a name like {name:.80}; use fewer", step.place
            )
    return bool(step.exclude) and PatternMatcher(list(step.exclude)).matches(name)
