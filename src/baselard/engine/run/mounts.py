"""A command's mounts, made ready: drafts and views of other outputs, cache volumes, secrets and sockets."""

import contextlib
import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import owners, paths
from baselard.engine.files.owners import Owner
from baselard.engine.host import process
from baselard.engine.run.containers.command import (
    BindMount,
    CacheMount,
    CacheSharing,
    Command,
    Mount,
    SecretMount,
    SocketMount,
    TmpfsMount,
)
from baselard.engine.run.containers.runtime_spec import SpecMount
from baselard.engine.run.networks import forward
from baselard.engine.run.worker import Worker
from baselard.engine.solver import cancel
from baselard.engine.solver.graph import Value
from baselard.engine.store import locks
from baselard.engine.store.database import Snapshot
from baselard.engine.store.snapshots import Draft

_POLL = 0.02  # seconds between tries for a cache volume that another container holds


@dataclass(frozen=True)
class Mounted:
    """A mount made ready. ``source`` is the host's path behind it, ``draft`` what a writable one becomes."""

    spec: SpecMount
    source: Path | None = None
    draft: Draft | None = None


@dataclass(frozen=True)
class MountContext:
    """What mounts are made with; ``stack`` gives everything back, ``directory`` (in memory) is the container's own."""

    worker: Worker
    directory: Path
    rootfs: Path
    secrets: Mapping[str, bytes]
    stack: ExitStack

    def new_path(self) -> Path:
        """A path in ``directory`` where nothing is yet."""
        return self.directory / f"mount-{len(list(self.directory.iterdir()))}"

    def owner(self, text: str) -> Owner:
        """The numbers of ``user[:group]`` in this image; root for the empty string."""
        return owners.resolve(self.rootfs, text) or Owner(0, 0)


def mount_all(context: MountContext, command: Command, values: Sequence[Value]) -> list[Mounted]:
    """Every mount of ``command``, in order; ``values`` begin with those of its sourced mounts."""
    sources = dict(zip(map(id, command.sourced), values, strict=False))
    _lock_caches(context, [mount for mount in command.mounts if isinstance(mount, CacheMount)])
    return [_mount(context, mount, sources.get(id(mount))) for mount in command.mounts]


def _mount(context: MountContext, mount: Mount, value: Value | None) -> Mounted:
    match mount:
        case BindMount():
            return _bind(context, mount, value)
        case CacheMount():
            return _cache(context, mount, value)
        case TmpfsMount():
            size = (f"size={mount.size}",) if mount.size else ()
            return Mounted(SpecMount(mount.target, "tmpfs", "tmpfs", ("nosuid", "nodev", "mode=1777", *size)))
        case SecretMount():
            return _secret(context, mount)
        case SocketMount():
            return _socket(context, mount)


def _bind(context: MountContext, mount: BindMount, value: Value | None) -> Mounted:
    tree = value.tree if value and isinstance(value.tree, Snapshot) else None
    draft = None
    if mount.readonly:
        root = context.stack.enter_context(context.worker.snapshots.view(tree))
    else:
        draft = context.stack.enter_context(context.worker.snapshots.draft(tree))
        root = draft.path
    source = Path(paths.under(root, paths.resolve(root, mount.subpath)))
    if not source.exists():
        raise UserError(f"{mount.subpath} cannot be mounted at {mount.target}: it does not exist")
    options = ("rbind", "rprivate", "ro" if mount.readonly else "rw")
    return Mounted(SpecMount(mount.target, str(source), options=options), source, draft)


def cache_path(root: Path, volume: str) -> Path:
    """The directory of a cache volume in the store at ``root``: ``data`` in it, and the lock its users hold."""
    return root / "caches" / hashlib.sha256(volume.encode()).hexdigest()[:32]


def _cache(context: MountContext, mount: CacheMount, value: Value | None) -> Mounted:
    path = cache_path(context.worker.store.root, mount.volume)
    data = path / "data"
    with locks.exclusive(path / "new"):
        if not data.exists():
            _create_cache(context, mount, value, data)
    return Mounted(
        SpecMount(mount.target, str(data), options=("rbind", "rprivate", "ro" if mount.readonly else "rw")), data
    )


def _create_cache(context: MountContext, mount: CacheMount, value: Value | None, data: Path) -> None:
    """Fill a new volume with its source, under another name until it is whole."""
    with context.worker.store.temp_dir() as work:
        fresh = work / "data"
        fresh.mkdir(mode=0o755)
        if value and isinstance(value.tree, Snapshot):
            with context.worker.snapshots.view(value.tree) as root:
                source = paths.under(root, paths.resolve(root, mount.subpath))
                process.run(["cp", "-a", "--reflink=auto", "--", f"{source}/.", str(fresh)])
        if mount.owner:
            owner = context.owner(mount.owner)
            process.run(["chown", "-R", "--no-dereference", f"{owner.uid}:{owner.gid}", str(fresh)])
        fresh.rename(data)


def shared(command: Command, mounted: Sequence[Mounted]) -> list[SpecMount]:
    """The mounts of volumes that other containers may write while this one runs; ``mounted`` are all of ``command``."""
    asked = zip(command.mounts, mounted, strict=True)
    return [one.spec for mount, one in asked if isinstance(mount, CacheMount) and mount.sharing is CacheSharing.SHARED]


def _lock_caches(context: MountContext, mounts: Sequence[CacheMount]) -> None:
    """Hold each volume once: shared, or alone for PRIVATE and LOCKED; all in one order, so nobody waits in circles."""
    alone = {mount.volume for mount in mounts if mount.sharing is not CacheSharing.SHARED}
    for volume in sorted({mount.volume for mount in mounts}):
        path = cache_path(context.worker.store.root, volume)
        path.mkdir(parents=True, exist_ok=True, mode=0o711)
        context.stack.enter_context(_held(path / "lock", fcntl.LOCK_EX if volume in alone else fcntl.LOCK_SH))


@contextlib.contextmanager
def _held(path: Path, kind: int) -> Iterator[None]:
    with path.open("wb") as file:
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                cancel.current().check()
                time.sleep(_POLL)
        yield


def _secret(context: MountContext, mount: SecretMount) -> Mounted:
    path = context.new_path()
    with path.open("xb") as file:
        owner = context.owner(mount.owner)
        os.fchown(file.fileno(), owner.uid, owner.gid)
        os.fchmod(file.fileno(), mount.mode)
        file.write(context.secrets[mount.secret.handle])
    options = ("rbind", "rprivate", "ro", "nosuid", "nodev", "noexec")
    return Mounted(SpecMount(mount.target, str(path), options=options), path)


def listener_at(path: Path, stack: ExitStack) -> socket.socket:
    """A Unix socket bound to ``path``, which may be longer than an address's 107 bytes (unix(7)): a store lies where
    its user likes. It closes with ``stack``."""
    folder = os.open(path.parent, os.O_PATH)
    stack.callback(os.close, folder)  # not earlier: asyncio looks at the address that was bound
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    return listener


def _socket(context: MountContext, mount: SocketMount) -> Mounted:
    """The host's socket itself, or for another owner a socket of their own that leads there."""
    if not Path(mount.source).is_socket():
        raise UserError(f"{mount.source} is not a Unix socket of this machine")
    if not mount.owner:
        return Mounted(SpecMount(mount.target, mount.source))
    owner = context.owner(mount.owner)
    path = context.new_path()
    listener = listener_at(path, context.stack)
    os.chown(path, owner.uid, owner.gid)
    path.chmod(mount.mode)
    listener.listen()
    context.stack.enter_context(forward.tcp(listener, forward.to_socket(mount.source)))
    return Mounted(SpecMount(mount.target, str(path)))
