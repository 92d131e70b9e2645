"""The list of what a tree holds, by which another that is nearly the same is told from it without reading either."""

import hashlib
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from baselard.engine.files.walking import Entry

_STATE = struct.Struct("<IQq32s8s")
"""Mode, size, time of modification, identity of the content, and a name for those that are one file."""
_COUNT = struct.Struct("<Q")
_ALONE = bytes(8)
_NODE = 4096
"""Bytes that count for an entry besides those of a file."""


@dataclass
class Inventory:
    """The states of a tree's entries by path, in the walk's order; ``weight`` is about how many bytes a copy takes.

    Owners are no part of a state.
    """

    states: dict[str, bytes] = field(default_factory=dict)
    weight: int = 0
    _names: dict[tuple[int, int], str] = field(default_factory=dict)

    def add(self, entry: Entry, identity: bytes) -> None:
        """Put the next entry of the walk in; ``identity`` is what treehash.detail gave for it."""
        info = entry.info
        is_file = stat.S_ISREG(info.st_mode)
        size = info.st_size if is_file else 0
        link = self._link(entry) if is_file and info.st_nlink > 1 else _ALONE
        self.states[entry.path] = _STATE.pack(info.st_mode, size, info.st_mtime_ns, identity, link)
        self.weight += size + _NODE

    def is_as(self, path: str, info: os.stat_result, identity: bytes) -> bool:
        """Whether something has the mode and the content that ``path`` has here."""
        mode, _, _, own, _ = _STATE.unpack(self.states[path])
        return (mode, own) == (info.st_mode, identity)

    def has_directory(self, path: str) -> bool:
        """Whether there is a directory at ``path``; the root always is."""
        state = self.states.get(path)
        return not path or (state is not None and stat.S_ISDIR(_STATE.unpack(state)[0]))

    def to_bytes(self) -> bytes:
        """The form in which it is kept; its first 32 bytes tell whether the others are whole."""
        names = b"\0".join(map(os.fsencode, self.states))
        body = b"".join((_COUNT.pack(len(names)), names, *self.states.values()))
        return hashlib.sha256(body).digest() + body

    def _link(self, entry: Entry) -> bytes:
        first = self._names.setdefault((entry.info.st_dev, entry.info.st_ino), entry.path)
        return hashlib.sha256(os.fsencode(first)).digest()[: len(_ALONE)]


@dataclass(frozen=True)
class Difference:
    """The way from one tree to another: paths that are hidden, paths that are copied, both in the walk's order.

    Nothing is hidden that goes with its directory. ``hidden`` and ``copied`` say how many bytes that concerns.
    """

    gone: tuple[str, ...]
    new: tuple[str, ...]
    hidden: int
    copied: int


def states(kept: bytes) -> Iterator[tuple[str, bytes]] | None:
    """The paths and states that ``Inventory.to_bytes`` wrote; None for anything else."""
    body = memoryview(kept)[32:]
    if hashlib.sha256(body).digest() != kept[:32]:
        return None
    start = _COUNT.size + _COUNT.unpack_from(body)[0]
    names = bytes(body[_COUNT.size : start]).split(b"\0")
    each = range(start, len(body), _STATE.size)
    return ((os.fsdecode(name), bytes(body[at : at + _STATE.size])) for name, at in zip(names, each, strict=False))


def changes(before: Iterable[tuple[str, bytes]], now: Inventory) -> Difference:
    """The way from the tree with the states ``before`` to ``now``.

    All names of one file are new where one of them is: a copy in another layer would be a second file.
    """
    same, gone, links, hidden = set[str](), list[str](), {_ALONE}, 0
    for path, state in before:
        mine = now.states.get(path)
        if mine == state:
            same.add(path)
            continue
        hidden += _weight(state)
        links.add(_link(state))
        if mine is None and now.has_directory(os.path.dirname(path)):
            gone.append(path)
    links.update(_link(state) for path, state in now.states.items() if path not in same)
    links.remove(_ALONE)
    new = [path for path, state in now.states.items() if path not in same or (links and _link(state) in links)]
    return Difference(tuple(gone), tuple(new), hidden, sum(_weight(now.states[path]) for path in new))


def _weight(state: bytes) -> int:
    size: int = _STATE.unpack(state)[1]
    return size + _NODE


def _link(state: bytes) -> bytes:
    return state[-len(_ALONE) :]
