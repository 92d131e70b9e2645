"""The list of what a tree holds, by which another that is nearly the same is told from it without reading either.

A directory in which nothing changed is not taken apart: what is below it is one piece of the list, and goes into the
next as it is.
"""

import hashlib
import json
import os
import re
import stat
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import BinaryIO, NamedTuple

_LINE = re.compile(rb"([^\0]+)\0([0-7]+)[^\0]*\0.{32}", re.DOTALL)
"""A line of treehash.line."""
REST = struct.Struct("<Qq8s")
"""Size, time of modification, and a name for those that are one file."""
_COUNTS = struct.Struct("<QQ")
ALONE = bytes(8)
"""No such name."""
NODE = 4096
"""Bytes that count for an entry besides those of a file."""
_VERSION = b"inventory.v2\0"
_CHECKSUM = 32
_RENEWED = 2_000
"""Entries that take longer to look at one by one than a list to write."""


class Subtree(NamedTuple):
    """Where the content of a directory stands in an inventory, with all that is below it.

    ``first`` and ``last`` count entries, ``start`` and ``end`` bytes of lines, ``weight`` is theirs, ``inner`` counts
    directories with this one, ``own`` the entries in itself. ``name`` is that of its state (listing.py), ``stamps``
    their digest (statcache.py). It is ``meant`` if it has an entry itself. Paths are relative to the tree.
    """

    path: str
    meant: bool
    first: int
    last: int
    start: int
    end: int
    weight: int
    inner: int
    own: int
    name: str = ""
    stamps: str = ""

    def known_as(self, other: "Subtree") -> "Subtree":
        """The same in the state of another."""
        return self._replace(name=other.name, stamps=other.stamps)


class Link(NamedTuple):
    """A file with several names, and the directories that they are in."""

    device: int
    inode: int
    directories: list[str]


@dataclass(frozen=True)
class Inventory:
    """The lines of a tree's entries in the walk's order, as they count for its digest, and what counts besides.

    ``weight`` is about how many bytes a copy takes. ``subtrees`` has each directory that was looked into, behind those
    below it, ``tagged`` the paths of those that were passed by as ours, ``links`` the files with several names, also
    where others are elsewhere. ``walk`` tells what all that was looked for depended on. ``kept`` are the directories
    that came as one piece from the inventory ``source``. ``checksum`` is that of the pieces it was read from.
    """

    walk: str
    lines: "bytes | bytearray | memoryview"
    rest: "bytes | bytearray | memoryview"
    subtrees: Sequence[Subtree]
    links: Sequence[Link]
    tagged: Sequence[str]
    kept: Sequence[str] = ()
    source: "Inventory | None" = None
    checksum: bytes = b""

    @property
    def weight(self) -> int:
        """The whole tree's: the last subtree is that of its root."""
        return self.subtrees[-1].weight

    def subtree(self, path: str) -> Subtree:
        """That of the directory ``path``."""
        return self.subtrees[self._numbers[path]]

    def below(self, path: str) -> Sequence[Subtree]:
        """Those of the directory ``path`` and all below it."""
        number = self._numbers[path]
        return self.subtrees[number - self.subtrees[number].inner + 1 : number + 1]

    def pieces(self) -> "Iterator[bytes | bytearray | memoryview]":
        """The form in which it is kept; the first piece tells whether the others are whole."""
        head = json.dumps([self.walk, self.subtrees, self.links, self.tagged]).encode()
        body = (_COUNTS.pack(len(head), len(self.lines)), head, self.lines, self.rest)
        yield _checksum(body)
        yield from body

    def known_as(self, subtrees: Mapping[str, Subtree], tagged: Sequence[str]) -> "Inventory":
        """The same, some directories known by other states that hold the same, with what is ``tagged`` then."""
        own = [subtree.known_as(subtrees.get(subtree.path, subtree)) for subtree in self.subtrees]
        others = [path for path in self.tagged if os.path.dirname(path) not in subtrees]
        return replace(self, subtrees=own, tagged=sorted({*others, *tagged}))

    def entries(self, without: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
        """Paths and states of all entries, but for those below the directories ``without``, given in the walk's order.

        A state is what follows the path in the line, and the rest.
        """
        number, start = 0, 0
        for subtree in (*map(self.subtree, without), None):
            for found in _LINE.finditer(self.lines, start, subtree.start if subtree else len(self.lines)):
                path = found[1]
                rest = self.rest[number * REST.size : (number + 1) * REST.size]
                yield os.fsdecode(path), found[0][len(path) :] + rest
                number += 1
            if subtree:
                number, start = subtree.last, subtree.end

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {subtree.path: number for number, subtree in enumerate(self.subtrees)}


def whole(file: BinaryIO, read: Inventory | None = None) -> Inventory | None:
    """The inventory whose pieces a file has; None for anything else. What was ``read`` before is not read again."""
    checksum = file.read(_CHECKSUM)
    if read and read.checksum == checksum:
        return read
    body = memoryview(file.read())
    if checksum != _checksum((body,)):
        return None
    head, lines = _COUNTS.unpack_from(body)
    at = _COUNTS.size + head
    walk, subtrees, links, tagged = json.loads(bytes(body[_COUNTS.size : at]))
    known = [Subtree(*each) for each in subtrees], [Link(*each) for each in links], tagged
    return Inventory(walk, body[at : at + lines], body[at + lines :], *known, checksum=checksum)


def _checksum(pieces: "Iterable[bytes | bytearray | memoryview]") -> bytes:
    running = hashlib.sha256(_VERSION)
    for piece in pieces:
        running.update(piece)
    return running.digest()


def unchanged(source: Inventory, is_same: Callable[[Subtree], bool], *, inherited: bool) -> frozenset[str]:
    """The directories that may be kept, with all that is below them: where each is as it was.

    None is kept with a name of a file that has another elsewhere. With ``inherited``, what is below a directory depends
    on what is in it.
    """
    changed = {subtree.path for subtree in source.subtrees if not subtree.meant or not is_same(subtree)}
    if inherited:
        changed.update(
            [subtree.path for subtree in source.subtrees if any(map(changed.__contains__, _above(subtree.path)))]
        )
    changed.add("")
    apart, several = set[str](), [link.directories for link in source.links if len(link.directories) > 1]
    while changed:
        apart.update(*([path, *_above(path)] for path in changed))
        changed = {path for each in several if not apart.isdisjoint(each) for path in each} - apart
    return frozenset(subtree.path for subtree in source.subtrees if subtree.path not in apart)


def topmost(directories: Collection[str]) -> list[str]:
    """Those of some directories that are in no other of them."""
    return [path for path in directories if os.path.dirname(path) not in directories]


def _above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


@dataclass(frozen=True)
class Difference:
    """The way from one tree to another: paths that are hidden, paths that are copied, both in the walk's order.

    Nothing is hidden that goes with its directory. ``new`` has the line of each copy. ``hidden`` and ``copied`` say how
    many bytes that concerns.
    """

    gone: tuple[str, ...]
    new: Mapping[str, bytes]
    hidden: int
    copied: int


def changes(before: Inventory, now: Inventory) -> Difference:
    """The way from the tree of ``before`` to that of ``now``.

    All names of one file are new where one of them is: a copy in another layer would be a second file. What ``now`` has
    kept of ``before`` is not looked at.
    """
    kept = now.kept if now.source is before else ()
    states = dict(now.entries(kept))
    same, gone, links, hidden = set[str](), list[str](), {ALONE}, 0
    for path, state in before.entries(kept):
        mine = states.get(path)
        if mine == state:
            same.add(path)
            continue
        hidden += _weight(state)
        links.add(_link(state))
        if mine is None and _has_directory(states, os.path.dirname(path)):
            gone.append(path)
    links.update(_link(state) for path, state in states.items() if path not in same)
    links.remove(ALONE)
    new = {path: state for path, state in states.items() if path not in same or (links and _link(state) in links)}
    lines = {path: os.fsencode(path) + state[: -REST.size] for path, state in new.items()}
    return Difference(tuple(gone), lines, hidden, sum(map(_weight, new.values())))


def renewed(before: Inventory, now: Inventory, way: Difference) -> Inventory | None:
    """The inventory ``before`` of directories as they are now, where they hold the same in another state.

    None where these directories are so small that it is not worth it, or where a walk looked for something else.
    """
    if before.walk != now.walk:
        return None
    touched = {os.path.dirname(path) for path in (*way.gone, *way.new)}
    was = {subtree.path: subtree for subtree in before.subtrees}
    subtrees, entries = dict[str, Subtree](), 0
    for subtree in now.subtrees:
        old = was.get(subtree.path)
        if old and old.meant and subtree.name not in ("", old.name) and subtree.path not in touched:
            subtrees[subtree.path] = subtree
            entries += old.own
    return before.known_as(subtrees, now.tagged) if entries > _RENEWED else None


def _has_directory(states: Mapping[str, bytes], path: str) -> bool:
    """Whether there is a directory at ``path``; the root always is."""
    state = states.get(path)
    return not path or (state is not None and stat.S_ISDIR(int(state[1 : state.index(b" ")], 8)))


def _weight(state: bytes) -> int:
    size: int = REST.unpack_from(state, len(state) - REST.size)[0]
    return size + NODE


def _link(state: bytes) -> bytes:
    return state[-len(ALONE) :]
