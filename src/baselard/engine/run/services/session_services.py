"""A session's services: started at first use, shared by key, stopped a while after the last use or with the session."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

from baselard.engine.errors import ExecError, ServiceError, UserError
from baselard.engine.host.process import STDERR
from baselard.engine.run.containers.command import Binding
from baselard.engine.run.networks import forward
from baselard.engine.run.services import running_service
from baselard.engine.run.services.running_service import Running
from baselard.engine.run.services.service import (
    LOOPBACK,
    ContainerService,
    HostService,
    Service,
    ServicePort,
    TunnelService,
)
from baselard.engine.run.worker import Worker
from baselard.engine.solver import cancel
from baselard.engine.solver.graph import Value

LINGER = 10.0
"""Seconds a service stays up after its last use, so that the next container finds it running."""

_SHOWN = 4096  # characters of each of a service's streams that a failure beside it shows

Values = Mapping[str, Value]
"""Values of a service's inputs by the outputs' keys."""

Names = Mapping[str, str]
"""Addresses by the names that containers use."""


@dataclass
class _Entry:
    """A running service and who uses it; ``held`` counts ``start`` without ``stop``."""

    service: Service
    running: Running
    uses: int = 0
    held: bool = False
    stopping: bool = False
    release: threading.Timer | None = None
    under: Service | None = None


@dataclass
class SessionServices:
    """The services of one session. Safe from any thread."""

    _entries: dict[str, _Entry] = field(default_factory=dict)
    _told: list[Callable[[Names], None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self, worker: Worker, service: Service, values: Values) -> Running:
        """Have a service up until ``stop``.

        Raises ExecError or ServiceError if it ends instead, UserError for a port that is taken.
        """
        if isinstance(service, TunnelService):
            self._prepare_tunnel(worker, service, values)
        entry = self._use(worker, service, values)
        with self._lock:
            if entry.held:
                entry.uses -= 1
            entry.held = True
        try:
            entry.running.wait_until_up(cancel.current().check)
        except BaseException:
            self.stop(service, kill=True)
            raise
        return entry.running

    def stop(self, service: Service, *, kill: bool = False) -> None:
        """Stop a service with SIGTERM, or with SIGKILL; it serves until it ends. No harm if it is not up."""
        with self._lock:
            entry = self._entries.get(service.key)
        if entry:
            self._end(entry, running_service.AT_ONCE if kill else running_service.POLITE)

    def ports(self, service: Service) -> tuple[ServicePort, ...]:
        """The ports it is reached at. Raises UserError for a port of this machine and a tunnel that are not up."""
        return service.ports if isinstance(service, ContainerService) else self.running(service).ports

    def running(self, service: Service) -> Running:
        """The service while it is up. Raises UserError when it is not."""
        with self._lock:
            entry = self._entries.get(service.key)
        if not entry or not entry.running.up.is_set() or entry.running.ended.is_set():
            raise UserError(f"service {service.hostname} is not running: start it first")
        return entry.running

    @contextlib.contextmanager
    def bound(self, worker: Worker, bindings: Sequence[Binding], values: Values) -> Iterator[Names]:
        """Keep the bound services up inside the block; gives every name a container may use, with its address.

        The work in the block is called off when one of them ends, and that one's failure is raised.
        """
        entries: list[_Entry] = []
        try:
            entries += [self._use(worker, cast(Service, binding.service), values) for binding in bindings]
            names = [_name(binding.service, bindings) for binding in bindings]
            for name, entry in zip(names, entries, strict=True):
                with _doing(f"start {name}"):
                    entry.running.wait_until_up(cancel.current().check)
            with _called_off_with([entry.running for entry in entries], names):
                yield self._names(bindings, entries)
        finally:
            for entry in entries:
                self._release(entry)

    @contextlib.contextmanager
    def announced(self, tell: Callable[[Names], None]) -> Iterator[None]:
        """Inside the block, have ``tell`` called with the host names of services that are up: now, and on changes."""
        with self._lock:
            self._told.append(tell)
            tell(self._hostnames())
        try:
            yield
        finally:
            with self._lock:
                self._told.remove(tell)

    def logs(self, bindings: Sequence[Binding]) -> Iterator[tuple[str, str]]:
        """The alias of each bound service that has said something, and the end of that; then of those behind it."""
        for binding in bindings:
            with self._lock:
                entry = self._entries.get(binding.service.key)
            said = "".join(tail.text[-_SHOWN:] for tail in entry.running.tails.values()) if entry else ""
            if said:
                yield binding.alias, said
            if isinstance(binding.service, ContainerService):
                yield from self.logs(binding.service.command.bindings)

    def show_logs(self, worker: Worker, key: str, bindings: Sequence[Binding]) -> None:
        """Write to the progress of ``key``, which failed, what the services beside it said last."""
        for alias, said in self.logs(bindings):
            text = f"--- the service {alias} said last:\n{said.rstrip()}\n---\n"
            worker.progress.output(key, STDERR, text.encode())

    @contextlib.contextmanager
    def reached(self, worker: Worker, service: Service, values: Values, port: int) -> Iterator[int]:
        """Keep a service up inside the block; gives a port on 127.0.0.1 that leads to its ``port``."""
        entry = self._use(worker, service, values)
        try:
            entry.running.wait_until_up(cancel.current().check)
            new = worker.network.socket
            with forward.listener("127.0.0.1", 0) as own, forward.lead(own, entry.running.address, port, new=new):
                yield own.getsockname()[1]
        finally:
            self._release(entry)

    def close(self) -> None:
        """Stop all of them, at the same time."""
        with self._lock:
            entries = list(self._entries.values())
        if entries:
            with ThreadPoolExecutor(len(entries), "stop") as pool:
                list(pool.map(self._end, entries))

    def _use(self, worker: Worker, service: Service, values: Values) -> _Entry:
        """The service's entry, with one more use. One that is being stopped is waited for, and started again."""
        while (last := self._entries.get(service.key)) and last.stopping and not last.running.ended.wait(0.05):
            cancel.current().check()
        with self._lock:
            entry = self._entries.get(service.key)
            if entry is None or entry.stopping or entry.running.ended.is_set():
                entry = self._entries[service.key] = self._begin(worker, service, values)
                self._announce()  # a port of this machine is up from the beginning
            entry.uses += 1
            if entry.release:
                entry.release.cancel()
                entry.release = None
            return entry

    def _begin(self, worker: Worker, service: Service, values: Values) -> _Entry:
        match service:
            case ContainerService():
                inputs = [values[output.key] for output in service.inputs]
                return _Entry(service, running_service.start_container(worker, service, inputs, self._announce))
            case HostService():
                return _Entry(service, running_service.start_host(worker, service, self._announce))
            case TunnelService():
                raise UserError("a tunnel leads to this machine; bind the service behind it instead")

    def _prepare_tunnel(self, worker: Worker, service: TunnelService, values: Values) -> None:
        """Have the tunnel open on a service that is up, and kept up as long as the tunnel is."""
        with self._lock:
            known = self._entries.get(service.key)
        if known and not known.running.ended.is_set():
            return
        under = self._use(worker, service.upstream, values)
        try:
            with _doing("start upstream"):
                under.running.wait_until_up(cancel.current().check)
            to, name = (under.running.address, worker.network.socket), service.upstream.hostname
            running = running_service.start_tunnel(*to, service.all_forwards, service.label, name)
        except BaseException:
            self._release(under)
            raise
        with self._lock:
            self._entries[service.key] = _Entry(service, running, under=service.upstream)

    def _release(self, entry: _Entry) -> None:
        with self._lock:
            entry.uses -= 1
            if entry.uses or entry.release or self._entries.get(entry.service.key) is not entry:
                return
            entry.release = threading.Timer(LINGER, self._let_go, [entry])
            entry.release.daemon = True
            entry.release.start()

    def _let_go(self, entry: _Entry) -> None:
        with self._lock:
            if entry.uses or self._entries.get(entry.service.key) is not entry:
                return
        self._end(entry)

    def _end(self, entry: _Entry, signals: Sequence[int] = running_service.FIRM) -> None:
        entry.stopping = True
        if entry.release:
            entry.release.cancel()
        entry.running.stop(signals)
        with self._lock:
            if self._entries.get(entry.service.key) is not entry:
                return
            del self._entries[entry.service.key]
            under = self._entries.get(entry.under.key) if entry.under else None
        if under:
            self._release(under)

    def _names(self, bindings: Sequence[Binding], entries: Sequence[_Entry]) -> dict[str, str]:
        """Aliases first, then the host name of every service of the session that is up."""
        names = {binding.alias: entry.running.address for binding, entry in zip(bindings, entries, strict=True)}
        with self._lock:
            return {**self._hostnames(), **names}

    def _hostnames(self) -> dict[str, str]:
        up = [one for one in self._entries.values() if one.running.up.is_set() and not one.running.ended.is_set()]
        return {one.service.hostname: one.running.address for one in up if not isinstance(one.service, TunnelService)}

    def _announce(self) -> None:
        with self._lock:
            names = self._hostnames()
            for tell in self._told:
                tell(names)


def check_alias(bindings: Sequence[Binding], alias: str) -> None:
    """Raise UserError for an alias that is bound already, or that is none."""
    if not alias or "/" in alias or any(character.isspace() for character in alias):
        raise UserError(f"service alias {alias!r} is not a host name")
    if alias == LOOPBACK:
        raise UserError(f"service alias {alias!r} means the container itself; choose another")
    if any(binding.alias == alias for binding in bindings):
        raise UserError(f"service alias {alias!r} is bound twice")


def _name(service: object, bindings: Sequence[Binding]) -> str:
    """What one of the bound services is called in errors: its host name, with all that it is bound as."""
    aliases = ", ".join(one.alias for one in bindings if one.alias and one.service == service)
    return f"{cast(Service, service).hostname} ({f'aliased as {aliases}' if aliases else 'no aliases'})"


@contextlib.contextmanager
def _doing(what: str) -> Iterator[None]:
    try:
        yield
    except (ExecError, ServiceError) as error:
        raise error.during(what) from None


@contextlib.contextmanager
def _called_off_with(runnings: Sequence[Running], names: Sequence[str]) -> Iterator[None]:
    """Call the work inside the block off when one of the services ends."""
    outer, inner = cancel.current(), cancel.Cancellation()
    for running in runnings:
        running.on_end.append(inner.cancel)
        if running.ended.is_set():
            inner.cancel()
    cancel.enter(inner)
    try:
        with outer.on_cancel(inner.cancel):
            yield
    except cancel.Cancelled:
        ended = [(one, name) for one, name in zip(runnings, names, strict=True) if one.ended.is_set()]
        if outer.cancelled or not ended:
            raise
        raise ended[0][0].gone(ended[0][1]) from None
    finally:
        cancel.enter(outer)
        for running in runnings:
            running.on_end.remove(inner.cancel)
