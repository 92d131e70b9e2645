"""Copies out of one tree into another: Directory.withDirectory, withFile, withFiles, filter, and Container's."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from baselard.engine.errors import UserError
from baselard.engine.files import owners, paths, selection
from baselard.engine.files.copying import AS_SOURCE, Copier, Metadata, Source, Target, counterparts
from baselard.engine.files.walking import EVERYTHING, Entry, Filter, walk
from baselard.engine.ops.tree import TreeOperation, on_top, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store.database import Snapshot


@dataclass(frozen=True)
class Copy(TreeOperation):
    """``dest`` with what the directory ``source_path`` of ``source`` holds joined into its directory ``path``.

    ``path`` is made if need be, looking as the source directory does; what is in the way is replaced. ``owner`` and
    ``permissions`` are for everything copied, the new directory included.
    """

    tag: ClassVar[str] = "copy.v1"
    dest: Output
    source: Output
    path: str
    source_path: str = "/"
    owner: str = ""
    permissions: int | None = None
    selected: Filter = EVERYTHING

    @property
    def label(self) -> str:
        return f"copy {self.source_path} to {self.path}{_filtered(self.selected)}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str:
        """Made of what is really copied, so that a stage built anew with the same files changes nothing."""
        dest, source = inputs
        part = selection.digest_of(worker.snapshots, source, self.source_path, self.selected)
        return part if self._is_part_alone(dest) else self._digest([dest.digest, part])

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Copy. Raises UserError for paths that are not there, no directories, or lead out of their tree."""
        dest, source = inputs
        made = self.content_key(worker, inputs)
        if self._is_part_alone(dest) and self.selected.empty and not paths.clean(self.source_path):
            return one(made, snapshot_of(source))
        with on_top(worker, dest) as (draft, target), opened(worker, source, self.source_path) as (origin, root):
            if not stat.S_ISDIR(root.info.st_mode):
                raise UserError(f"path {self.source_path} is a file, not a directory")
            copier = Copier(origin, target, _metadata(target, self))
            goal, new = _copy_directory(copier, root, self.path, self.selected)
            if copier.metadata.unchanged and (new or (dest.tree is None and not goal)):
                part = selection.digest_of(worker.snapshots, source, self.source_path, self.selected)
                selection.remember(worker.store, made, goal, part)
            return one(made, draft.commit())

    def _is_part_alone(self, dest: Value) -> bool:
        """Whether the result holds the selected part of the source and nothing else, at its root."""
        return dest.tree is None and not (paths.clean(self.path) or self.owner or self.permissions is not None)


@dataclass(frozen=True)
class CopyFiles(TreeOperation):
    """``dest`` with files copied to ``path``: into it if it is a directory or ends in a slash, else under this name.

    ``source_paths`` name one file in each of ``sources``.
    """

    tag: ClassVar[str] = "copyfiles.v1"
    dest: Output
    sources: tuple[Output, ...]
    source_paths: tuple[str, ...]
    path: str
    owner: str = ""
    permissions: int | None = None

    @property
    def label(self) -> str:
        return f"copy {' '.join(self.source_paths)} to {self.path}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str:
        """Made of the files really copied and their names, see Copy."""
        dest, *sources = inputs
        files = zip(sources, self.source_paths, strict=True)
        return self._digest([dest.digest, *(selection.digest_of(worker.snapshots, *file) for file in files)])

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Copy. Raises UserError for paths that are not there, are directories, or lead out of their tree."""
        dest, *sources = inputs
        with on_top(worker, dest) as (draft, target):
            metadata = _metadata(target, self)
            directory = _destination_directory(target, self.path, metadata)
            goal = paths.resolve(target.seen(), self.path) if directory is None else ""
            for value, path in zip(sources, self.source_paths, strict=True):
                name = paths.clean(path).rpartition("/")[2]
                with opened(worker, value, path) as (origin, entry):
                    if stat.S_ISDIR(entry.info.st_mode):
                        raise UserError(f"path {path} is a directory, not a file")
                    where = goal if directory is None else f"{directory}/{name}".lstrip("/")
                    target.make_parents(where)
                    Copier(origin, target, metadata).file(entry.path, entry.info, where)
            return one(self.content_key(worker, inputs), draft.commit())


@contextlib.contextmanager
def opened(worker: Worker, value: Value, path: str) -> Iterator[tuple[Source, Entry]]:
    """Where to copy from: for a directory a source with it as the root, for a file its parent; and the entry itself.

    Raises UserError when there is nothing at ``path``.
    """
    snapshot = snapshot_of(value)
    with worker.snapshots.view(snapshot) as view:
        relative = paths.resolve(view, path)
        real = paths.under(view, relative)
        if not paths.mode(real):
            raise UserError(f"{path}: no such file or directory")
        entry = Entry(relative.rpartition("/")[2], os.lstat(real))
        if not stat.S_ISDIR(entry.info.st_mode):
            relative = relative.rpartition("/")[0]
        yield Source(paths.under(view, relative), _layers(worker, snapshot, relative)), entry


def _layers(worker: Worker, snapshot: Snapshot | None, relative: str) -> tuple[str, ...]:
    names = worker.snapshots.lowerdirs(snapshot) if snapshot else []
    return counterparts([f"{worker.store.root}/layers/{name}" for name in names], relative)


def _metadata(target: Target, node: Copy | CopyFiles) -> Metadata:
    if not node.owner and node.permissions is None:
        return AS_SOURCE
    return Metadata(owners.resolve(target.seen(), node.owner), node.permissions)


def _copy_directory(copier: Copier, root: Entry, path: str, selected: Filter) -> tuple[str, bool]:
    """Copy into the directory that ``path`` leads to; gives it, and whether it is new."""
    goal = copier.target.resolve(path)
    copier.target.make_parents(goal)
    new = copier.target.make_directory(goal, replace=True)
    copier.tree(walk(copier.source.root, selected), goal)
    if new:
        copier.dress(copier.source.root, copier.target.own(goal), root.info)
    return goal, new


def _destination_directory(target: Target, path: str, metadata: Metadata) -> str | None:
    """The directory that files go into, made if the path's form says that it is one; None if files go to the path."""
    resolved = target.resolve(path)
    if stat.S_ISDIR(paths.mode(paths.under(target.seen(), resolved))):
        return resolved
    if not paths.names_directory(path):
        return None
    target.make_parents(resolved)
    if target.make_directory(resolved) and metadata.owner:
        os.chown(target.own(resolved), metadata.owner.uid, metadata.owner.gid)
    return resolved


def _filtered(selected: Filter) -> str:
    parts = [f"include {' '.join(selected.include)}"] if selected.include else []
    parts += [f"exclude {' '.join(selected.exclude)}"] if selected.exclude else []
    parts += ["gitignore"] if selected.gitignore else []
    return f" ({', '.join(parts)})" if parts else ""
