"""One service that runs: its threads, its health, its end, and the last of what it said."""

import contextlib
import contextvars
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from baselard.engine.errors import EngineError, ExecError, HostError, ServiceError, UserError
from baselard.engine.host.process import STDERR, STDOUT
from baselard.engine.run import quota, sandbox
from baselard.engine.run.containers import streams
from baselard.engine.run.containers.runtime import OciContainer
from baselard.engine.run.containers.streams import Scrubber
from baselard.engine.run.networks import forward, namespaces
from baselard.engine.run.services import health, said
from baselard.engine.run.services.said import Shown, Tail
from baselard.engine.run.services.service import UDP, ContainerService, Forward, HostService, ServicePort
from baselard.engine.run.worker import Worker
from baselard.engine.solver import cancel
from baselard.engine.solver.graph import Value
from baselard.oci.image_config import Healthcheck

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL."""

POLITE, FIRM, AT_ONCE = (signal.SIGTERM,), (signal.SIGTERM, signal.SIGKILL), (signal.SIGKILL,)
"""Ways to stop a service. One that does not heed SIGTERM goes on if that is all it is sent."""

_FIRST_WAIT, _LONGEST_WAIT, _PATIENCE = 0.1, 10.0, 900.0  # backoff between checks, and all of it, in seconds
_DIAL_TIMEOUT = 1.0
_TOLD_AFTER = 10.0  # seconds of waiting, after which it is told what for
_SAID = 4096  # characters of each stream that are told when it does not come up


@dataclass
class Running:
    """A service on its way up, up, or ended. ``address`` and ``ports`` count once ``up`` is set."""

    label: str
    args: tuple[str, ...] = ()
    address: str = ""
    ports: tuple[ServicePort, ...] = ()
    up: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    wanted: bool = True
    code: int = 0
    error: BaseException | None = None
    stopper: Callable[[Sequence[int]], None] | None = None
    tails: dict[int, Tail] = field(default_factory=said.tails)
    on_end: list[Callable[[], None]] = field(default_factory=list)
    changed: Callable[[], None] = lambda: None
    checked: dict[int, Tail] = field(default_factory=said.tails)

    def wait_until_up(self, check: Callable[[], None]) -> None:
        """Wait; ``check`` is called meanwhile and may raise. Raises what the service failed with."""
        while not self.up.wait(0.05):
            check()
            if self.ended.is_set() and not self.up.is_set():
                raise self.failure()

    def stop(self, signals: Sequence[int] = FIRM) -> None:
        """End it, and wait until it has; one that is not even started will not be. Raises Cancelled."""
        self.wanted = False
        if self.stopper:
            self.stopper(signals)
        while not self.ended.wait(0.05):
            if signal.SIGKILL not in signals:
                cancel.current().check()

    def failure(self) -> BaseException:
        """Why a service that ought to run does not."""
        if self.error:
            return self.error
        if not self.code:
            return ServiceError("service exited before healthcheck")
        return self._told(self.args, self.code, self.tails)

    def unhealthy(self, args: Sequence[str], code: int) -> BaseException:
        """Why a service does not come up whose health check, ``args``, ended with ``code`` too often."""
        return self._told(args, code, self.checked).during("health check errored")

    def gone(self, name: str) -> ServiceError:
        """What it means to its user, who knows it by ``name``, that it has ended."""
        failure = self.failure()
        said = f": {failure}" if self.error or self.code else ""
        return ServiceError(f"bound service {name} exited{said}")

    @staticmethod
    def _told(args: Sequence[str], code: int, tails: Mapping[int, Tail]) -> ExecError:
        return ExecError(args, code, tails[STDOUT].text, tails[STDERR].text, exact=True)

    @property
    def last_words(self) -> str:
        """The end of what it said, to be put after a sentence."""
        checked, own = (
            "".join(tail.text[-_SAID:] for tail in tails.values()).rstrip() for tails in (self.checked, self.tails)
        )
        return (f"; the check said:\n{checked}" if checked else "") + (f"; it said last:\n{own}" if own else "")

    def rise(self) -> None:
        """Note that it is up, and tell whoever wanted to know."""
        self.up.set()
        self.changed()

    def finish(self) -> None:
        """Note the end, and tell whoever wanted to know."""
        self.ended.set()
        for callback in list(self.on_end):
            callback()
        self.changed()


def start_container(
    worker: Worker, service: ContainerService, values: Sequence[Value], changed: Callable[[], None]
) -> Running:
    """Start a service's container in a thread of its own; it comes ``up`` later, or fails.

    ``changed`` is called when it has come up, and when it has ended.
    """
    running = Running(service.label, service.command.args, ports=service.ports, changed=changed)
    body = partial(_run_container, worker, service, values, running)
    threading.Thread(target=_in_own_context, args=(body, running), name="service", daemon=True).start()
    return running


def _in_own_context(body: Callable[[], None], running: Running) -> None:
    """A service outlives whoever started it, so it is not called off with that."""
    try:
        contextvars.Context().run(body)
    except BaseException as error:
        running.error = error
    finally:
        running.finish()


def _run_container(worker: Worker, service: ContainerService, values: Sequence[Value], running: Running) -> None:
    worker.progress.started(service.key, service.label)
    try:
        with sandbox.prepared(worker, service.command, values) as box, box.assembled(), _watched(box) as growth:
            running.address = _address(worker, box.namespace)
            scrubbers = _scrubbers(box)
            shown = Shown(partial(worker.progress.output, service.key), box.spec.limits.output)

            def show(stream: int, data: bytes) -> None:
                running.tails[stream].add(data := scrubbers[stream].feed(data))
                shown.add(stream, data)

            def began(container: OciContainer) -> None:
                box.inside.started(container)
                growth.container = container
                running.stopper = partial(_stop_container, running, container)
                if not running.wanted:
                    raise cancel.Cancelled
                watch = partial(_watch_health, worker, service, box, container, running)
                threading.Thread(target=_in_context_of_none, args=(watch, running), daemon=True).start()

            running.code = worker.runtime.run(box.spec, on_output=show, on_start=began)
    except (ExecError, ServiceError) as error:
        if running.address:
            raise
        raise error.during("start dependent services") from None
    finally:
        failed = running.wanted and (running.code or running.error)
        if failed:
            worker.services.show_logs(worker, service.key, service.command.bindings)
        worker.progress.finished(service.key, cached=False, error=f"exit code: {running.code}" if failed else "")


@contextlib.contextmanager
def _watched(box: sandbox.Sandbox) -> Iterator[quota.Watch]:
    with quota.watched(box.written, box.spec.limits.disk) as watch:
        yield watch
    watch.check()


def _scrubbers(box: sandbox.Sandbox) -> dict[int, Scrubber]:
    return {stream: Scrubber(streams.scrubbable(box.secrets)) for stream in (STDOUT, STDERR)}


def _in_context_of_none(body: Callable[[], None], running: Running) -> None:
    try:
        contextvars.Context().run(body)
    except (EngineError, OSError) as error:
        running.error = error
        running.stop(AT_ONCE)


def _address(worker: Worker, namespace: namespaces.Namespace) -> str:
    if not namespace.address:
        raise HostError(f"services need a network between containers, and there is none: {worker.network.missing}")
    return namespace.address


def _watch_health(
    worker: Worker, service: ContainerService, box: sandbox.Sandbox, container: OciContainer, running: Running
) -> None:
    """Set ``up`` once the service is healthy. Raises HostError, or its health check's ExecError, when it never is."""
    check, tell = service.healthcheck, partial(worker.progress.output, service.key, STDERR)
    if check and check.test and check.test[0] in ("CMD", "CMD-SHELL"):
        healthy = _until_healthy(check, box, container, running, tell)
    else:
        ports = [port.port for port in service.ports if port.checked and port.protocol != UDP]
        accept = [(partial(_accepts, box.namespace, port), f"port {port} accepts connections") for port in ports]
        healthy = all(_until(accepts, running, what, tell) for accepts, what in accept)
    if healthy:
        running.rise()


@dataclass
class _Waiting:
    """How long something has been waited for: ``tell`` is told once that takes long, and there is an end to it.

    ``more`` are the seconds by which that is later than usual.
    """

    running: Running
    what: str
    tell: Callable[[bytes], None]
    more: float = 0.0
    began: float = field(default_factory=time.monotonic)
    told: bool = False

    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait until the service has ended, which is answered, or time is over. Raises HostError after too long."""
        waited = self.now() - self.began
        if waited > _TOLD_AFTER and not self.told:
            self.told = True
            self.tell(f"still waiting until {self.what}{self.running.last_words}\n".encode())
        if waited > _PATIENCE + self.more:
            raise HostError(f"{self.running.label}: waited {waited:.0f} s until {self.what}{self.running.last_words}")
        return self.running.ended.wait(seconds)


def _until(is_true: Callable[[], bool], running: Running, what: str, tell: Callable[[bytes], None]) -> bool:
    """Ask again and again, in growing steps, until it is true, or (False) the service has ended.

    ``tell`` what is waited for, once that takes long.
    """
    waiting, step = _Waiting(running, what, tell), _FIRST_WAIT / 10
    while not running.ended.is_set():
        if is_true():
            return True
        waiting.wait(step)
        step = min(step * 1.5, _LONGEST_WAIT)
    return False


def _accepts(namespace: namespaces.Namespace, port: int) -> bool:
    """Dial from inside the container's network, which no packet filter of the host disturbs."""

    def dial() -> bool:
        try:
            socket.create_connection((namespace.address or "127.0.0.1", port), _DIAL_TIMEOUT).close()
        except OSError:
            return False
        return True

    return namespaces.inside(namespace, dial)


def _until_healthy(
    check: Healthcheck, box: sandbox.Sandbox, container: OciContainer, running: Running, tell: Callable[[bytes], None]
) -> bool:
    """Wait for a service's health; False when it has ended.

    Raises ExecError when its check has failed too often, HostError when it took too long.
    """
    _until(container.runs, running, "its container runs", tell)  # what is not there yet cannot be unhealthy
    plan = health.Schedule.of(check)
    waiting = _Waiting(running, "its health check succeeds", tell, plan.start_period)
    codes: list[int] = []
    kind, *test = check.test
    words = ("/bin/sh", "-c", *test) if kind == "CMD-SHELL" else tuple(test)

    def is_healthy() -> bool:
        codes.append(_checked(words, plan.timeout, box, container, running))
        return codes[-1] == 0

    if health.until_healthy(plan, is_healthy, waiting):
        return True
    if running.ended.is_set():
        return False
    if codes[-1] >= 0:
        raise running.unhealthy(words, codes[-1])
    late = f"health check errored: {' '.join(test)}: not done after {plan.timeout:g} s"
    raise HostError(f"{running.label}: {late}{running.last_words}")


def _checked(
    words: Sequence[str], timeout: float, box: sandbox.Sandbox, container: OciContainer, running: Running
) -> int:
    """The exit code of the check's command, negative when it took too long."""
    running.checked = said.tails()
    scrubbers = _scrubbers(box)

    def heard(stream: int, data: bytes) -> None:
        running.checked[stream].add(scrubbers[stream].feed(data))

    return container.execute(words, box.spec, timeout=timeout, on_output=heard)


def _stop_container(running: Running, container: OciContainer, signals: Sequence[int]) -> None:
    """Signal until it is heard: a container that is just being made has no process yet."""
    for number in signals:
        deadline = time.monotonic() + GRACE
        heard = False
        while not running.ended.is_set() and time.monotonic() < deadline:
            heard = heard or container.signal(number)
            running.ended.wait(deadline - time.monotonic() if heard else _FIRST_WAIT)


def start_host(worker: Worker, service: HostService, changed: Callable[[], None]) -> Running:
    """Lend ports of this machine: sockets in a network namespace of their own, with an address like a container's.

    ``changed`` is called when it has ended; it is up at once, as on a Dagger engine, whoever listens on this machine.
    """
    stack = ExitStack()
    running = Running(service.label, ports=service.ports, changed=changed)
    try:
        namespace = stack.enter_context(worker.network.lease(reuse=False))
        running.address = _address(worker, namespace)
        for one in service.forwards:
            stack.enter_context(_lent(namespace, service.host, one, running))
    except BaseException:
        stack.close()
        raise
    running.stopper = partial(_close, running, stack)
    running.up.set()
    return running


@contextlib.contextmanager
def _lent(namespace: namespaces.Namespace, host: str, one: Forward, running: Running) -> Iterator[None]:
    def failed(error: OSError) -> None:
        running.tails[STDERR].add(f"{host}:{one.backend} cannot be reached: {error}\n".encode())

    listen = partial(forward.listener, "0.0.0.0", one.frontend, udp=one.protocol == UDP)  # noqa: S104
    with namespaces.inside(namespace, listen) as own, forward.lead(own, host, one.backend, failed):
        yield


def start_tunnel(
    host: str, new: forward.NewSocket | None, forwards: Sequence[Forward], label: str, name: str
) -> Running:
    """Lead ports of this machine to ``host``, called ``name``, by sockets of ``new``.

    Raises UserError for a port that is taken.
    """
    stack = ExitStack()
    ports = []
    for one in forwards:
        try:
            own = stack.enter_context(forward.listener("0.0.0.0", one.frontend, udp=one.protocol == UDP))  # noqa: S104
        except OSError as error:
            stack.close()
            raise UserError(f"port {one.frontend} of this machine cannot be used: {error.strerror}") from error
        stack.enter_context(forward.lead(own, host, one.backend, new=new))
        port = own.getsockname()[1]
        ports.append(ServicePort(port, one.protocol, description=f"tunnel 0.0.0.0:{port} -> {name}:{one.backend}"))
    running = Running(label, address="127.0.0.1", ports=tuple(ports))
    running.stopper = partial(_close, running, stack)
    running.up.set()
    return running


def _close(running: Running, stack: ExitStack, _signals: Sequence[int]) -> None:
    if not running.ended.is_set():
        stack.close()
        running.finish()
