"""Which snapshots become which layer of an image."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselard.engine.images.layers import generate
from baselard.engine.store import layer_index
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import GIVEN
from baselard.engine.store.snapshots import ancestry

_MOST_LAYERS = 120  # Docker's graph drivers stop at 127

Marks = Sequence[Snapshot | None]
"""The trees that instructions of a Dockerfile led to, lowest first, after the one that they started from."""


@dataclass(frozen=True)
class Group:
    """Snapshots that become one layer: all from ``top`` down to, and without, ``below``; none if both are the same."""

    top: Snapshot
    below: Snapshot | None


@dataclass(frozen=True)
class Grouping:
    """The layers of a tree, lowest first.

    The ``lower`` first ones were there before the instructions, whose ``layered`` tells which end a layer.
    """

    groups: tuple[Group, ...]
    lower: int
    layered: tuple[bool, ...] = ()


def grouping(store: Store, snapshot: Snapshot | None, marks: Marks = ()) -> Grouping:
    """Which layers the tree of ``snapshot`` makes: one for each instruction, even if it changed nothing, as in docker.

    Elsewhere one for each snapshot that holds anything or came with an image as a layer, joined ones together. When
    there are more than Docker can stack, neighbours that did not come with an image share one. A mark that the tree was
    not made from counts as the one before it.
    """
    chain = [*ancestry(snapshot)][::-1]
    ends = _positions(chain, marks) or [len(chain)]
    lower, upper = range(1, ends[0] + 1), range(ends[-1] + 1, len(chain) + 1)
    tops = [at for at in lower if _ends(store, chain, at)]
    below, instructions = len(tops), ends[1:]
    tops += [*instructions, *(at for at in upper if _ends(store, chain, at))]
    given = 0
    while given < below and layer_index.packed(store, chain[tops[given] - 1], chain[tops[given] - 1].parent, GIVEN):
        given += 1
    last = _last_of_each(given, tops)
    kept = [number for number, at in enumerate(tops) if number in last and at]
    groups = [
        Group(chain[tops[one] - 1], chain[tops[before] - 1] if before is not None and tops[before] else None)
        for before, one in zip([None, *kept], kept, strict=False)
    ]
    layered = tuple(number in kept for number in range(below, below + len(instructions)))
    return Grouping(tuple(groups), sum(number < below for number in kept), layered)


def _positions(chain: Sequence[Snapshot], marks: Marks) -> list[int]:
    """How many snapshots of the chain each mark stands for."""
    known = {link.id: number for number, link in enumerate(chain, 1)}
    last: list[int] = []
    for mark in marks:
        before = last[-1] if last else 0
        last.append(max(before, known.get(mark.id, before) if mark else before))
    return last


def _ends(store: Store, chain: Sequence[Snapshot], at: int) -> bool:
    """Whether a layer ends with the first ``at`` snapshots of the chain."""
    return _counts(store, chain[at - 1]) and not (at < len(chain) and layer_index.is_joined(store, chain[at]))


def _counts(store: Store, link: Snapshot) -> bool:
    if not link.parent or layer_index.packed(store, link, link.parent, GIVEN):
        return True
    return not generate.is_empty(str(store.layer_path(link)))


def _last_of_each(given: int, tops: Sequence[int]) -> set[int]:
    """The numbers in ``tops`` that end a layer."""
    own = len(tops) - given
    at_once = max(1, -(-own // max(1, _MOST_LAYERS - given)))
    ends = [min(at + at_once, own) - 1 for at in range(0, own, at_once)]
    return {*range(given), *(given + end for end in ends)}
