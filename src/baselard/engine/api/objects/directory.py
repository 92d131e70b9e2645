"""Directories and files: an output of a node and a path in its tree. ``with_…`` returns a new one and runs nothing."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field

from baselard.engine.api.objects.serving import served, served_as
from baselard.engine.errors import UserError
from baselard.engine.files import paths
from baselard.engine.files.walking import Filter
from baselard.engine.ops.copy import Copy, CopyFiles
from baselard.engine.ops.existing import ExistingDirectory
from baselard.engine.ops.file import Chown, NewDirectory, NewFile, Remove, Symlink, Timestamps
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Node, Output

Strings = tuple[str, ...]

EMPTY = Output(Scratch())
"""The empty tree."""


@dataclass(frozen=True)
class File:
    """The file at ``path`` (absolute, clean) of what ``output`` makes.

    ``said`` is how a caller chose it, and empty for what is there for sure.
    """

    output: Output
    path: str
    said: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @served
    def with_name(self, name: str) -> "File":
        """The same file under another name, in a tree of its own."""
        node = CopyFiles(EMPTY, (self.output,), (self.path,), paths.join("/", name))
        return File(Output(node), "/" + paths.clean(name))

    @served
    def with_timestamps(self, timestamp: int) -> "File":
        return File(Output(Timestamps(self.output, self.path, timestamp)), self.path)

    @served
    def chown(self, owner: str) -> "File":
        return File(Output(Chown(self.output, self.path, owner)), self.path)


@served_as("Query.directory")
@dataclass(frozen=True)
class Directory:
    """The directory at ``path`` (absolute, clean) of what ``output`` makes.

    Paths that methods take are relative to it; ``..`` leads above it, up to the root of its tree. ``said`` is how a
    caller chose it, and empty for what is there for sure.
    """

    output: Output = EMPTY
    path: str = "/"
    said: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The last part of the path, with a slash as directories are listed; ``/`` for a tree's root."""
        return posixpath.basename(self.path).rstrip("/") + "/"

    def inside(self, path: str) -> str:
        """The tree's path of ``path`` in this directory."""
        return "/" + paths.clean(f"{self.path}/{path}")

    @served
    def directory(self, path: str) -> "Directory":
        inside = self.inside(path)
        return Directory(self.output, inside, path if inside != "/" else "")

    def file(self, path: str) -> File:
        return File(self.output, self.inside(path), path)

    @property
    def base(self) -> Output:
        """The tree to change, which is refused where this directory is not in it."""
        return Output(ExistingDirectory(self.output, self.path, self.said)) if self.said else self.output

    def after(self, node: Node) -> "Directory":
        """This directory in the tree that ``node`` makes of it."""
        return Directory(Output(node), self.path)

    @served
    def with_directory(
        self,
        path: str,
        source: "Directory",
        *,
        exclude: Strings = (),
        include: Strings = (),
        gitignore: bool = False,
        owner: str = "",
        permissions: int | None = None,
    ) -> "Directory":
        """With what ``source`` holds, or what is selected of that, joined into ``path``."""
        selected = Filter(include, exclude, gitignore)
        target = self.inside(path)
        return self.after(Copy(self.base, source.output, target, source.path, owner, permissions, selected))

    @served
    def with_file(self, path: str, source: File, *, permissions: int | None = None, owner: str = "") -> "Directory":
        """With the file under this name, or in the directory ``path`` if there is one."""
        return self.with_copies(path, [source], permissions=permissions, owner=owner)

    @served
    def with_files(self, path: str, sources: Sequence[File], *, permissions: int | None = None) -> "Directory":
        """With files in the directory ``path``."""
        return self.with_copies(path, sources, permissions=permissions, into=True)

    def with_copies(
        self, path: str, sources: Sequence[File], *, owner: str = "", permissions: int | None = None, into: bool = False
    ) -> "Directory":
        """With files in the directory ``path``; unless ``into``, under this name if there is no such directory."""
        outputs = tuple(source.output for source in sources)
        names = tuple(source.path for source in sources)
        target = paths.join(self.path, path)
        return self.after(CopyFiles(self.base, outputs, names, target, owner, permissions, into))

    @served
    def with_new_file(self, path: str, contents: str, permissions: int = 0o644) -> "Directory":
        return self.after(NewFile(self.base, self.inside(path), contents.encode(), permissions, ""))

    @served
    def with_new_directory(self, path: str, permissions: int = 0o644) -> "Directory":
        """With an empty directory. Raises UserError for a path that climbs, which Dagger refuses here alone."""
        if paths.climbs(path):
            raise UserError(f"cannot create directory outside parent: {path}")
        return self.after(NewDirectory(self.base, self.inside(path), permissions))

    @served
    def with_symlink(self, target: str, link_name: str) -> "Directory":
        return self.after(Symlink(self.base, self.inside(link_name), target))

    @served_as("withoutDirectory", "withoutFile")
    def without(self, path: str) -> "Directory":
        """Without what is at this path, which may hold wildcards."""
        return self.without_files((path,))

    @served
    def without_files(self, paths: Strings) -> "Directory":
        """Without what is at these paths, which may hold wildcards. Raises UserError for the root of the tree."""
        gone = tuple(map(self.inside, paths))
        if "/" in gone:
            raise UserError("unlinkat /: device or resource busy: the root of a tree cannot be removed")
        return self.after(Remove(self.base, gone))

    @served
    def filter(self, *, exclude: Strings = (), include: Strings = (), gitignore: bool = False) -> "Directory":
        """Only what is selected, in a tree of its own."""
        return Directory().with_directory("/", self, exclude=exclude, include=include, gitignore=gitignore)

    @served
    def chown(self, path: str, owner: str) -> "Directory":
        return self.after(Chown(self.base, self.inside(path), owner))

    @served
    def with_timestamps(self, timestamp: int) -> "Directory":
        return self.after(Timestamps(self.output, self.path, timestamp))


@served_as("Query.file")
def new_file(name: str, contents: str, permissions: int = 0o644) -> File:
    """A file in a tree of its own. Raises UserError for a name that is a path."""
    if "/" in name or name in ("", ".", ".."):
        raise UserError(f"file name {name!r} must not contain a directory")
    return Directory().with_new_file(name, contents, permissions).file(name)
