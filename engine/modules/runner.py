"""Runs a module's functions: imports the SDK and the module once, then forks for every invocation.

A program of its own, run by the module's interpreter, which knows the SDK and the module but not the engine.
Usage: ``python runner.py FD``, where FD is a SOCK_SEQPACKET socket to the engine. After a first message from here,
``{}`` or ``{"error": traceback}``, each message from the engine is one invocation, ``{"id", "port", "token"}`` with a
file descriptor for its output; the answer ``{"id", "code"}`` comes when it has ended. End of file ends everything.

The SDK serves one call per process and takes a second to import, hence the forks.
"""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from typing import Any

MESSAGE = 1 << 16
LONGEST_TRACEBACK = 10_000


def main(descriptor: int) -> None:
    engine = socket.socket(fileno=descriptor)
    try:
        module = load()
    except BaseException:  # whatever the module raises, SystemExit included, is the module's mistake
        engine.send(json.dumps({"error": own_traceback()[-LONGEST_TRACEBACK:]}).encode())
        return
    engine.send(b"{}")
    serve(engine, module)


def load() -> Any:
    """Import the SDK and the module. Raises what the module raises."""
    cli: Any = importlib.import_module("dagger.mod.cli")
    if declared := os.environ.get("BASELARD_ENTRY_POINT"):
        package, _, attribute = declared.partition(":")
        cls = getattr(importlib.import_module(package), attribute or cli.MAIN_OBJECT)
    else:
        cls = cli.get_entry_point().load()
    return cls.__dagger_module__


def serve(engine: socket.socket, module: Any) -> None:
    """Fork for every message until the engine hangs up, then leave nothing running."""
    running: dict[int, tuple[str, int]] = {}  # by process file descriptor: the invocation and its process
    shared = False
    with selectors.DefaultSelector() as selector:
        selector.register(engine, selectors.EVENT_READ)
        while True:
            for ready, _ in selector.select():
                if ready.fd in running:
                    selector.unregister(ready.fd)
                    report(engine, ready.fd, *running.pop(ready.fd))
                    continue
                data, descriptors, _, _ = socket.recv_fds(engine, MESSAGE, 1)
                if not data:
                    os.killpg(0, signal.SIGKILL)
                invocation = json.loads(data)
                shared = shared or share_schema(invocation)
                pid = start(engine, invocation, descriptors[0], module)
                process = os.pidfd_open(pid)
                running[process] = (invocation["id"], pid)
                selector.register(process, selectors.EVENT_READ)


def report(engine: socket.socket, process: int, invocation: str, pid: int) -> None:
    os.close(process)
    _, status = os.waitpid(pid, 0)
    engine.send(json.dumps({"id": invocation, "code": os.waitstatus_to_exitcode(status)}).encode())


def start(engine: socket.socket, invocation: dict[str, str], output: int, module: Any) -> int:
    """Fork; the child answers the one call its token is for and exits."""
    if pid := os.fork():
        os.close(output)
        return pid
    code = 1
    try:
        engine.close()
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = invoke(invocation, module)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def invoke(invocation: dict[str, str], module: Any) -> int:
    cli: Any = importlib.import_module("dagger.mod.cli")
    os.environ["DAGGER_SESSION_PORT"] = invocation["port"]
    os.environ["DAGGER_SESSION_TOKEN"] = invocation["token"]
    return int(cli.app(module) or 0)


def share_schema(invocation: dict[str, str]) -> bool:
    """Build the served schema here, so that no child has to: it is the same for all of them.

    The SDK asks for it whenever it connects and takes 0.2 s to build it.
    """
    client: Any = importlib.import_module("gql.client")
    session: Any = importlib.import_module("dagger.client._session")
    build = client.build_client_schema
    known: list[tuple[Any, Any]] = []

    def build_once(introspection: Any, *args: Any, **options: Any) -> Any:
        if not known or known[0][0] != introspection:
            known[:] = [(introspection, build(introspection, *args, **options))]
        return known[0][1]

    async def connect() -> None:
        address = session.ConnectParams(port=int(invocation["port"]), session_token=invocation["token"])
        async with session.SingleConnection(address):
            pass

    client.build_client_schema = build_once
    with contextlib.suppress(Exception):  # the invocation itself will say what is wrong
        asyncio.run(connect())
    gc.freeze()  # the forks share these pages as long as no collection writes to them
    return True


def own_traceback() -> str:
    """The exception being handled, without the frames above the module's own code."""
    kind, error, frames = sys.exc_info()
    skipped = (__file__, "importlib", "<frozen")
    while frames and any(mark in frames.tb_frame.f_code.co_filename for mark in skipped):
        frames = frames.tb_next
    return "".join(traceback.format_exception(kind, error, frames))


if __name__ == "__main__":
    main(int(sys.argv[1]))
