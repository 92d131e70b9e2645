"""What one directory has otherwise than another."""

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.serving import served, shows
from baselard.engine.files import differences, paths
from baselard.engine.files.walking import Entry
from baselard.engine.ops.merge import ApplyChanges, Diff
from baselard.engine.ops.patch import PATCH, MakePatch
from baselard.engine.solver.graph import Output
from baselard.engine.store import overlay


@shows("before", "after")
@dataclass(frozen=True)
class Changeset:
    """The changes from ``before`` to ``after``."""

    before: Directory
    after: Directory

    @property
    @served
    def layer(self) -> Directory:
        """Only what was added or modified, in a tree of its own."""
        before, after = self.before, self.after
        return Directory(Output(Diff(before.output, after.output, before.path, after.path)))

    @property
    def patch(self) -> File:
        """The changes as git writes them."""
        before, after = self.before, self.after
        return File(Output(MakePatch(before.output, after.output, before.path, after.path)), PATCH)

    def applied(self, to: Directory) -> Directory:
        """``to`` with the changes made in it, removals too."""
        before, after = self.before, self.after
        return to.after(ApplyChanges(to.output, before.output, after.output, to.path, before.path, after.path))


@dataclass(frozen=True)
class Changed:
    """Paths by what became of them; those of directories end in a slash."""

    added: tuple[str, ...]
    modified: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not (self.added or self.modified or self.removed)


def changed(before: Path | str, after: Path | str) -> Changed:
    """Compare two real directories."""
    found = differences.between(str(before), str(after))
    turned = {entry.path: _shown(entry) for entry in found.modified if _turned(before, entry)}
    gone = {path if shown.endswith("/") else f"{path}/" for path, shown in turned.items()}
    above = tuple(path for path in gone if path.endswith("/"))
    removed = {path for path in map(_shown, found.removed) if not path.startswith(above)}
    return Changed(
        tuple(sorted({*map(_shown, found.added), *turned.values()})),
        tuple(sorted({*map(_shown, found.modified)} - {*turned.values()})),
        tuple(sorted(removed | gone)),
    )


def _turned(before: Path | str, entry: Entry) -> bool:
    """Whether a directory became something else, or something else a directory: two paths, as a slash ends one."""
    return stat.S_ISDIR(entry.info.st_mode) != stat.S_ISDIR(paths.mode(f"{before}/{entry.path}"))


def remove(target: str, removed: Iterable[str]) -> None:
    """Remove these paths from a real directory; links on the way are followed inside it alone."""
    for path in removed:
        real = paths.under(target, paths.resolve_parent(target, path))
        if paths.mode(real):
            overlay.remove(real)


def _shown(entry: Entry) -> str:
    return entry.path + "/" * stat.S_ISDIR(entry.info.st_mode)


@shows("path", "kind", "addedLines", "removedLines", "oldPath")
@dataclass(frozen=True)
class DiffStat:
    """How much one path changed; a binary file has no lines."""

    path: str
    kind: str
    added_lines: int = 0
    removed_lines: int = 0
    old_path: str | None = None
