"""``baselard session``: what an SDK starts by ``_EXPERIMENTAL_DAGGER_CLI_BIN`` to get an engine of its own.

Contract: one JSON line with exactly ``port`` and ``session_token`` on stdout, nothing else there, everything else on
stderr; exit code 0 when stdin ends and on SIGTERM or SIGINT (dagger/provisioning in the SDKs).
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from baselard.cli import displays, places, start
from baselard.engine.api.more.kept import SharedObjects
from baselard.engine.errors import UserError
from baselard.engine.modules import hosting


def run(workdir: Path, line: Sequence[str], *, modules: bool) -> int:
    """Serve one session until the client has gone. Raises EngineError.

    The client's paths are relative to ``workdir``; ``modules`` says whether the workspace's are served; ``line`` is the
    command line, to become root with.
    """
    start.require_privilege(line)
    display = displays.display("plain")
    with contextlib.closing(display), start.engine(display) as engine:
        asyncio.run(_serve(engine, workdir, modules=modules))
    return 0


def directory(text: str) -> Path:
    """The directory that an SDK names. Raises UserError where there is none."""
    if not Path(text).is_dir():
        raise UserError(f"--workdir {text}: there is no such directory")
    return Path(text).resolve()


async def _serve(engine: start.Engine, workdir: Path, *, modules: bool) -> None:
    output = lambda data: engine.progress.note(data.decode(errors="replace"))  # noqa: E731
    session = engine.session(workdir)
    session.state.workspace_modules = modules
    session.state.kept = SharedObjects(engine.store)
    async with hosting.served(session, places.cache_root(), output) as (port, token):
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, gone.set)
        sys.stdout.write(json.dumps({"port": port, "session_token": token}) + "\n")
        sys.stdout.flush()
        threading.Thread(target=_until_closed, args=(lambda: loop.call_soon_threadsafe(gone.set),), daemon=True).start()
        await gone.wait()


def _until_closed(then: Callable[[], object]) -> None:
    """Wait for the end of stdin, in a thread, since it may be a file, which no event loop can watch."""
    while os.read(0, 1 << 12):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended for another reason
        then()
