"""Container: its root file system and mounts, and what is in them."""

# ruff: noqa: PLR0913 -- resolvers take the arguments that the API has

import posixpath
from collections.abc import Callable
from dataclasses import replace

from baselard.engine.api.directory import expected
from baselard.engine.api.objects import mounts
from baselard.engine.api.objects.caches import CacheVolume
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, Directory, File
from baselard.engine.api.objects.mounts import Place
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files import owners, reading
from baselard.engine.files.reading import Stat
from baselard.engine.files.walking import Filter
from baselard.engine.ops.file import Chown
from baselard.engine.run.containers.command import BindMount, SecretMount, Sharing, TmpfsMount
from baselard.engine.solver.graph import Output

Strings = tuple[str, ...]


def _target(container: Container, path: str, *, expand: bool) -> str:
    return container.absolute(container.expand(path, wanted=expand))


def _at(container: Container, path: str, *, expand: bool) -> Place:
    return mounts.locate(container, _target(container, path, expand=expand))


def _written(container: Container, path: str, expand: bool, write: Callable[[Directory, str], Directory]) -> Container:
    """The container after ``write`` changed the tree that ``path`` belongs to; it gets the path in that tree.

    As in Dagger, a slash at the end is kept only by an absolute path outside of mounts.
    """
    expanded = container.expand(path, wanted=expand)
    place = mounts.locate(container, container.absolute(expanded))
    slash = "/" if expanded.startswith("/") and expanded.endswith(("/", "/.")) and place.mount is None else ""
    return mounts.changed(container, place, write(place.directory, place.path + slash))


@field("Container.rootfs")
def rootfs(_ctx: Context, container: Container) -> Directory:
    return Directory(container.rootfs)


@field("Container.withRootfs")
def with_rootfs(_ctx: Context, container: Container, *, directory: Directory) -> Container:
    tree = directory if directory.path == "/" else directory.filter(Filter())
    return replace(container, rootfs=tree.output, image_ref="")


@field("Container.directory")
def directory(_ctx: Context, container: Container, *, path: str, expand: bool = False) -> Directory:
    place = _at(container, path, expand=expand)
    chosen = place.directory.directory(place.path)
    return replace(chosen, said=container.expand(path, wanted=expand) if chosen.said else "")


@field("Container.file")
def file(_ctx: Context, container: Container, *, path: str, expand: bool = False) -> File:
    place = _at(container, path, expand=expand)
    return replace(place.directory.file(place.path), said=container.expand(path, wanted=expand))


@field("Container.exists")
async def exists(
    ctx: Context,
    container: Container,
    *,
    path: str,
    expected_type: str = "",
    do_not_follow_symlinks: bool = False,
    expand: bool = False,
) -> bool:
    place = _at(container, path, expand=expand)
    kind, follow = expected(expected_type), not do_not_follow_symlinks
    return await ctx.look(place.directory.output, lambda root: reading.exists(root, place.whole, kind, follow=follow))


@field("Container.stat")
async def stat(ctx: Context, container: Container, *, path: str, do_not_follow_symlinks: bool = False) -> Stat:
    place = _at(container, path, expand=False)
    follow = not do_not_follow_symlinks
    return await ctx.look(place.directory.output, lambda root: reading.status(root, place.whole, follow=follow))


@field("Container.withDirectory")
def with_directory(
    _ctx: Context,
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
    selected = Filter(tuple(include), tuple(exclude), gitignore)

    def write(tree: Directory, where: str) -> Directory:
        return tree.with_directory(where, source, selected=selected, owner=owner)

    return _written(container, path, expand, write)


@field("Container.withFile")
def with_file(
    _ctx: Context,
    container: Container,
    *,
    path: str,
    source: File,
    permissions: int | None = None,
    owner: str = "",
    expand: bool = False,
) -> Container:
    return _written(
        container,
        path,
        expand,
        lambda tree, where: tree.with_files(where, [source], owner=owner, permissions=permissions),
    )


@field("Container.withFiles")
def with_files(
    _ctx: Context,
    container: Container,
    *,
    path: str,
    sources: tuple[File, ...],
    permissions: int | None = None,
    owner: str = "",
    expand: bool = False,
) -> Container:
    return _written(
        container,
        path,
        expand,
        lambda tree, where: tree.with_files(where, sources, owner=owner, permissions=permissions, into=True),
    )


@field("Container.withNewFile")
def with_new_file(
    _ctx: Context,
    container: Container,
    *,
    path: str,
    contents: str,
    permissions: int = 0o644,
    owner: str = "",
    expand: bool = False,
) -> Container:
    name = posixpath.basename(posixpath.normpath(container.expand(path, wanted=expand)))
    file = Directory(EMPTY).with_new_file(name, contents.encode(), permissions=permissions).file(name)
    return _written(container, path, expand, lambda tree, where: tree.with_files(where, [file], owner=owner))


@field("Container.withSymlink")
def with_symlink(
    _ctx: Context, container: Container, *, target: str, link_name: str, expand: bool = False
) -> Container:
    points_to = container.expand(target, wanted=expand)
    return _written(container, link_name, expand, lambda tree, where: tree.with_symlink(points_to, where))


@field("Container.withoutDirectory")
@field("Container.withoutFile")
def without(_ctx: Context, container: Container, *, path: str, expand: bool = False) -> Container:
    return _written(container, path, expand, lambda tree, where: tree.without(where))


@field("Container.withoutFiles")
def without_files(ctx: Context, container: Container, *, paths: Strings, expand: bool = False) -> Container:
    for path in paths:
        container = without(ctx, container, path=path, expand=expand)
    return container


@field("Container.mounts")
def mount_targets(_ctx: Context, container: Container) -> list[str]:
    return [mount.target for mount in container.mounts]


async def _owned(ctx: Context, container: Container, source: Directory | File, owner: str) -> Output:
    """What is to be mounted, given to ``owner``; names are those of the container's own accounts."""
    if not owner:
        return source.output
    found = await ctx.look(container.rootfs, lambda root: owners.resolve(root, owner))
    return Output(Chown(source.output, source.path, f"{found.uid}:{found.gid}" if found else owner))


@field("Container.withMountedDirectory")
async def with_mounted_directory(
    ctx: Context,
    container: Container,
    *,
    path: str,
    source: Directory,
    owner: str = "",
    read_only: bool = False,
    expand: bool = False,
) -> Container:
    target = _target(container, path, expand=expand)
    output = await _owned(ctx, container, source, owner)
    return mounts.with_mount(container, BindMount(target, output, source.path, read_only))


@field("Container.withMountedFile")
async def with_mounted_file(
    ctx: Context, container: Container, *, path: str, source: File, owner: str = "", expand: bool = False
) -> Container:
    target = _target(container, path, expand=expand)
    output = await _owned(ctx, container, source, owner)
    return mounts.with_mount(container, BindMount(target, output, source.path))


@field("Container.withMountedTemp")
def with_mounted_temp(
    _ctx: Context, container: Container, *, path: str, size: int = 0, expand: bool = False
) -> Container:
    if size < 0:
        raise UserError(f"the size of a temporary directory cannot be {size}")
    return mounts.with_mount(container, TmpfsMount(_target(container, path, expand=expand), size))


@field("Container.withMountedSecret")
def with_mounted_secret(
    _ctx: Context,
    container: Container,
    *,
    path: str,
    source: Secret,
    owner: str = "",
    mode: int = 0o400,
    expand: bool = False,
) -> Container:
    return mounts.with_mount(container, SecretMount(_target(container, path, expand=expand), source.ref, owner, mode))


@field("Container.withMountedCache")
def with_mounted_cache(
    _ctx: Context,
    container: Container,
    *,
    path: str,
    cache: CacheVolume,
    source: Directory | None = None,
    sharing: str | None = None,
    owner: str = "",
    expand: bool = False,
) -> Container:
    volume = cache.specialised(source=source, sharing=Sharing(sharing) if sharing else None, owner=owner)
    target = _target(container, path, expand=expand)
    return mounts.with_mount(container, volume.mount(target))


@field("Container.withoutMount")
def without_mount(_ctx: Context, container: Container, *, path: str, expand: bool = False) -> Container:
    return mounts.without_mount(container, _target(container, path, expand=expand))


@field("Query.cacheVolume")
def cache_volume(
    ctx: Context, *, key: str, source: Directory | None = None, sharing: str = "SHARED", owner: str = ""
) -> CacheVolume:
    plain = CacheVolume(key, ctx.namespace)
    return plain.specialised(source=source, sharing=Sharing(sharing), owner=owner)
