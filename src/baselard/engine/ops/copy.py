"""Copies out of one tree into another: Directory.withDirectory, withFile, withFiles, filter, and Container's.

They do what Dagger's do (util/layercopy at v0.21.8). ``as_docker`` copies do what a Dockerfile's COPY does instead: a
directory that is there keeps its metadata, and a link at the path itself is followed wherever it leads.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from baselard.engine.errors import UserError
from baselard.engine.files import owners, paths, selection, xattrs
from baselard.engine.files.copying import (
    AS_SOURCE,
    NEW_DIRECTORY,
    Copier,
    CopySource,
    CopyTarget,
    InTheWay,
    Metadata,
    counterparts,
)
from baselard.engine.files.walking import EVERYTHING, Entry, Filter, walk
from baselard.engine.ops.tree import TreeOperation, on_top, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store.database import Snapshot


@dataclass(frozen=True)
class Copy(TreeOperation):
    """``dest`` with what the directory ``source_path`` of ``source`` holds joined into its directory ``path``.

    What is in the way is replaced, a link at ``path`` too unless it leads to a directory. ``path`` looks as the source
    directory does, new or not; only a tree's root keeps its looks. ``owner`` and ``permissions`` are for everything
    copied, that directory included. ``implied`` is for an archive's content, which replaces what is in the way: those
    of its directories that have no entry of their own, so that one which is there stays as it is.
    """

    tag: ClassVar[str] = "copy.v2"
    dest: Output
    source: Output
    path: str
    source_path: str = "/"
    owner: str = ""
    permissions: int | None = None
    selected: Filter = EVERYTHING
    as_docker: bool = False
    implied: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        return f"copy {self.source_path} to {self.path}{_filtered(self.selected)}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str:
        """Made of what is really copied, wherever that lay, so that a stage built anew with the same files counts."""
        dest, source = inputs
        part = selection.digest_of(worker.snapshots, source, self.source_path, self.selected)
        if self._is_part_alone(dest):
            return part
        looks = selection.looks_of(worker.snapshots, source, self.source_path)
        return replace(self, source_path="/", selected=EVERYTHING)._digest([dest.digest, part, looks])

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Copy. Raises UserError for paths that are not there, no directories, or lead out of their tree."""
        dest, source = inputs
        made = self.content_key(worker, inputs)
        everything = self.selected.empty or made == source.digest  # the latter where all is meant after all
        if self._is_part_alone(dest) and everything and _is_plain_root(worker, source, self.source_path):
            return one(made, snapshot_of(source))
        with on_top(worker, dest) as (draft, target), opened(worker, source, self.source_path) as (origin, root):
            if not stat.S_ISDIR(root.info.st_mode):
                raise UserError(f"path {self.source_path} is a file, not a directory")
            copier = Copier(
                origin,
                target,
                _metadata(target, self),
                in_the_way=_in_the_way(self),
                implied=frozenset(self.implied or ()),
            )
            goal, new = _copy_directory(copier, root, self)
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

    A link in a file's place is replaced. ``source_paths`` name one file in each of ``sources``. ``into`` says that the
    path is a directory; without it, one that ends in a slash is given to the owner, as Dagger has it.
    """

    tag: ClassVar[str] = "copyfiles.v2"
    dest: Output
    sources: tuple[Output, ...]
    source_paths: tuple[str, ...]
    path: str
    owner: str = ""
    permissions: int | None = None
    into: bool = False
    as_docker: bool = False

    @property
    def label(self) -> str:
        return f"copy {' '.join(self.source_paths)} to {self.path}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str:
        """Made of the files really copied and their names, see Copy."""
        dest, *sources = inputs
        files = zip(sources, self.source_paths, strict=True)
        names = tuple(os.path.basename(path) for path in self.source_paths)
        alike = replace(self, source_paths=names)
        return alike._digest([dest.digest, *(selection.digest_of(worker.snapshots, *file) for file in files)])

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Copy. Raises UserError for paths that are not there, are directories, or lead out of their tree."""
        dest, *sources = inputs
        with on_top(worker, dest) as (draft, target):
            metadata = _metadata(target, self)
            directory = _destination_directory(target, self, metadata)
            goal = _place(target, self) if directory is None else ""
            for value, path in zip(sources, self.source_paths, strict=True):
                name = paths.clean(path).rpartition("/")[2]
                with opened(worker, value, path) as (origin, entry):
                    if stat.S_ISDIR(entry.info.st_mode):
                        raise UserError(f"path {path} is a directory, not a file")
                    where = goal if directory is None else f"{directory}/{name}".lstrip("/")
                    target.make_parents(where)
                    Copier(origin, target, metadata, in_the_way=_in_the_way(self)).file(entry.path, entry.info, where)
            return one(self.content_key(worker, inputs), draft.commit())


@contextlib.contextmanager
def opened(worker: Worker, value: Value, path: str) -> Iterator[tuple[CopySource, Entry]]:
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
        yield CopySource(paths.under(view, relative), _layers(worker, snapshot, relative)), entry


def _layers(worker: Worker, snapshot: Snapshot | None, relative: str) -> tuple[str, ...]:
    names = worker.snapshots.lowerdirs(snapshot) if snapshot else []
    return counterparts([f"{worker.store.root}/layers/{name}" for name in names], relative)


def _is_plain_root(worker: Worker, value: Value, path: str) -> bool:
    """Whether the path is a tree's root that looks as one does which is made anew."""
    with worker.snapshots.view(snapshot_of(value)) as root:
        info = os.lstat(root)
        looks = (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, xattrs.read(str(root)))
    return not paths.clean(path) and looks == (NEW_DIRECTORY, 0, 0, {})


def _metadata(target: CopyTarget, node: Copy | CopyFiles) -> Metadata:
    if not node.owner and node.permissions is None:
        return AS_SOURCE
    return Metadata(owners.resolve(target.seen(), node.owner), node.permissions)


def _copy_directory(copier: Copier, root: Entry, node: Copy) -> tuple[str, bool]:
    """Copy into the directory at the node's path; gives it, and whether it is new."""
    goal = _place(copier.target, node)
    copier.target.make_parents(goal)
    new = copier.target.make_directory(goal, replace=not node.as_docker)
    copier.tree(walk(copier.source.root, node.selected), goal)
    if new or (goal and not node.as_docker):
        copier.dress(copier.source.root, copier.target.own(goal), root.info)
    return goal, new


def _in_the_way(node: Copy | CopyFiles) -> InTheWay:
    if isinstance(node, Copy) and node.implied is not None:
        return InTheWay.REPLACED
    return InTheWay.REFUSED if node.as_docker else InTheWay.FOLLOWED


def _place(target: CopyTarget, node: Copy | CopyFiles) -> str:
    """Where the node's path is. A last link is followed to a directory, and by docker to anything or nothing."""
    resolved = target.resolve(node.path)
    if node.as_docker or _is_directory(target, resolved):
        return resolved
    return paths.resolve_parent(target.seen(), node.path)


def _is_directory(target: CopyTarget, resolved: str) -> bool:
    return stat.S_ISDIR(paths.mode(paths.under(target.seen(), resolved)))


def _destination_directory(target: CopyTarget, node: CopyFiles, metadata: Metadata) -> str | None:
    """The directory that files go into, made if the node says that it is one; None if files go to the path itself."""
    goal = _place(target, node)
    named = paths.names_directory(node.path)
    if not (named or node.into or _is_directory(target, goal)):
        return None
    target.make_parents(goal)
    new = target.make_directory(goal, replace=not node.as_docker)
    if goal and metadata.owner and named and not node.into and (new or not node.as_docker):
        os.chown(target.own(goal), metadata.owner.uid, metadata.owner.gid)
    return goal


def _filtered(selected: Filter) -> str:
    parts = [f"include {' '.join(selected.include)}"] if selected.include else []
    parts += [f"exclude {' '.join(selected.exclude)}"] if selected.exclude else []
    parts += ["gitignore"] if selected.gitignore else []
    return f" ({', '.join(parts)})" if parts else ""
