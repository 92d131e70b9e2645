"""What a container has mounted, and which tree a path of it belongs to."""

import posixpath
from dataclasses import dataclass, replace

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import Directory
from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import BindMount, CacheMount, Mount, SecretMount, SocketMount, TmpfsMount

_NO_TREE: dict[type[Mount], str] = {CacheMount: "cache", TmpfsMount: "tmpfs"}


@dataclass(frozen=True)
class Place:
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


def with_mount(container: Container, mount: Mount) -> Container:
    """Mount something; what was mounted at the same place goes."""
    kept = tuple(known for known in container.mounts if known.target != mount.target)
    return replace(container, mounts=(*kept, mount), image_ref="")


def without_mount(container: Container, target: str) -> Container:
    """Without what is mounted at ``target``, if anything is."""
    return replace(container, mounts=tuple(known for known in container.mounts if known.target != target))


def locate(container: Container, path: str) -> Place:
    """Which tree the absolute ``path`` belongs to, the mount that covers it last deciding.

    Secrets and sockets are there for commands alone. Raises UserError where a mount without a tree covers the path.
    """
    for mount in reversed(container.mounts):
        if path != mount.target and not path.startswith(mount.target.rstrip("/") + "/"):
            continue
        if isinstance(mount, SecretMount | SocketMount):
            continue
        if not isinstance(mount, BindMount):
            raise UserError(f"{path}: cannot retrieve path from {_NO_TREE[type(mount)]}, which is mounted there")
        return Place(mount, Directory(mount.source, mount.subpath), posixpath.relpath(path, mount.target))
    return Place(None, Directory(container.rootfs), path.lstrip("/"))


def changed(container: Container, place: Place, tree: Directory) -> Container:
    """The container with the tree of ``place`` replaced by ``tree``'s output."""
    if place.mount is None:
        return replace(container, rootfs=tree.output, image_ref="")
    mount = replace(place.mount, source=tree.output)
    mounts = tuple(mount if known is place.mount else known for known in container.mounts)
    return replace(container, mounts=mounts, image_ref="")
