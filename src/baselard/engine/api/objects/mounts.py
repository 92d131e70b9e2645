"""Mounts of a container, and which tree a path of it belongs to."""

from dataclasses import dataclass, replace

from baselard.engine.api.objects.caches import CacheVolume
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.objects.values import Socket
from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import (
    BindMount,
    CacheMount,
    CacheSharing,
    Mount,
    SecretMount,
    SocketMount,
    TmpfsMount,
)

_NO_TREE: dict[type[Mount], str] = {CacheMount: "cache", TmpfsMount: "tmpfs"}


@dataclass(frozen=True)
class ContainerPath:
    """Where a path of a container lives: in a mount's tree, or (``mount`` None) in the root file system.

    ``path`` is relative to ``directory``. It is ``""`` for the mounted thing itself.
    """

    mount: BindMount | None
    directory: Directory
    path: str

    @property
    def whole(self) -> str:
        """The path in the tree."""
        return self.directory.inside(self.path)

    @property
    def in_file(self) -> bool:
        """Whether it lies below a mounted file, where nothing can be."""
        return bool(self.mount and self.mount.file and self.path)


def with_mount(container: Container, mount: Mount) -> Container:
    """Mount something; what was mounted there or below goes. Secrets and sockets are laid over all else."""
    kept = [known for known in container.mounts if not _replaced(known, mount)]
    return replace(container, mounts=tuple(sorted((*kept, mount), key=_laid_over)), image_ref="")


def _replaced(known: Mount, new: Mount) -> bool:
    if _laid_over(known) != _laid_over(new):
        return False
    return known.target == new.target if _laid_over(new) else _below(known.target, new)


def _laid_over(mount: Mount) -> bool:
    return isinstance(mount, SecretMount | SocketMount)


def _below(path: str, mount: Mount) -> bool:
    return f"{path}/".startswith(mount.target.rstrip("/") + "/")


@served_as("Container.withoutMount", "Container.withoutUnixSocket")
def without_mount(container: Container, path: str, *, expand: bool = False) -> Container:
    """Without what is mounted at ``path``, if anything is."""
    target = container.absolute(path, expand=expand)
    return replace(container, mounts=tuple(known for known in container.mounts if known.target != target))


def locate(container: Container, path: str) -> ContainerPath:
    """Which tree the absolute ``path`` belongs to, the mount that covers it last deciding.

    Secrets and sockets are there for commands alone. Raises UserError where a mount without a tree covers the path.
    """
    for mount in reversed(container.mounts):
        if _laid_over(mount) or not _below(path, mount):
            continue
        if not isinstance(mount, BindMount):
            raise UserError(f"{path}: cannot retrieve path from {_NO_TREE[type(mount)]}, which is mounted there")
        inside = path.removeprefix(mount.target).lstrip("/")
        return ContainerPath(mount, Directory(mount.source, mount.subpath), inside)
    return ContainerPath(None, Directory(container.rootfs), path.lstrip("/"))


def changed(container: Container, place: ContainerPath, tree: Directory) -> Container:
    """The container with the tree of ``place`` replaced by ``tree``'s output."""
    if place.mount is None:
        return replace(container, rootfs=tree.output, image_ref="")
    mount = replace(place.mount, source=tree.output)
    mounts = tuple(mount if known is place.mount else known for known in container.mounts)
    return replace(container, mounts=mounts, image_ref="")


@served_as("Container.mounts")
def mount_targets(container: Container) -> list[str]:
    return [mount.target for mount in container.mounts if not _laid_over(mount)]


@served_as("Container.withMountedTemp")
def with_mounted_temp(container: Container, *, path: str, size: int = 0, expand: bool = False) -> Container:
    if size < 0:
        raise UserError(f"the size of a temporary directory cannot be {size}")
    return with_mount(container, TmpfsMount(container.absolute(path, expand=expand), size))


@served_as("Container.withMountedSecret")
def with_mounted_secret(
    container: Container,
    *,
    path: str,
    source: Secret,
    owner: str = "",
    mode: int = 0o400,
    expand: bool = False,
) -> Container:
    return with_mount(container, SecretMount(container.absolute(path, expand=expand), source.ref, owner, mode))


@served_as("Container.withMountedCache")
def with_mounted_cache(
    container: Container,
    *,
    path: str,
    cache: CacheVolume,
    source: Directory | None = None,
    sharing: str | None = None,
    owner: str = "",
    expand: bool = False,
) -> Container:
    volume = cache.specialised(source=source, sharing=CacheSharing(sharing) if sharing else None, owner=owner)
    target = container.absolute(path, expand=expand)
    return with_mount(container, volume.mount(target))


@served_as("Container.withUnixSocket")
def with_unix_socket(
    container: Container, *, path: str, source: Socket, owner: str = "", expand: bool = False
) -> Container:
    target = container.absolute(path, expand=expand)
    return with_mount(container, SocketMount(target, source.path, owner))
