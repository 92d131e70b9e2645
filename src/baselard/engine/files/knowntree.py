"""Remembers what a host directory held as a whole, so that one which nobody touched is not walked again.

Each directory that the walk looked into is known by the state of everything in it (listing.py), what patterns left out
among it. While all are as they were, the walk would find the same, and every file in it would be what it was. Where
some are not, a walk may leave the others out (inventory.py).
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import NamedTuple

from baselard.engine.files import listing, statcache
from baselard.engine.host import process
from baselard.engine.solver import digest
from baselard.engine.store import cachedir, host_content
from baselard.engine.store.database import Store

_MANY = 20_000
"""Entries that take longer to look at than two programs to start."""
_MOST = 4
"""Programs at once."""


@dataclass(frozen=True)
class KnownTree:
    """The digests of a tree: of what it holds, and of the stamps of all that was read for it (ops/host.py)."""

    content: str
    stamps: bytes


class _Directory(NamedTuple):
    """The name of the state of a directory that was looked into, empty if not settled, and how much is in it."""

    name: str
    entries: int


@dataclass(frozen=True)
class KnownParts:
    """The directories of a remembered tree that are as they were, by real path; the tree if all are."""

    directories: Mapping[str, _Directory]
    tree: KnownTree | None

    def has(self, path: str, name: str) -> bool:
        """Whether a directory has the state with this name, now."""
        known = self.directories.get(path)
        return known is not None and known.name == name


@dataclass
class Visit:
    """Real paths that a walk came by: directories it looked into, and those it passed as tagged ones of ours.

    ``kept`` are directories that it had no need to look into.
    """

    directories: list[str] = field(default_factory=list)
    tagged: list[str] = field(default_factory=list)
    kept: dict[str, _Directory] = field(default_factory=dict)

    def is_tagged(self, directory: str) -> bool:
        """Whether a directory is one of ours, which is noted."""
        if tagged := cachedir.is_tagged(directory):
            self.tagged.append(directory)
        return tagged


def key(*parts: object) -> bytes:
    """The name of a memory, from everything besides the directories themselves that a walk depends on."""
    return b"\0" + digest.of("knowntree.v3", *parts).encode()  # a path begins with a slash


def recall(store: Store, key: bytes) -> KnownParts | None:
    """The parts that are still as they are remembered under ``key``; None where nothing is."""
    if not (kept := host_content.one(store, key)):
        return None
    content, stamps, directories, tagged = json.loads(kept)
    known = {path: _Directory(name, entries) for path, name, entries in directories}
    same = {path: known[path] for path, name in _names(known) if name and name == known[path].name}
    whole = len(same) == len(known) and all(map(cachedir.is_tagged, tagged))
    return KnownParts(same, KnownTree(content, bytes.fromhex(stamps)) if whole else None)


def remember(store: Store, key: bytes, tree: KnownTree, visit: Visit, began: int) -> dict[str, str]:
    """Remember a tree that was read in a walk which ``began`` then (nanoseconds of Unix time).

    Gives the names of its directories. One that changed meanwhile, or so shortly before that a later change might leave
    the same times, has none.
    """
    directories = visit.kept | {path: _looked(path, began) for path in visit.directories}
    each = [(path, *directory) for path, directory in directories.items()]
    text = json.dumps([tree.content, tree.stamps.hex(), each, visit.tagged])
    host_content.keep(store, {key: text.encode()}, ())
    return {path: directory.name for path, directory in directories.items() if directory.name}


def _looked(path: str, began: int) -> _Directory:
    try:
        listed = listing.of(path)
    except OSError:
        return _Directory("", 0)
    settled = statcache.is_settled((listed.newest + 1) * 10**9, began)
    return _Directory(listed.name if settled else "", len(listed.names))


def _names(known: Mapping[str, _Directory]) -> Iterator[tuple[str, str]]:
    """The directories with the names of their states as they are. Programs look at many, one for each processor, which
    also have no part in how this process's threads take turns."""
    paths = list(known)
    if sum(directory.entries for directory in known.values()) < _MANY:
        yield from zip(paths, listing.names(paths), strict=True)
        return
    at_once = min(len(os.sched_getaffinity(0)), _MOST)
    with ThreadPoolExecutor(at_once, "look") as pool:
        parts = [paths[start::at_once] for start in range(at_once)]
        jobs = [pool.submit(copy_context().run, _look, part) for part in parts]
        for part, job in zip(parts, jobs, strict=True):
            yield from zip(part, job.result(), strict=False)


def _look(paths: Sequence[str]) -> list[str]:
    argv = (sys.executable, "-I", "-S", listing.__file__)
    stdin = b"\0".join(map(os.fsencode, paths))
    return process.run(argv, stdin=stdin, check=False).stdout.decode().split("\n")
