"""Looks a host directory through, but for what an earlier import of it tells: where nobody changed anything since."""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from baselard.engine.files import checkout, inventory, knowntree, treehash
from baselard.engine.files.gitignore import Rules
from baselard.engine.files.inventory import Inventory, Subtree
from baselard.engine.files.inventory_draft import InventoryDraft
from baselard.engine.files.knowntree import KnownParts, KnownTree, Visit
from baselard.engine.files.statcache import Stamps, StatCache, stamp_of
from baselard.engine.files.treehash import As
from baselard.engine.files.walking import Entry, Filter, excluded, walk
from baselard.engine.host import rundir
from baselard.engine.ops import host_layer
from baselard.engine.run.worker import Worker
from baselard.engine.store import cachedir, overlay
from baselard.engine.store.database import Store


@dataclass(frozen=True)
class Read:
    """A directory as it was read: its content's digest, one for the stamps of all, and after a walk what it held."""

    digest: str
    stamps: bytes
    held: Inventory | None = None


@dataclass(frozen=True)
class Part:
    """The part of a directory that is meant; what Baselard itself keeps, or has ``written`` there, is not.

    ``path`` has no links in it; ``outer_rules`` are those of .gitignore files above it and of its user.
    """

    path: str
    selected: Filter
    outer_rules: tuple[Rules, ...]
    written: tuple[str, ...]

    @classmethod
    def of(cls, worker: Worker, path: str, selected: Filter) -> "Part":
        """The part that a walk is to find, now."""
        outer_rules = tuple(checkout.outer_rules(path)) if selected.gitignore else ()
        written = (_place(worker.output), os.path.realpath(rundir.default_root()))
        return cls(os.path.realpath(path), selected, outer_rules, written)

    def key(self) -> bytes:
        """Names everything but the directories themselves that the entries depend on."""
        return knowntree.key(self, excluded(self.path) if self.selected.gitignore else b"")

    def relative(self, real: str) -> str:
        """A real path in it as entries have theirs."""
        return real[len(self.path) :].lstrip("/")

    def real(self, path: str) -> str:
        """The real path of an entry."""
        return f"{self.path.rstrip('/')}/{path}" if path else self.path

    def entries(self, by: "_Walk | None" = None) -> Iterator[Entry]:
        """Its entries, in the walk's order, but for those that ``by`` knows."""
        by = by or _Walk(self, Visit(), InventoryDraft(), Stamps())

        def skips(real: str, info: os.stat_result) -> bool:
            return real in self.written or (stat.S_ISDIR(info.st_mode) and by.visit.is_tagged(real))

        rules = self.outer_rules
        for entry in walk(self.path, self.selected, outer_rules=rules, skips=skips, enters=by.enters, leaves=by.leaves):
            if not _stays_behind(entry.info):
                yield entry


@dataclass(frozen=True)
class _Walk:
    """One walk, what it comes by, and ``known``, what it needs not look into: directories by path, as ``source`` has
    them."""

    part: Part
    visit: Visit
    draft: InventoryDraft
    stamps: Stamps
    source: Inventory | None = None
    known: frozenset[str] = frozenset()
    directories: KnownParts | None = None

    def enters(self, real: str) -> None:
        self.visit.directories.append(real)
        self.draft.enter(self.part.relative(real))

    def leaves(self, real: str) -> bool:
        """Whether a directory is known; what is known of it counts as seen."""
        path = self.part.relative(real)
        if not (self.source and self.directories and path in self.known):
            return False
        self.draft.keep(self.source, path)
        for subtree in self.source.below(path):
            below = self.part.real(subtree.path)
            self.visit.kept[below] = self.directories.directories[below]
            if subtree.stamps:
                self.stamps.kept[subtree.path] = bytes.fromhex(subtree.stamps)
        self.visit.tagged.extend(self.part.real(each) for each in self.source.tagged if each.startswith(f"{path}/"))
        return True


def walked(store: Store, part: Part, known: KnownParts | None = None) -> Read:
    """Read it in a walk, which leaves out the directories that are ``known`` to be as an earlier import has them."""
    began, key = time.time_ns(), part.key()
    by = _begun(store, part, key, known)
    cache = StatCache(store, part.path, inventory.topmost(by.known))
    for entry in stamped(part.entries(by), by.stamps):
        by.draft.add(entry, treehash.line(part.real(entry.path), entry, content=cache.content, owner=_OWNER))
    cache.save(complete=part.selected.empty)
    if by.draft.shares(by.source):
        return walked(store, part)
    found = KnownTree(treehash.of_lines([by.draft.lines]), by.stamps.digest())
    names = knowntree.remember(store, key, found, by.visit, began)
    relative = {part.relative(real): name for real, name in names.items()}
    tagged = list(map(part.relative, by.visit.tagged))
    held = by.draft.commit(key.hex(), relative, by.stamps.by_directory(), tagged, by.source)
    return Read(found.content, found.stamps, held)


_OWNER = As(host_layer.ROOT.uid, host_layer.ROOT.gid)


def _begun(store: Store, part: Part, key: bytes, known: KnownParts | None) -> _Walk:
    visit, draft, stamps = Visit(), InventoryDraft(), Stamps()
    before = host_layer.before(store, host_layer.key(store, part.path, part.selected)) if known else None
    if not (known and before) or before.walk != key.hex():
        return _Walk(part, visit, draft, stamps, before)
    untagged = {os.path.dirname(path) for path in before.tagged if not cachedir.is_tagged(part.real(path))}

    def is_same(subtree: Subtree) -> bool:
        return subtree.path not in untagged and known.has(part.real(subtree.path), subtree.name)

    same = inventory.unchanged(before, is_same, inherited=part.selected.gitignore)
    return _Walk(part, visit, draft, stamps, before, same, known)


def stamped(entries: Iterable[Entry], stamps: Stamps, *, again: str = "") -> Iterator[Entry]:
    """``entries``, each one's stamp noted; with ``again`` the one it has in that directory after it was used."""
    for entry in entries:
        yield entry
        stamps.add(entry.path, _stamp(entry, again))


def _stamp(entry: Entry, again: str) -> bytes:
    try:
        return stamp_of(os.lstat(f"{again}/{entry.path}") if again else entry.info)
    except FileNotFoundError:
        return b"gone"


def _place(path: str) -> str:
    """A host path without links on the way to it, "" for none."""
    directory, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(directory), name) if path else ""


def _stays_behind(info: os.stat_result) -> bool:
    """Sockets mean nothing elsewhere; a device 0:0 would hide things in a layer instead of being one."""
    return stat.S_ISSOCK(info.st_mode) or overlay.is_whiteout(info)
