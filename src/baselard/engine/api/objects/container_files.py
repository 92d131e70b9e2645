"""A container's files: those of its root file system, and of the mount that covers a path."""

import posixpath
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from baselard.engine.api.objects import mounts
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, Directory, File
from baselard.engine.api.objects.serving import served_as
from baselard.engine.errors import UserError
from baselard.engine.ops.file import ChownAs
from baselard.engine.solver.graph import Output

Strings = tuple[str, ...]
Found = TypeVar("Found", Directory, File)

_NO_PARENT = "path {} does not resolve to a directory target parent"  # what lies below a mounted file


@served_as("Container.rootfs")
def rootfs(container: Container) -> Directory:
    return Directory(container.rootfs)


@served_as("Container.withRootfs")
def with_rootfs(container: Container, *, directory: Directory) -> Container:
    alone = directory.path == "/" and directory.output != EMPTY  # a root file system that is empty is one, too
    tree = directory if alone else directory.filter()
    return replace(container, rootfs=tree.output, image_ref="")


@served_as("Container.directory")
def directory(container: Container, *, path: str, expand: bool = False) -> Directory:
    absolute = container.absolute(path, expand=expand)
    place = mounts.locate(container, absolute)
    if place.mount and place.mount.file:
        raise UserError(f"path {absolute} is a file, not a directory")
    chosen = place.directory.directory(place.path)
    return replace(chosen, said=absolute if chosen.said else "")


@served_as("Container.file")
def file(container: Container, *, path: str, expand: bool = False) -> File:
    place = mounts.locate(container, container.absolute(path, expand=expand))
    return replace(place.directory.file(place.path), said=container.expand(path, wanted=expand))


@served_as("Container.withDirectory")
def with_directory(
    container: Container,
    *,
    path: str,
    source: Directory,
    exclude: Strings = (),
    include: Strings = (),
    gitignore: bool = False,
    owner: str = "",
    expand: bool = False,
    permissions: int | None = None,  # noqa: ARG001 -- Dagger takes them and does not read them; Directory's does
) -> Container:
    if _by_name(container, owner):
        source = source.filter(exclude=exclude, include=include, gitignore=gitignore)
        source, owner, exclude, include, gitignore = _given(container, source, owner), "", (), (), False

    def write(tree: Directory, where: str) -> Directory:
        return tree.with_directory(where, source, exclude=exclude, include=include, gitignore=gitignore, owner=owner)

    return _written(container, path, expand, write, joins=True)


@served_as("Container.withFile")
def with_file(
    container: Container,
    *,
    path: str,
    source: File,
    permissions: int | None = None,
    owner: str = "",
    expand: bool = False,
) -> Container:
    if _by_name(container, owner):
        source, owner = _given(container, source, owner), ""

    def write(tree: Directory, where: str) -> Directory:
        return tree.with_file(where, source, permissions=permissions, owner=owner)

    return _written(container, path, expand, write)


@served_as("Container.withFiles")
def with_files(
    container: Container,
    *,
    path: str,
    sources: tuple[File, ...],
    permissions: int | None = None,
    owner: str = "",
    expand: bool = False,
) -> Container:
    if _by_name(container, owner):
        sources, owner = tuple(_given(container, source, owner) for source in sources), ""

    def write(tree: Directory, where: str) -> Directory:
        return tree.with_copies(where, sources, owner=owner, permissions=permissions, into=True)

    place = mounts.locate(container, container.absolute(path, expand=expand))
    if place.mount and place.mount.file and sources:
        raise UserError(_NO_PARENT.format(posixpath.join(path, sources[0].name)))
    return _written(container, path, expand, write, joins=True)


@served_as("Container.withNewFile")
def with_new_file(
    container: Container,
    *,
    path: str,
    contents: str,
    permissions: int = 0o644,
    owner: str = "",
    expand: bool = False,
) -> Container:
    name = posixpath.basename(posixpath.normpath(container.expand(path, wanted=expand)))
    file = Directory().with_new_file(name, contents, permissions).file(name)
    return with_file(container, path=path, source=file, owner=owner, expand=expand)


@served_as("Container.withSymlink")
def with_symlink(container: Container, *, target: str, link_name: str, expand: bool = False) -> Container:
    points_to = container.expand(target, wanted=expand)
    return _written(container, link_name, expand, lambda tree, where: tree.with_symlink(points_to, where))


@served_as("Container.withoutDirectory", "Container.withoutFile")
def without(container: Container, *, path: str, expand: bool = False) -> Container:
    place = mounts.locate(container, container.absolute(path, expand=expand))
    if place.in_file:
        raise UserError(f'failed to remove path "{path}": {_NO_PARENT.format(path)}')
    if place.mount and not place.path:  # with the mount, what it covers goes too
        return without(mounts.without_mount(container, path, expand=expand), path=path, expand=expand)
    return _written(container, path, expand, lambda tree, where: tree.without(where))


@served_as("Container.withoutFiles")
def without_files(container: Container, *, paths: Strings, expand: bool = False) -> Container:
    for path in paths:
        container = without(container, path=path, expand=expand)
    return container


def _by_name(container: Container, owner: str) -> bool:
    """Whether the owner's names might be looked up in a mounted tree, which has not the container's accounts."""
    return bool(owner and container.mounts) and not all(part.isdecimal() for part in owner.split(":"))


def _given(container: Container, source: Found, owner: str) -> Found:
    """What is to be copied, given to an owner by the container's own accounts."""
    return replace(source, output=Output(ChownAs(source.output, container.rootfs, source.path, owner)))


def _written(
    container: Container, path: str, expand: bool, write: Callable[[Directory, str], Directory], *, joins: bool = False
) -> Container:
    """The container after ``write`` changed the tree that ``path`` belongs to; it gets the path in that tree.

    What takes a mount's own place (all but what ``joins`` a mounted directory) has the mount go, and is written where
    that was mounted. As in Dagger, a slash at the end is kept only by an absolute path outside of mounts.
    """
    expanded = container.expand(path, wanted=expand)
    place = mounts.locate(container, container.absolute(expanded))
    if place.in_file:
        raise UserError(_NO_PARENT.format(expanded))
    if place.mount and not place.path and (place.mount.file or not joins):
        return _written(mounts.without_mount(container, expanded), expanded, False, write, joins=joins)
    slash = "/" if expanded.startswith("/") and expanded.endswith(("/", "/.")) and place.mount is None else ""
    return mounts.changed(container, place, write(place.directory, place.path + slash))
