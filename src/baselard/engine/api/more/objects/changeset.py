"""Differences of one directory from another."""

import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.api.objects.directory import Directory, File, new_file
from baselard.engine.api.objects.serving import served, served_as, shows
from baselard.engine.files import differences, paths
from baselard.engine.files.walking import Entry
from baselard.engine.ops.merge import ApplyChanges, Diff
from baselard.engine.ops.merge_changes import MergeChanges
from baselard.engine.ops.patch import PATCH, ApplyPatch, MakePatch
from baselard.engine.solver.graph import Output
from baselard.engine.store import overlay

_NOTHING = Directory()


@served_as("Query.changeset")
@shows("before", "after", asPatch="patch")
@dataclass(frozen=True)
class Changeset:
    """The changes from ``before`` to ``after``."""

    before: Directory = _NOTHING
    after: Directory = _NOTHING

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

    def merged(self, others: "Sequence[Changeset]", prefer: str = "") -> "Changeset":
        """With the changes of others, from what all began with; ``prefer`` is what MergeChanges makes of conflicts."""
        before = _NOTHING
        for changes in (self, *others):
            before = before.with_directory("/", changes.before)
        before = before.without(".git")
        patches = tuple(changes.patch.output for changes in (self, *others))
        return Changeset(before, Directory(Output(MergeChanges(before.output, patches, prefer))))


@served_as("Directory.diff")
def diff(directory: Directory, other: Directory) -> Directory:
    return Changeset(directory, other).layer


@served_as("Directory.changes")
def changes(directory: Directory, from_: Directory) -> Changeset:
    return Changeset(from_, directory)


@served_as("Directory.withChanges")
def with_changes(directory: Directory, changes: Changeset) -> Directory:
    """With the changes made in it, removals too."""
    before, after = changes.before, changes.after
    to = directory.path
    return directory.after(ApplyChanges(directory.output, before.output, after.output, to, before.path, after.path))


@served_as("Directory.withPatch")
def with_patch(directory: Directory, patch: str) -> Directory:
    return with_patch_file(directory, new_file("patch", patch))


@served_as("Directory.withPatchFile")
def with_patch_file(directory: Directory, patch: File) -> Directory:
    return directory.after(ApplyPatch(directory.output, patch.output, patch.path, directory.path))


_CONFLICTS = {
    ("added", "added"): "added in both changesets",
    ("modified", "modified"): "modified in both changesets",
    ("modified", "removed"): "modified in one changeset and removed in the other",
    ("removed", "modified"): "modified in one changeset and removed in the other",
}


@dataclass(frozen=True)
class ChangedPaths:
    """Paths by what became of them; those of directories end in a slash.

    Of a removed directory, what was in it is in ``gone`` alone.
    """

    added: tuple[str, ...]
    modified: tuple[str, ...]
    removed: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether git would see nothing: directories alone are nothing to it."""
        return all(path.endswith("/") for path in (*self.added, *self.modified, *self.gone))

    def conflicts(self, other: "ChangedPaths") -> list[str]:
        """The paths that two changesets both changed, each as a sentence."""
        here, there = (
            {path: kind for kind in ("added", "modified", "removed") for path in getattr(one, kind)}
            for one in (self, other)
        )
        reasons = ((path, _CONFLICTS.get((kind, there[path]))) for path, kind in here.items() if path in there)
        return [f'conflict between changesets at path "{path}": path {why}' for path, why in reasons if why]


def changed(before: Path | str, after: Path | str) -> ChangedPaths:
    """Compare two real directories, by what git sees of files."""
    found = differences.between(str(before), str(after), differences.same_to_git)
    turned = {entry.path: _shown(entry) for entry in found.modified if _turned(before, entry)}
    replaced = {path if shown.endswith("/") else f"{path}/" for path, shown in turned.items()}
    above = tuple(path for path in replaced if path.endswith("/"))
    removed = {path for path in map(_shown, found.removed) if not path.startswith(above)}
    return ChangedPaths(
        tuple(sorted({*map(_shown, found.added), *turned.values()})),
        tuple(sorted({*map(_shown, found.modified)} - {*turned.values()})),
        tuple(sorted(removed | replaced)),
        tuple(sorted(replaced.union(map(_shown, found.gone)))),
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
