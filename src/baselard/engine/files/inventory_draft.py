"""Makes the list of what a tree holds (inventory.py) while a walk goes through it."""

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from baselard.engine.files.inventory import ALONE, NODE, REST, Inventory, Link, Subtree
from baselard.engine.files.walking import Entry


@dataclass
class _Open:
    """A directory whose content is being added; ``below`` are entries in others below it."""

    path: str
    meant: bool
    first: int
    start: int
    weight: int
    subtrees: int
    below: int = 0

    def holds(self, path: str) -> bool:
        return not self.path or path.startswith(f"{self.path}/")


@dataclass
class InventoryDraft:
    """An inventory as a walk makes it, in the walk's order."""

    lines: bytearray = field(default_factory=bytearray)
    rest: bytearray = field(default_factory=bytearray)
    subtrees: list[Subtree] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _weight: int = 0
    _last: str = ""
    _links: dict[tuple[int, int], tuple[bytes, dict[str, None]]] = field(default_factory=dict)

    def enter(self, path: str) -> None:
        """Begin with the content of the directory ``path``."""
        self._close(path)
        meant = not path or path == self._last
        self._open.append(_Open(path, meant, self._count, len(self.lines), self._weight, len(self.subtrees)))

    def add(self, entry: Entry, line: bytes) -> None:
        """Put the next entry of the walk in; ``line`` is what treehash.line gave for it."""
        info = entry.info
        self._last = entry.path
        self._close(entry.path)
        is_file = stat.S_ISREG(info.st_mode)
        size = info.st_size if is_file else 0
        link = self._link(entry) if is_file and info.st_nlink > 1 else ALONE
        self.lines += line
        self.rest += REST.pack(size, info.st_mtime_ns, link)
        self._weight += size + NODE

    def keep(self, source: Inventory, path: str) -> None:
        """Put in what is below the directory ``path``, whose entry was the last, as ``source`` has it."""
        self._close(path)
        subtree = source.subtree(path)
        entries, moved = self._count - subtree.first, len(self.lines) - subtree.start
        self.subtrees += [
            each._replace(
                first=each.first + entries, last=each.last + entries, start=each.start + moved, end=each.end + moved
            )
            for each in source.below(path)
        ]
        self.lines += source.lines[subtree.start : subtree.end]
        self.rest += source.rest[subtree.first * REST.size : subtree.last * REST.size]
        self._weight += subtree.weight
        self._open[-1].below += subtree.last - subtree.first
        self.kept.append(path)

    def commit(
        self,
        walk: str,
        names: Mapping[str, str],
        stamps: Mapping[str, bytes],
        tagged: Sequence[str],
        source: Inventory | None,
    ) -> Inventory:
        """The whole, when nothing is left to add, with names and stamps of the directories."""
        self._close("", every=True)
        subtrees = [
            subtree._replace(name=names.get(subtree.path, ""), stamps=stamps.get(subtree.path, b"").hex())
            for subtree in self.subtrees
        ]
        own = [Link(*file, list(directories)) for file, (_, directories) in self._links.items()]
        links = [*own, *self._kept_links(source)]
        return Inventory(walk, self.lines, self.rest, subtrees, links, tagged, self.kept, source)

    def shares(self, source: Inventory | None) -> bool:
        """Whether a file has names both in what was kept of ``source`` and elsewhere, which must be told together."""
        return any((link.device, link.inode) in self._links for link in self._kept_links(source))

    def _kept_links(self, source: Inventory | None) -> list[Link]:
        if not source or not source.links:
            return []
        kept = {subtree.path for path in self.kept for subtree in source.below(path)}
        return [link for link in source.links if link.directories[0] in kept]

    @property
    def _count(self) -> int:
        return len(self.rest) // REST.size

    def _close(self, path: str, *, every: bool = False) -> None:
        """End the directories that ``path`` is not in."""
        while self._open and (every or not self._open[-1].holds(path)):
            last = self._open.pop()
            first, end = last.first, self._count
            inner, weight = len(self.subtrees) - last.subtrees + 1, self._weight - last.weight
            subtree = Subtree(
                last.path, last.meant, first, end, last.start, len(self.lines), weight, inner, end - first - last.below
            )
            self.subtrees.append(subtree)
            if self._open:
                self._open[-1].below += end - first

    def _link(self, entry: Entry) -> bytes:
        file = entry.info.st_dev, entry.info.st_ino
        if file not in self._links:
            self._links[file] = hashlib.sha256(os.fsencode(entry.path)).digest()[: len(ALONE)], {}
        name, directories = self._links[file]
        directories[os.path.dirname(entry.path)] = None
        return name
