"""What a COPY's source has matched → placements: where each file or directory goes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from e2b_dockerfile_utils import PatternMatcher

from baselard.dockerfile.apply.builder import D, MatchedPath, Placement
from baselard.dockerfile.plan.steps import CopyItem, CopyStep


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
    return bool(step.exclude) and PatternMatcher(list(step.exclude)).matches(posixpath.basename(found.path))
