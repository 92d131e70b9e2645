"""Services as values: a container that serves, a port of this machine lent to containers, a tunnel to this machine.

Nothing here runs; ``baselard.engine.run.services.session_services`` does that, once for each key in a session.
"""

import base64
from dataclasses import dataclass, field, replace

from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import Command
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output
from baselard.oci.image_config import Healthcheck

LOOPBACK = "localhost"
TCP, UDP = "TCP", "UDP"


@dataclass(frozen=True)
class ServicePort:
    """A port that a service listens on; ``checked`` ones must accept a connection before the service counts as up."""

    port: int
    protocol: str = TCP
    checked: bool = True
    description: str | None = digest.added_later(None)


@dataclass(frozen=True)
class Forward:
    """What arrives at ``frontend`` goes on to ``backend``. Frontend 0 lets the system choose."""

    frontend: int
    backend: int
    protocol: str = TCP

    def __post_init__(self) -> None:
        for name, port, lowest in (("frontend", self.frontend, 0), ("backend", self.backend, 1)):
            if not lowest <= port < 1 << 16:
                raise UserError(f"{name} port {port} is not between {lowest} and 65535")


@dataclass(frozen=True)
class ContainerService:
    """A command that runs while it is needed."""

    command: Command
    ports: tuple[ServicePort, ...] = ()
    healthcheck: Healthcheck | None = None
    custom_hostname: str = ""
    graphql_type: str = field(default="Service", init=False, repr=False, compare=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        parts = (self.command, self.ports, self.healthcheck, self.custom_hostname)
        object.__setattr__(self, "key", digest.of("service.container.v1", *parts))

    @property
    def inputs(self) -> tuple[Output, ...]:
        return self.command.inputs

    @property
    def hostname(self) -> str:
        return self.custom_hostname or hostname_of(self.key)

    @property
    def label(self) -> str:
        return "service " + " ".join(self.command.args)


@dataclass(frozen=True)
class HostService:
    """Ports of ``host``, as this machine reaches it, lent to containers."""

    host: str
    forwards: tuple[Forward, ...]
    custom_hostname: str = ""
    graphql_type: str = field(default="Service", init=False, repr=False, compare=False)
    key: str = field(init=False)
    inputs: tuple[Output, ...] = ()

    def __post_init__(self) -> None:
        check_forwards(self.forwards)
        parts = (self.host, self.forwards, self.custom_hostname)
        object.__setattr__(self, "key", digest.of("service.host.v1", *parts))

    @property
    def ports(self) -> tuple[ServicePort, ...]:
        return tuple(
            ServicePort(
                way.frontend, way.protocol, description=f"tunnel {way.protocol} {way.frontend} -> {way.backend}"
            )
            for way in self.forwards
        )

    @property
    def hostname(self) -> str:
        return self.custom_hostname or hostname_of(self.key)

    @property
    def label(self) -> str:
        return f"service of {self.host}"


@dataclass(frozen=True)
class TunnelService:
    """Ports of this machine that lead to a service; ``native`` adds the service's own ports under their own numbers."""

    upstream: "Service"
    forwards: tuple[Forward, ...] = ()
    native: bool = False
    graphql_type: str = field(default="Service", init=False, repr=False, compare=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        check_forwards(self.all_forwards)
        object.__setattr__(self, "key", digest.of("service.tunnel.v1", self.upstream.key, self.all_forwards))

    @property
    def all_forwards(self) -> tuple[Forward, ...]:
        """The tunnel's ways in, one for each exposed port (on a free port) when none was asked for."""
        exposed = self.upstream.ports
        native = tuple(Forward(port.port, port.port, port.protocol) for port in exposed) if self.native else ()
        if self.forwards or native:
            return (*native, *self.forwards)
        return tuple(Forward(0, port.port, port.protocol) for port in exposed)

    @property
    def inputs(self) -> tuple[Output, ...]:
        return self.upstream.inputs

    @property
    def ports(self) -> tuple[ServicePort, ...]:
        return tuple(ServicePort(forward.frontend, forward.protocol) for forward in self.all_forwards)

    @property
    def hostname(self) -> str:
        return "127.0.0.1"

    @property
    def label(self) -> str:
        return f"tunnel to {self.upstream.hostname}"


Service = ContainerService | HostService | TunnelService


def with_hostname(service: Service, hostname: str) -> Service:
    """The service under another name. Raises UserError for a name that cannot be one, or for a tunnel."""
    labels = hostname.split(".")
    if len(hostname) > 253 or not all(_is_label(label) for label in labels):
        raise UserError(f"{hostname!r} is not a host name (letters, digits and hyphens between dots)")
    if hostname == LOOPBACK:
        raise UserError(f"the host name {hostname!r} means each container itself; choose another")
    if isinstance(service, TunnelService):
        raise UserError("a tunnel is reached as localhost; give the service behind it a name instead")
    return replace(service, custom_hostname=hostname)


def hostname_of(key: str) -> str:
    """A host name for a service nobody named: 13 letters and digits of its key, in base32hex as Dagger has it."""
    raw = bytes.fromhex(key.rpartition(":")[2])[:8]
    return base64.b32hexencode(raw).decode().rstrip("=").lower()


def check_forwards(forwards: tuple[Forward, ...]) -> None:
    """Raise UserError when there is none, or two want one port."""
    if not forwards:
        raise UserError("no ports to forward: name some, or expose them with withExposedPort")
    fixed = [(forward.frontend, forward.protocol) for forward in forwards if forward.frontend]
    if twice := {port for port, protocol in fixed if fixed.count((port, protocol)) > 1}:
        raise UserError(f"port {min(twice)} is forwarded twice")


def _is_label(text: str) -> bool:
    plain = text.replace("-", "")
    return 0 < len(text) < 64 and plain.isascii() and plain.isalnum() and text[0] != "-" and text[-1] != "-"
