"""Remembers what a host directory held as a whole, so that one which nobody touched is not walked again.

Each directory that the walk looked into is known by the state of everything in it (listing.py), what patterns left out
among it. While all are as they were, the walk would find the same, and every file in it would be what it was.
"""

import hashlib
import json
from dataclasses import dataclass, field

from baselard.engine.files import listing, statcache
from baselard.engine.files.listing import Listing
from baselard.engine.solver import digest
from baselard.engine.store import cachedir, host_content
from baselard.engine.store.database import Store


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


def key(*parts: object) -> bytes:
    """The name of a memory, from everything besides the directories themselves that a walk depends on."""
    return b"\0" + digest.of("knowntree.v1", *parts).encode()  # a path begins with a slash


def recall(store: Store, key: bytes) -> KnownTree | None:
    """The tree remembered under ``key``, if everything is still as it was then."""
    if not (kept := host_content.one(store, key)):
        return None
    content, stamps, directories, tagged = json.loads(kept)
    if not all(map(cachedir.is_tagged, tagged)) or not all(_is_as(*directory) for directory in directories):
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
        seen.append((listed.newest, path, _name(listed)))
    directories = [(path, known) for _, path, known in sorted(seen, reverse=True)]
    text = json.dumps([tree.content, tree.stamps.hex(), directories, visit.tagged])
    host_content.keep(store, {key: text.encode()}, ())


def _is_as(path: str, known: str) -> bool:
    listed = _listed(path)
    return listed is not None and _name(listed) == known


def _listed(directory: str) -> Listing | None:
    """The entries of a directory; None when it is none any more."""
    try:
        return listing.of(directory)
    except OSError:
        return None


def _name(listed: Listing) -> str:
    """A short name for the state of everything in a directory."""
    return hashlib.sha256(listed.state).hexdigest()
