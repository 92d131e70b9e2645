"""Ask a module for its types: a session that registers and runs nothing, so that it needs no privilege."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from baselard.engine.api import served, server
from baselard.engine.api.objects.function_call import Frame
from baselard.engine.api.objects.typedef import Module
from baselard.engine.api.query.context import State
from baselard.engine.api.session import Session
from baselard.engine.modules.invoke import Invoker
from baselard.engine.modules.running import OnOutput, Runner
from baselard.engine.run.containers.host import HostEnvironment
from baselard.engine.run.worker import Worker
from baselard.engine.solver.evaluate import Evaluator, Flights
from baselard.engine.solver.graph import Progress
from baselard.engine.store.database import Store


async def register(runner: Runner, progress: Progress, on_output: OnOutput) -> Module:
    """What the module says of itself. Raises ModuleError.

    The store is gone afterwards: nothing runs, so there is nothing to keep, and other versions never meet it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="baselard-registration-") as place,
        contextlib.closing(Store.open(Path(place))) as store,
    ):
        made = session(store, progress)
        async with server.running(made) as (port, _):
            load = made.state.ids.load
            enter = lambda frame: entered(made, port, frame)  # noqa: E731
            return await Invoker(runner, enter, load, on_output, progress.span).register()


@contextlib.contextmanager
def entered(session: Session, port: int, frame: Frame) -> Iterator[tuple[int, str]]:
    """A token for one invocation, worthless afterwards."""
    token = session.enter(frame)
    try:
        yield port, token
    finally:
        session.leave(token)


def session(store: Store, progress: Progress) -> Session:
    """A session whose fields work as long as nothing is to be run."""
    nothing = cast(Any, None)
    worker = Worker(
        store=store,
        snapshots=nothing,
        runtime=nothing,
        network=nothing,
        registry=nothing,
        secrets=nothing,
        services=nothing,
        progress=progress,
        host=HostEnvironment(),
    )
    evaluator = Evaluator(store, Flights(), worker, progress, nothing)
    return Session(State(evaluator, store.root, nothing, served.core()))
