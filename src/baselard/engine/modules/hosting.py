"""The modules of one session, started when a query first needs them: what the API's checks and generators run in."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from baselard.engine.api import server
from baselard.engine.api.objects.reachable import FindType, Step
from baselard.engine.api.objects.typedef import Module, TypeDef
from baselard.engine.api.session import Session
from baselard.engine.host import caller
from baselard.engine.modules import environment, known, registration, remote, running, source
from baselard.engine.modules.invoke import Invoker
from baselard.engine.modules.memory import Memory
from baselard.engine.modules.running import OnOutput, Runner
from baselard.engine.modules.walk import Walk
from baselard.engine.solver import digest
from baselard.oci.text import JSON

T = TypeVar("T")


@contextlib.asynccontextmanager
async def served(session: Session, cache: Path, on_output: OnOutput) -> AsyncIterator[tuple[int, str]]:
    """Serve ``session``, modules included, inside this block; the port and the first client's token come back.

    ``cache`` is where modules' environments and types are kept; ``on_output`` hears what their code prints.
    """
    async with server.running(session) as (port, token):
        with contextlib.ExitStack() as stack:
            session.state.modules = Hosted(session, port, cache, on_output, stack)
            yield port, token


@dataclass
class Hosted:
    """The questions that a session's queries may ask of modules (baselard.engine.api.query.context.Modules)."""

    session: Session
    port: int
    cache: Path
    on_output: OnOutput
    stack: contextlib.ExitStack
    _loaded: dict[Path, "asyncio.Task[Walk]"] = field(default_factory=dict)
    _places: Path | None = None
    _constructed: dict[Path, "asyncio.Task[JSON]"] = field(default_factory=dict)

    def fetch(self, reference: str) -> Path | None:
        """Where a repository's module was checked out; None for what names no repository. Raises UserError."""
        return remote.fetch(reference, self.cache) if remote.is_remote(reference) else None

    def place(self, name: str) -> Path:
        """A directory for a module that is none yet, the same for the same name, gone with the session."""
        if self._places is None:
            self._places = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="baselard-modules-")))
            self._places.chmod(0o755)
        return self._places / digest.of("module.v1", name)[7:23]

    async def load(self, root: Path) -> Module:
        """The module whose dagger.json is in ``root``. Raises UserError when it cannot be had."""
        return (await self._walk(root)).module

    async def run(self, module: Module, steps: Sequence[Step]) -> JSON:
        """The value of the last of ``steps``, which begin with the constructor. Raises what the functions raise."""
        walk, root = await self._walk(Path(module.root)), Path(module.root)
        state = await self._once(self._constructed, root, lambda: walk.run(steps[:1]))
        return await walk.run(steps[1:], state=state)

    async def _walk(self, root: Path) -> Walk:
        return await self._once(self._loaded, root, lambda: self._start(root))

    async def _once(
        self, known: dict[Path, "asyncio.Task[T]"], root: Path, work: Callable[[], Coroutine[None, None, T]]
    ) -> T:
        """The result of ``work``, which is done once for a root unless it failed."""
        task = known.get(root) or asyncio.create_task(work())
        known[root] = task
        try:
            return await asyncio.shield(task)
        except Exception:
            known.pop(root, None)
            raise

    async def _start(self, root: Path) -> Walk:
        found = await asyncio.to_thread(source.load, root)
        user = caller.invoking_user(os.environ)
        python = await asyncio.to_thread(environment.interpreter, found, self.cache, user)
        runner = running.start(found, python, user, self.on_output, self.cache / "bytecode")
        self.stack.callback(runner.close)
        invoker = self._invoker(runner)
        module = known.read(found, self.cache) or await invoker.register()
        known.write(found, self.cache, module)
        context = self.session.context(self.session.enter())
        if context is None:
            raise RuntimeError("the session does not know the client it has just let in")
        memory = Memory(self.session.state.worker.store, self.session.state.ids, found, runner.environ)
        return Walk(found, replace(module, root=str(root)), _finder(module), invoker, context, memory)

    def _invoker(self, runner: Runner) -> Invoker:
        return Invoker(
            runner,
            lambda frame: registration.entered(self.session, self.port, frame),
            self.session.state.ids.load,
            self.on_output,
            self.session.state.worker.progress.span,
        )


def _finder(module: Module) -> FindType:
    def find(name: str) -> TypeDef | None:
        if own := module.find(name):
            return own
        from baselard.engine.api import served  # graphql-core would be imported at each start
        from baselard.engine.api.query import core_types  # graphql-core would be imported at each start

        return core_types.find(served.core().schema, name)

    return find
