"""A command in a container: a program, its user and surroundings, and everything mounted over its root file system.

Plain values, shared by the exec operation and by services. Targets are absolute, clean paths inside the container.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output
from baselard.oci.platforms import Platform, this_machine


class CacheSharing(StrEnum):
    """How a cache volume is shared by containers that run at the same time (Dagger's CacheSharingMode)."""

    SHARED = "SHARED"
    PRIVATE = "PRIVATE"
    LOCKED = "LOCKED"


class Net(StrEnum):
    """Which network a program sees: the containers' own, this machine's, or nothing but a loopback."""

    CONTAINERS = ""
    HOST = "host"
    NONE = "none"

    @classmethod
    def of(cls, name: str) -> "Net":
        """What ``RUN --network`` means."""
        return cls.CONTAINERS if name == "default" else cls(name)


@dataclass(frozen=True)
class SecretRef:
    """A secret by name only. ``identity`` counts in keys, ``handle`` finds the plaintext in the session."""

    identity: str
    handle: str = field(compare=False)


@dataclass(frozen=True)
class BindMount:
    """A directory or file out of another output; writable ones become outputs of the exec that writes them.

    ``file`` says that it was mounted as a file.
    """

    target: str
    source: Output
    subpath: str = "/"
    readonly: bool = False
    file: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class CacheMount:
    """A cache volume. ``volume`` names it (key, namespace …); ``source`` and ``owner`` count at its creation alone."""

    target: str
    volume: str
    sharing: CacheSharing = CacheSharing.SHARED
    source: Output | None = None
    subpath: str = "/"
    owner: str = ""
    readonly: bool = digest.added_later(default=False)


@dataclass(frozen=True)
class TmpfsMount:
    """An empty directory in memory, of at most ``size`` bytes (0: half of the memory, the kernel's own default)."""

    target: str
    size: int = 0


@dataclass(frozen=True)
class SecretMount:
    """A secret as a read-only file on a tmpfs."""

    target: str
    secret: SecretRef
    owner: str = ""
    mode: int = 0o400


@dataclass(frozen=True)
class SocketMount:
    """A Unix socket of the host, at ``source``: itself, or with an ``owner`` one of its own that leads there."""

    target: str
    source: str
    owner: str = ""
    mode: int = digest.added_later(0o600)


Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SocketMount


class BoundService(Protocol):
    """What a service shows of itself here (baselard.engine.run.services.service has the rest)."""

    @property
    def key(self) -> str: ...
    @property
    def inputs(self) -> tuple[Output, ...]: ...


@dataclass(frozen=True)
class Binding:
    """A service under a name that the container can use."""

    alias: str
    service: BoundService


@dataclass(frozen=True)
class Command:
    """A program and all it sees.

    ``env`` are the image's variables as ``(name, value)``; ``volatile_env`` reach the program but no key, of which
    ``volatile_names`` alone are part;
    ``user`` is Docker's ``user[:group]``, by name or number.
    """

    rootfs: Output
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    secret_env: tuple[tuple[str, SecretRef], ...] = ()
    volatile_env: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    cwd: str = "/"
    user: str = ""
    mounts: tuple[Mount, ...] = ()
    bindings: tuple[Binding, ...] = ()
    hostname: str = ""
    platform: Platform = field(default_factory=this_machine)
    insecure: bool = False
    nesting: bool = False
    no_init: bool = False
    network: Net = digest.added_later(Net.CONTAINERS)  # noqa: RUF009 -- it makes a field
    volatile_names: tuple[str, ...] = digest.added_later(())

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The root file system, every output that a mount shows, in order, and what the bound services need."""
        services = (output for binding in self.bindings for output in binding.service.inputs)
        return (self.rootfs, *(mount.source for mount in self.sourced if mount.source), *services)

    @property
    def sourced(self) -> tuple[BindMount | CacheMount, ...]:
        """The mounts that show another output, in order."""
        return tuple(m for m in self.mounts if isinstance(m, BindMount | CacheMount) and m.source)

    @property
    def writable(self) -> tuple[BindMount, ...]:
        """The mounts that become outputs 1, 2, … of an exec."""
        return tuple(m for m in self.mounts if isinstance(m, BindMount) and not m.readonly)

    @property
    def secrets(self) -> tuple[SecretRef, ...]:
        """Every secret the program can see."""
        mounted = [mount.secret for mount in self.mounts if isinstance(mount, SecretMount)]
        return (*(secret for _, secret in self.secret_env), *mounted)
