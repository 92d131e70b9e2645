"""Container: its root file system and mounts, and what is in them."""

from baselard.engine.api.directory import expected
from baselard.engine.api.objects import mounts
from baselard.engine.api.objects.caches import CacheVolume
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.mounts import ContainerPath
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files import owners, reading
from baselard.engine.files.reading import Stat
from baselard.engine.ops.file import Chown
from baselard.engine.ops.host import HostDirectory
from baselard.engine.run.containers.command import BindMount, CacheSharing
from baselard.engine.solver.graph import Output


def _at(container: Container, path: str, *, expand: bool) -> ContainerPath:
    return mounts.locate(container, container.absolute(path, expand=expand))


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
    if place.in_file:
        raise UserError(f"stat {path}: no such file or directory")
    follow = not do_not_follow_symlinks
    return await ctx.look(place.directory.output, lambda root: reading.status(root, place.whole, follow=follow))


async def _owned(ctx: Context, container: Container, source: Directory | File, owner: str) -> Output:
    """What is to be mounted, given to ``owner``; names are those of the container's own accounts."""
    if not owner:
        return source.output
    ids = await ctx.look(container.rootfs, lambda root: owners.resolve(root, owner))
    return Output(Chown(source.output, source.path, f"{ids.uid}:{ids.gid}" if ids else owner))


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
    target = container.absolute(path, expand=expand)
    alone = _alone(source)
    output = await _owned(ctx, container, alone, owner)
    return mounts.with_mount(container, BindMount(target, output, alone.path, read_only))


def _alone(source: Directory) -> Directory:
    """A part of a host's directory as a tree of its own: what lies around it is no reason to run a command again."""
    is_part = isinstance(source.output.node, HostDirectory) and source.path != "/"
    return source.filter() if is_part else source


@field("Container.withMountedFile")
async def with_mounted_file(
    ctx: Context, container: Container, *, path: str, source: File, owner: str = "", expand: bool = False
) -> Container:
    target = container.absolute(path, expand=expand)
    output = await _owned(ctx, container, source, owner)
    return mounts.with_mount(container, BindMount(target, output, source.path, file=True))


@field("Query.cacheVolume")
def cache_volume(
    ctx: Context, *, key: str, source: Directory | None = None, sharing: str = "SHARED", owner: str = ""
) -> CacheVolume:
    plain = CacheVolume(key, ctx.namespace)
    return plain.specialised(source=source, sharing=CacheSharing(sharing), owner=owner)
