"""Start the engine in this process: store, network, runtime, and a session served on 127.0.0.1."""

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from baselard.cli import places, rootless, setup
from baselard.cli.recording import Recording
from baselard.cli.target import Target
from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.api.session import Session, opened
from baselard.engine.errors import HostError
from baselard.engine.files import checkout, merging
from baselard.engine.host import privilege, rundir
from baselard.engine.host.rundir import RunDir
from baselard.engine.images import transfer
from baselard.engine.images.layers.packed import unpack
from baselard.engine.images.layers.stack import settle_indexed
from baselard.engine.images.registries import Registries
from baselard.engine.modules import hosting, registration
from baselard.engine.modules.invoke import Invoker
from baselard.engine.modules.memory import Memory
from baselard.engine.modules.running import Runner
from baselard.engine.modules.walk import Walk
from baselard.engine.progress import export, spans
from baselard.engine.progress.display import Display
from baselard.engine.run.containers import cgroups, host, leftovers, streams
from baselard.engine.run.containers.host import HostEnvironment
from baselard.engine.run.containers.runtime import Runtime
from baselard.engine.run.networks.network import Network
from baselard.engine.run.services.session_services import SessionServices
from baselard.engine.run.terminal import Absent, Device, Terminal
from baselard.engine.run.worker import Worker
from baselard.engine.solver.evaluate import Flights
from baselard.engine.store import cachedir, collect, snapshots, space
from baselard.engine.store.database import Store
from baselard.resident import alone

Answer = TypeVar("Answer")
THREADS = 32
"""Operations at once; most of them wait for a command, and commands share the machine's processors."""


@dataclass(frozen=True)
class Engine:
    """The process-wide half of every session's worker.

    ``services`` and ``machines`` put away what the sessions hold; containers end between the two. ``output`` is where
    the result will be written. ``secrets`` grows with the sessions.
    """

    store: Store
    host: HostEnvironment
    flights: Flights
    executor: ThreadPoolExecutor
    progress: Display
    terminal: Terminal
    services: contextlib.ExitStack
    machines: contextlib.ExitStack
    output: str = ""
    secrets: list[SecretStore] = field(default_factory=list)

    def hidden(self) -> tuple[bytes, ...]:
        """The texts that nobody may see, longest first."""
        return streams.scrubbable(text for one in self.secrets for text in one.texts())

    def session(self, workdir: Path) -> Session:
        """A new session for a client whose paths are relative to ``workdir``."""
        return opened(self._worker, store=self.store, flights=self.flights, executor=self.executor, workdir=workdir)

    def _worker(self, secrets: SecretStore) -> Worker:
        self.secrets.append(secrets)
        run_dir = self.machines.enter_context(contextlib.closing(rundir.open_run_dir()))
        return Worker(
            store=self.store,
            snapshots=merging.snapshots(self.store),
            runtime=Runtime(run_dir),
            network=self._network(run_dir),
            registry=Registries(),
            secrets=secrets,
            services=self._services(),
            progress=self.progress,
            host=self.host,
            terminal=self.terminal,
            output=self.output,
        )

    def _network(self, run_dir: RunDir) -> Network:
        """A session's own bridge, so that no other session's containers reach this one's."""
        return self.machines.enter_context(contextlib.closing(Network(run_dir, self.progress.note)))

    def _services(self) -> SessionServices:
        """A session's services; what is still up when the engine ends is stopped then."""
        return self.services.enter_context(contextlib.closing(SessionServices()))


@contextlib.contextmanager
def engine(progress: Display, terminal: Terminal | None = None, output: str = "") -> Iterator[Engine]:
    """The engine, inside this block. Call before threads start. Raises HostError for what this machine lacks."""
    snapshots.private_namespace()
    if trouble := cgroups.make_writable():
        progress.note(trouble)
    leftovers.remove()
    cachedir.tag(places.cache_root())
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(Store.open(places.store_root(), unpack)))
        settle_indexed(merging.snapshots(store))
        collect.tidy_meanwhile(store)
        transfer.note_run(store)
        machines = stack.enter_context(contextlib.ExitStack())
        executor = ThreadPoolExecutor(THREADS, "op")
        stack.callback(executor.shutdown, cancel_futures=True)
        services = stack.enter_context(contextlib.ExitStack())
        stores: list[SecretStore] = []
        hidden = lambda: streams.scrubbable(text for one in stores for text in one.texts())  # noqa: E731
        told = stack.enter_context(export.exported(progress, hidden, os.environ))
        lent = (host.detect(), Flights(), executor, told, terminal or Absent())
        yield Engine(store, *lent, services, machines, output, stores)


def walk(target: Target, work: Callable[[Walk], Awaitable[Answer]], recording: Recording) -> Answer:
    """Start the engine, do ``work`` with the target's module, and stop it again. Raises what the work raises.

    What the module tells of its verdicts is kept in the store by ``recording``.
    """
    space.require(places.store_root())
    for number in (signal.SIGTERM, signal.SIGHUP):  # both end it as Ctrl-C does: with everything put away
        signal.signal(number, _terminated)
    runner = target.start_runner()
    terminal = Device(target.display.aside, target.options.on_failure)
    output = _only_written(target.options.output)
    started = engine(target.display, terminal, output)
    with contextlib.closing(target), started as running, recording.kept(running.store, running.hidden):
        return asyncio.run(_served(running, target, runner, work, recording))  # all is closed before the result


def _only_written(output: str) -> str:
    """The path of ``-o`` unless it may be an input as well, as a README that is updated is: one that git tracks."""
    return output if output and os.path.lexists(output) and not checkout.is_tracked(output) else ""


def _terminated(*_: object) -> None:
    """Go the way of Ctrl-C, also where that is ignored: a shell starts what it runs in the background like this."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


async def _served(
    engine: Engine, target: Target, runner: Runner, work: Callable[[Walk], Awaitable[Answer]], recording: Recording
) -> Answer:
    session = engine.session(Path.cwd())
    if target.options.no_cache_exec:
        session.state.fresh = uuid.uuid4().hex
    async with hosting.served(session, places.cache_root(), target.output) as (port, token):
        context = session.context(token)
        if context is None:
            raise RuntimeError("the session does not know its own client")
        invoker = Invoker(
            runner,
            lambda frame: registration.entered(session, port, frame),
            session.state.ids.load,
            target.output,
            recording.listening(engine.progress.span),
        )
        memory = Memory(engine.store, session.state.ids, target.source, runner.environ)
        spans.asked_by(os.environ.get("TRACEPARENT", ""))
        with spans.opened("baselard", engine.progress.span):
            return await work(Walk(target.source, target.module, target.find, invoker, context, memory))


def require_privilege(argv: Sequence[str], target: Target | None = None) -> None:
    """Have what the engine uses installed, and become root, of a user namespace or through sudo, if it needs that.

    Returns only when it can work; what was started for ``target`` may have ended by then, for no process with threads
    becomes root of a user namespace. Raises HostError when packages are missing, or there is no sudo.
    """
    setup.require()
    if target and not privilege.may_mount():
        target.settle()
    if rootless.entered() or privilege.may_mount():
        return
    if not (sudo := privilege.sudo()):
        raise HostError(
            "the engine needs root, or CAP_SYS_ADMIN in a container (--cap-add SYS_ADMIN), to mount file systems"
        )
    alone.require()
    sys.stderr.write("baselard: the engine runs through sudo; the module's code runs as you\n")
    sys.stderr.flush()
    kept = [f"{name}={os.environ[name]}" for name in ("HOME", "PATH") if name in os.environ]
    os.execv(sudo, [sudo, "-E", "--", "env", *kept, sys.executable, "-I", "-m", "baselard.cli", *argv])  # noqa: S606
