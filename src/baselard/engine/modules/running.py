"""A module's running process, seen from the engine: started once, asked for any number of invocations at once."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baselard.engine.api import served
from baselard.engine.errors import ModuleError
from baselard.engine.host import process
from baselard.engine.host.caller import Caller
from baselard.engine.images import packages
from baselard.engine.modules import runner, warm
from baselard.engine.modules.source import PythonModule
from baselard.engine.modules.warm import Warm
from baselard.engine.progress import spans
from baselard.engine.progress.spans import OnSpan

OnOutput = Callable[[bytes], None]
_LENT = ("LANG", "LC_ALL", "TZ", "TERM", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_LONGEST_SPAN = 1 << 20  # bytes of its line
_LAST_OUTPUT = 1.0  # seconds to wait for output after a function's process has ended


@dataclass
class Runner:
    """The process that has imported one module. Make it with ``start``; ``close`` ends it and all it started.

    Without ``child`` it is one that other engines use as well: what it began for this one is ended. ``environ`` are
    the variables that the module sees.
    """

    source: PythonModule
    child: "subprocess.Popen[bytes] | None"
    channel: socket.socket
    environ: Mapping[str, str]
    listener: threading.Thread | None = None
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _waiting: "dict[str, asyncio.Future[int]]" = field(default_factory=dict)
    _ready: "asyncio.Future[None] | None" = None
    _loop: "asyncio.AbstractEventLoop | None" = None

    async def invoke(self, port: int, token: str, on_output: OnOutput, on_span: OnSpan) -> int:
        """Have the module answer the call that ``token`` stands for; its exit code. ``on_span`` hears of its spans.

        Raises ModuleError if the module could not be imported.
        """
        await self._imported()
        number = str(next(self._numbers))
        ended = self._waiting[number] = asyncio.get_running_loop().create_future()
        asked = {"id": number, "port": str(port), "token": token, "schema": served.core().digest}
        message = {**asked, "traceparent": spans.asker().traceparent}
        (read, write), (hear, tell) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self.channel, [json.dumps(message).encode()], [write, tell])
        finally:
            os.close(write)
            os.close(tell)
        reading = asyncio.gather(_read(read, on_output), _read(hear, _Lines(on_span).add))
        try:
            code: int = await ended
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reading, _LAST_OUTPUT)
        return code

    def close(self) -> None:
        """End the process and everything it started."""
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self.channel)
        if self.child is None:
            self._take_leave()
        self.channel.close()
        if self.child:
            process.kill(self.child)
            self.child.wait()
            if self.listener:
                self.listener.join(_LAST_OUTPUT)
            for pipe in filter(None, (self.child.stdout, self.child.stderr)):
                pipe.close()

    def _take_leave(self) -> None:
        """Wait until what was begun for this engine has been ended, which the other side's end of file says."""
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)
            self.channel.settimeout(_LAST_OUTPUT)
            while self.channel.recv(runner.MESSAGE):
                pass

    async def _imported(self) -> None:
        """Wait for the import. Registration and call have an event loop each; the current one hears the channel."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.add_reader(self.channel, self._receive)
            if self._ready is None or not self._ready.done():
                self._ready = loop.create_future()
        if self._ready and not self._ready.done():
            await asyncio.shield(self._ready)

    def _receive(self) -> None:
        data = self.channel.recv(runner.MESSAGE)
        message: dict[str, Any] = json.loads(data) if data else {"error": "its process ended while it was imported"}
        if "id" in message:
            self._waiting.pop(message["id"]).set_result(message["code"])
        elif "error" not in message:
            self._set_ready()
        else:
            asyncio.get_running_loop().remove_reader(self.channel)
            self._fail(ModuleError(f"the module {self.source.name} cannot be imported\n{message['error'].rstrip()}"))

    def _set_ready(self) -> None:
        if self._ready and not self._ready.done():
            self._ready.set_result(None)

    def _fail(self, error: ModuleError) -> None:
        if self._ready and not self._ready.done():
            self._ready.set_exception(error)
        for ended in self._waiting.values():
            if not ended.done():
                ended.set_result(-9)
        self._waiting.clear()


def start(  # noqa: PLR0913 -- each is something else that a process begins with
    source: PythonModule,
    interpreter: Path,
    user: Caller,
    on_output: OnOutput,
    bytecode: Path | None = None,
    *,
    learns: bool = False,
) -> Runner:
    """Start the module's process; it imports while the engine gets ready. ``on_output`` hears what that prints.

    ``bytecode`` is where Python keeps what it compiled of the module, so that nothing is written into its source.
    ``learns`` is for many invocations: what one had to import, later ones find. Where a process has imported this
    very module already, it is that.
    """
    seen = environment(source, interpreter, user, os.environ)
    if found := warm.borrowed(source, interpreter, user):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, contextlib.suppress(OSError):
            socket.send_fds(found, [json.dumps({"environ": seen}).encode()], [theirs.fileno()])
            return Runner(source, None, ours, seen)
        ours.close()
    child, ours = _spawned(source, interpreter, user, bytecode, learns=learns)
    listener = threading.Thread(target=process.pump, args=(child, lambda _, data: on_output(data)), daemon=True)
    listener.start()
    return Runner(source, child, ours, seen, listener)


def start_warm(source: PythonModule, interpreter: Path, user: Caller, bytecode: Path) -> None:
    """Have the module imported for whatever this process forks (warm.borrowed). Nobody hears what the import prints."""
    child, ours = _spawned(source, interpreter, user, bytecode, learns=True)
    for pipe in filter(None, (child.stdout, child.stderr)):
        pipe.close()
    warm.hold(Warm(child, source.digest, interpreter, user.uid, ours))


def _spawned(
    source: PythonModule, interpreter: Path, user: Caller, bytecode: Path | None, *, learns: bool
) -> "tuple[subprocess.Popen[bytes], socket.socket]":
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    own = {"BASELARD_BYTECODE": str(bytecode or ""), **({"BASELARD_LEARNS": "1"} if learns else {})}
    with theirs:
        fd = theirs.fileno()
        child = process.spawn(
            [*user.argv(), interpreter, "-P", runner.__file__, str(fd)],
            cwd=source.source,
            env={**environment(source, interpreter, user, os.environ), **own},
            pass_fds=[fd],
        )
    return child, ours


def environment(source: PythonModule, interpreter: Path, user: Caller, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables a module sees: those of Dagger's Python runtime, and of the host only what the network needs."""
    lent = {name: environ[name] for name in _LENT if name in environ}
    for name in _PROXIES:
        if value := environ.get(name) or environ.get(name.upper()):
            lent[name] = value
    lent["no_proxy"] = ",".join(filter(None, [lent.get("no_proxy"), "127.0.0.1", "localhost"]))
    paths = [folder for folder in (source.source / "src", source.source) if folder.is_dir()]
    return {
        "LANG": "C.UTF-8",
        **lent,
        "PATH": f"{interpreter.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": user.home,
        "PYTHONPATH": ":".join(map(str, paths)),
        "PYTHONUNBUFFERED": "1",
        "DAGGER_MODULE": source.name,
        "DAGGER_MAIN_OBJECT": source.main_object,
        "DAGGER_DEFAULT_PYTHON_PACKAGE": source.package,
        "BASELARD_ENTRY_POINT": source.entry_point,
        "BASELARD_PACKAGES": packages.HOST,  # where it may ask for unpacked Debian packages
        "BASELARD_REGISTRIES": "session",  # the session's address answers reads of registries
    }


@dataclass
class _Lines:
    """The spans that a function's process tells of, a line each; a line without end is no span."""

    on_span: OnSpan
    rest: bytes = b""

    def add(self, data: bytes) -> None:
        *whole, self.rest = (self.rest + data).split(b"\n")
        self.rest = self.rest[-_LONGEST_SPAN:]
        for span in filter(None, map(spans.read, whole)):
            self.on_span(span)


async def _read(descriptor: int, on_output: OnOutput) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            while data := await reader.read(1 << 16):
                on_output(data)
        finally:
            transport.close()
