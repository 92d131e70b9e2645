"""New files, directories and links, and changes of what is there: withNewFile, without…, withSymlink, chown, …"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from baselard.engine.errors import UserError
from baselard.engine.files import owners, paths, wildcards
from baselard.engine.files.copying import CopyTarget
from baselard.engine.files.owners import Owner
from baselard.engine.ops.tree import TreeOperation, on_top, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver import cancel
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import deep, stamps

_SMALL = 1 << 16
"""Bytes that are written sooner than a thread begins."""


@dataclass(frozen=True)
class NewFile(TreeOperation):
    """``dest`` with a file that holds ``content``; missing directories are made. Permissions 0 mean 0644."""

    tag: ClassVar[str] = "newfile.v1"
    dest: Output
    path: str
    content: bytes
    permissions: int = 0o644
    owner: str = ""

    @property
    def label(self) -> str:
        return f"new file {self.path} ({len(self.content)} bytes)"

    def is_quick(self, inputs: Sequence[Value]) -> bool:
        """Whether it is a small file in a tree of its own."""
        return inputs[0].tree is None and len(self.content) <= _SMALL

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Write it. Raises UserError when the path is a directory or leads out of the tree."""
        with on_top(worker, inputs[0]) as (draft, target):
            owner = owners.resolve(target.seen(), self.owner)
            goal = _free(target, target.resolve(self.path), self.path)
            own = target.own(goal)
            with open(own, "wb") as file:
                file.write(self.content)
            if owner:
                os.chown(own, owner.uid, owner.gid)
            os.chmod(own, self.permissions or 0o644)
            stamps.put(own, stamps.of(self.content))
            return one(self._digest([inputs[0].digest]), draft.commit())


@dataclass(frozen=True)
class NewDirectory(TreeOperation):
    """``dest`` with the directory ``path`` and those above it; new ones get ``permissions`` (0 means 0755)."""

    tag: ClassVar[str] = "newdirectory.v2"
    dest: Output
    path: str
    permissions: int = 0o755
    owner: str = ""

    @property
    def label(self) -> str:
        return f"new directory {self.path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Make it. Raises UserError when something else is in the way."""
        with on_top(worker, inputs[0]) as (draft, target):
            owner = owners.resolve(target.seen(), self.owner)
            names = target.resolve(self.path).split("/")
            made = ["/".join(names[: depth + 1]) for depth in range(len(names))]
            for path in made:
                if path and target.make_directory(path):
                    if owner:
                        os.chown(target.own(path), owner.uid, owner.gid)
                    inherited = os.stat(target.own(path)).st_mode & stat.S_ISGID  # mkdir(2)
                    Path(target.own(path)).chmod((self.permissions or 0o755) | inherited)
            return one(self._digest([inputs[0].digest]), draft.commit())


@dataclass(frozen=True)
class Symlink(TreeOperation):
    """``dest`` with a symbolic link at ``path``; ``points_to`` is kept as written, wherever it leads."""

    tag: ClassVar[str] = "symlink.v1"
    dest: Output
    path: str
    points_to: str

    @property
    def label(self) -> str:
        return f"symlink {self.path} to {self.points_to}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Make it. Raises UserError when something is there already."""
        with on_top(worker, inputs[0]) as (draft, target):
            goal = paths.resolve_parent(target.seen(), self.path)
            target.make_parents(goal)
            if not goal or target.mode(goal):
                raise UserError(f"symlink {self.points_to} {self.path}: file exists")
            os.symlink(self.points_to, target.own(goal))
            stamps.put(target.own(goal), stamps.FIXED)
            return one(self._digest([inputs[0].digest]), draft.commit())


@dataclass(frozen=True)
class Remove(TreeOperation):
    """``source`` without what is at ``paths``: links themselves, not their targets; ``*`` as in files/wildcards.py.

    What is not there is no error; where nothing was, the tree stays the same.
    """

    tag: ClassVar[str] = "remove.v1"
    source: Output
    paths: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"remove {' '.join(self.paths)}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Remove. Raises UserError for paths that lead out of the tree."""
        with on_top(worker, inputs[0]) as (draft, target):
            doomed = {found for path in self.paths for found in _there(target.seen(), path)}
            if not doomed:
                return one(inputs[0].digest, snapshot_of(inputs[0]))
            for path in sorted(path for path in doomed if not doomed & set(paths.above(path))):
                target.make_parents(path)
                target.white_out(path)
            return one(self._digest([inputs[0].digest]), draft.commit())


@dataclass(frozen=True)
class Chown(TreeOperation):
    """``source`` where ``path`` and all in it belong to ``owner``; links themselves, not their targets."""

    tag: ClassVar[str] = "chown.v1"
    source: Output
    path: str
    owner: str

    @property
    def label(self) -> str:
        return f"chown {self.owner} {self.path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Change owners. Raises UserError for an owner the tree does not know and a path that is not there."""
        with _changed(worker, inputs[0], self.path) as (draft_root, real, commit):
            _give(real, _resolved(draft_root, self.owner))
            return commit(self._digest([inputs[0].digest]))


@dataclass(frozen=True)
class ChownAs(TreeOperation):
    """The same, where the names in ``owner`` are those of another tree's accounts."""

    tag: ClassVar[str] = "chownas.v1"
    source: Output
    accounts: Output
    path: str
    owner: str

    @property
    def label(self) -> str:
        return f"chown {self.owner} {self.path}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str:
        """Made of the numbers that the names mean: nothing else of the other tree counts."""
        owner = self._owner(worker, inputs[1])
        return self._digest([inputs[0].digest, f"{owner.uid}:{owner.gid}"])

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Change owners. Raises UserError for an owner the other tree does not know and a path that is not there."""
        with _changed(worker, inputs[0], self.path) as (_, real, commit):
            _give(real, self._owner(worker, inputs[1]))
            return commit(self.content_key(worker, inputs))

    def _owner(self, worker: Worker, accounts: Value) -> Owner:
        with worker.snapshots.view(snapshot_of(accounts)) as root:
            return _resolved(root, self.owner)


def _resolved(root: Path, text: str) -> Owner:
    if owner := owners.resolve(root, text):
        return owner
    raise UserError("chown: the owner is empty; write user or user:group")


def _give(real: str, owner: Owner) -> None:
    for path in _all(real):
        mode = paths.mode(path)
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
        if not stat.S_ISLNK(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            os.chmod(path, stat.S_IMODE(mode))  # chown(2) drops these bits


@dataclass(frozen=True)
class Chmod(TreeOperation):
    """``source`` where each of ``modes``, a path in its directory ``path`` and permissions, is set; links are not."""

    tag: ClassVar[str] = "chmod.v1"
    source: Output
    path: str
    modes: tuple[tuple[str, int], ...]

    @property
    def label(self) -> str:
        return f"chmod {len(self.modes)} in {self.path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Change permissions. Raises UserError for a path that is not there."""
        with _changed(worker, inputs[0], self.path) as (_, real, commit):
            for path, mode in self.modes:
                os.chmod(f"{real}/{path}", mode)
            return commit(self._digest([inputs[0].digest]))


@dataclass(frozen=True)
class Timestamps(TreeOperation):
    """``source`` where ``path`` and all in it were last changed at ``timestamp`` (seconds since 1970)."""

    tag: ClassVar[str] = "timestamps.v1"
    times: ClassVar[bool] = True
    source: Output
    path: str
    timestamp: int

    @property
    def label(self) -> str:
        return f"timestamps {self.timestamp} for {self.path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Set times. Raises UserError for a path that is not there."""
        with _changed(worker, inputs[0], self.path) as (_, real, commit):
            for path in _all(real):
                os.utime(path, (self.timestamp, self.timestamp), follow_symlinks=False)
            return commit(self._digest([inputs[0].digest]))


@contextlib.contextmanager
def _changed(worker: Worker, value: Value, path: str) -> Iterator[tuple[Path, str, Callable[[str], Result]]]:
    """A writable tree, the real place of ``path`` in it, and what makes the result of it."""
    with worker.snapshots.draft(snapshot_of(value)) as draft:
        real = paths.under(draft.path, paths.resolve(draft.path, path))
        if not paths.mode(real):
            raise UserError(f"{path}: no such file or directory")
        yield draft.path, real, lambda made: one(made, draft.commit())


def _free(target: CopyTarget, goal: str, path: str) -> str:
    """See that a new file can be made at ``goal``."""
    target.make_parents(goal)
    if stat.S_ISDIR(target.mode(goal) if goal else stat.S_IFDIR):
        raise UserError(f"open {path}: is a directory")
    target.clear(goal)
    return goal


def _there(root: str, path: str) -> list[str]:
    """The entries that ``path`` names in the tree; for the root, which cannot go, what is in it."""
    found = [match for match in wildcards.resolve(root, path) if paths.mode(paths.under(root, match))]
    return os.listdir(root) if found == [""] else found


def _all(real: str) -> Iterator[str]:
    """Everything below ``real``, links not followed, and then itself, so that its times stay as they are set."""
    called_off = cancel.current()
    for directory, directories, files in deep.walk(real, topdown=False):
        called_off.check()
        for name in (*files, *(name for name in directories if os.path.islink(f"{directory}/{name}"))):
            yield f"{directory}/{name}"
        yield directory
    if not os.path.isdir(real) or os.path.islink(real):
        yield real
