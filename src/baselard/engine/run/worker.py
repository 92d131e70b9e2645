"""The means of an operation, bundled: one worker for each session, made from the process-wide one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from baselard.engine.images.registries import Registries
from baselard.engine.run.containers.command import Binding
from baselard.engine.run.containers.host import HostEnvironment
from baselard.engine.run.containers.own_files import Inside
from baselard.engine.run.containers.runtime import Runtime
from baselard.engine.run.networks.network import Network
from baselard.engine.run.terminal import Absent, Terminal
from baselard.engine.solver.graph import Progress, Value
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import Snapshots


class Secrets(Protocol):
    """A session's secrets."""

    def plaintext(self, handle: str) -> bytes:
        """The bytes of a secret. Raises UserError when the session has none of that handle or it cannot be had."""


class Services(Protocol):
    """A session's services (baselard.engine.run.services.session_services)."""

    def bound(
        self, worker: "Worker", bindings: Sequence[Binding], values: Mapping[str, Value]
    ) -> "AbstractContextManager[Mapping[str, str]]":
        """Keep the bound services up inside the block; gives the names a container may use, each with its address.

        ``values`` are those of the services' inputs, by the outputs' keys. Raises ExecError when a service ends.
        """

    def announced(self, tell: Callable[[Mapping[str, str]], None]) -> "AbstractContextManager[None]":
        """Inside the block, call ``tell`` with the names and addresses of services that are up, now and on changes."""

    def show_logs(self, worker: "Worker", key: str, bindings: Sequence[Binding]) -> None:
        """Write to the progress of ``key``, which failed, what the services beside it said last."""


@dataclass(frozen=True)
class SessionAddress:
    """Where nested programs reach this session: a port on 127.0.0.1, and what lets a container's in by a token."""

    port: int
    entered: Callable[[Inside], AbstractContextManager[str]]


@dataclass(frozen=True)
class Worker:
    """The tools of one session's operations.

    ``output`` is a host path that is to be written in the end, and so is part of no source.
    """

    store: Store
    snapshots: Snapshots
    runtime: Runtime
    network: Network
    registry: Registries
    secrets: Secrets
    services: Services
    progress: Progress
    host: HostEnvironment
    session: SessionAddress | None = None
    terminal: Terminal = field(default_factory=Absent)
    output: str = ""
