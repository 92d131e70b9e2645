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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from baselard.cli import displays, places, start
from baselard.cli.options import unknown
from baselard.engine.errors import UserError
from baselard.engine.modules import hosting

_VALUES = ("--label", "--workdir", "--project", "-W", "--workspace", "--version")
_LOAD = "--load-workspace-modules"
_SWITCHES = (_LOAD, "--skip-workspace-modules")


@dataclass(frozen=True)
class Asked:
    """What the SDK asked for: the directory its paths are relative to, and whether the workspace has modules."""

    workdir: Path
    modules: bool = False


def run(argv: list[str]) -> int:
    """Serve one session until the client has gone. Raises EngineError."""
    asked = parse(argv)
    start.require_privilege(["session", *argv])
    display = displays.display("plain")
    with contextlib.closing(display), start.engine(display) as engine:
        asyncio.run(_serve(engine, asked))
    return 0


def parse(argv: list[str]) -> Asked:
    """Read the SDK's arguments. Raises UserError for one unknown, or a directory that is not there."""
    workdir, modules, words = Path.cwd(), False, list(argv)
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name in _SWITCHES:
            modules = modules or name == _LOAD
            continue
        if name not in _VALUES:
            raise UserError(unknown("option", name, [*_VALUES, *_SWITCHES]))
        if not equals and not words:
            raise UserError(f"{name} needs a value")
        value = value if equals else words.pop(0)
        workdir = Path(value) if name == "--workdir" else workdir
    if not workdir.is_dir():
        raise UserError(f"--workdir {workdir}: there is no such directory")
    return Asked(workdir.resolve(), modules)


async def _serve(engine: start.Engine, asked: Asked) -> None:
    output = lambda data: engine.progress.note(data.decode(errors="replace"))  # noqa: E731
    session = engine.session(asked.workdir)
    session.state.workspace_modules = asked.modules
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
