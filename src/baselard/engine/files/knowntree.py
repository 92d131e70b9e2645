"""Remembers what a host directory held as a whole, so that one which nobody touched is not walked again.

Each directory that the walk looked into is known by the state of everything in it (listing.py), what patterns left out
among it. While all are as they were, the walk would find the same, and every file in it would be what it was.
"""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import NamedTuple

from baselard.engine.files import listing, statcache
from baselard.engine.files.listing import Listing
from baselard.engine.host import process
from baselard.engine.solver import digest
from baselard.engine.store import cachedir, host_content
from baselard.engine.store.database import Store

_FIRST = 32
"""Directories that are looked at before a program is started for the others."""
_MANY = 20_000
"""Entries that take longer to look at than two programs to start."""
_MOST = 4
"""Programs at once."""


@dataclass(frozen=True)
class KnownTree:
    """The digests of a tree: of what it holds, and of the stamps of all that was read for it (ops/host.py)."""

    content: str
    stamps: bytes


@dataclass
class Visit:
    """Real paths that a walk came by: directories it looked into, and those it passed as tagged ones of ours."""

    directories: list[str] = field(default_factory=list)
    tagged: list[str] = field(default_factory=list)

    def is_tagged(self, directory: str) -> bool:
        """Whether a directory is one of ours, which is noted."""
        if tagged := cachedir.is_tagged(directory):
            self.tagged.append(directory)
        return tagged


class _Directory(NamedTuple):
    """A directory that was looked into, the name of its state, and how much is in it."""

    path: str
    name: str
    entries: int

    @property
    def told(self) -> tuple[str, str]:
        """The part that a listing takes."""
        return self.path, self.name


def key(*parts: object) -> bytes:
    """The name of a memory, from everything besides the directories themselves that a walk depends on."""
    return b"\0" + digest.of("knowntree.v2", *parts).encode()  # a path begins with a slash


def recall(store: Store, key: bytes) -> KnownTree | None:
    """The tree remembered under ``key``, if everything is still as it was then."""
    if not (kept := host_content.one(store, key)):
        return None
    content, stamps, directories, tagged = json.loads(kept)
    if not all(map(cachedir.is_tagged, tagged)) or not _are([_Directory(*each) for each in directories]):
        return None
    return KnownTree(content, bytes.fromhex(stamps))


def remember(store: Store, key: bytes, tree: KnownTree, visit: Visit, began: int) -> None:
    """Remember a tree that was read in a walk which ``began`` then (nanoseconds of Unix time).

    Nothing is remembered where something changed meanwhile, or so shortly before that a later change might leave the
    same times. What changed last is looked at first the next time: there the next change is.
    """
    seen = []
    for path in visit.directories:
        listed = _listed(path)
        if listed is None or not statcache.is_settled((listed.newest + 1) * 10**9, began):
            return
        seen.append((listed.newest, _Directory(path, listed.name, len(listed.names))))
    directories = [known for _, known in sorted(seen, reverse=True)]
    text = json.dumps([tree.content, tree.stamps.hex(), directories, visit.tagged])
    host_content.keep(store, {key: text.encode()}, ())


def _listed(directory: str) -> Listing | None:
    """The entries of a directory; None when it is none any more."""
    try:
        return listing.of(directory)
    except OSError:
        return None


def _are(known: Sequence[_Directory]) -> bool:
    """Whether all are as they were. Those that changed last are looked at first; many others by a program for each
    processor, which also has no part in how this process's threads take turns."""
    first, rest = known[:_FIRST], known[_FIRST:]
    if sum(directory.entries for directory in rest) < _MANY:
        return listing.are(directory.told for directory in known)
    if not listing.are(directory.told for directory in first):
        return False
    at_once = min(len(os.sched_getaffinity(0)), _MOST)
    with ThreadPoolExecutor(at_once, "look") as pool:
        parts = [rest[start::at_once] for start in range(at_once)]
        return all([job.result() for job in [pool.submit(copy_context().run, _look, part) for part in parts]])


def _look(known: Sequence[_Directory]) -> bool:
    argv = (sys.executable, "-I", "-S", listing.__file__)
    return not process.run(argv, stdin=listing.told(directory.told for directory in known), check=False).code
