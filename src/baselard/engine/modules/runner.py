"""Runs a module's functions: imports the SDK and the module once, then forks for every invocation.

A program of its own, run by the module's interpreter, which knows the SDK and the module but not the engine.
Usage: ``python runner.py FD``, where FD is a SOCK_SEQPACKET socket to the engine. After a first message from here,
``{}`` or ``{"error": traceback}``, each message from the engine is one invocation, ``{"id", "port", "token",
"traceparent"}`` with two file descriptors, for its output and for its spans; the answer ``{"id", "code"}`` comes when
it has ended. End of file ends everything.

The SDK serves one call per process and takes long to import, hence the forks.
"""

import asyncio
import contextlib
import functools
import gc
import importlib
import inspect
import json
import logging
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagger.mod import Module

MESSAGE = 1 << 16
LONGEST_TRACEBACK = 10_000
USED_BY_EVERY_CALL = ("Client", "FunctionCall", "FunctionCallArgValue")
CHECKS: dict[str, Callable[[], None]] = {}
CHECKED: list[str] = []
"""What makes the checks of the SDK's classes, by the class's name, and those that were made."""


def main(descriptor: int) -> None:
    engine = socket.socket(fileno=descriptor)
    try:
        module = load()
    except BaseException as error:  # whatever the module raises, SystemExit included, is the module's mistake
        engine.send(json.dumps({"error": own_traceback(error)[-LONGEST_TRACEBACK:]}).encode())
        return
    engine.send(b"{}")
    logging.getLogger("dagger.mod").addFilter(only_own_frames)
    module.call = functools.partial(call_and_name_the_failure, module.call)  # type: ignore[method-assign]
    serve(engine, module)


def load() -> "Module":
    """Import the SDK and the module. Raises what the module raises."""
    gc.disable()  # what is imported stays
    with checks_made_when_needed():
        from dagger.mod import cli
    share_converter()
    sys.pycache_prefix = os.environ.pop("BASELARD_BYTECODE", "") or None  # from here on: what is below is the module's
    if declared := os.environ.get("BASELARD_ENTRY_POINT"):
        package, _, attribute = declared.partition(":")
        cls = getattr(importlib.import_module(package), attribute or cli.MAIN_OBJECT)
    else:
        with nothing_installed():
            entry = cli.get_entry_point()
        cls = entry.load()
    gc.enable()
    module: Module = cls.__dagger_module__
    return module


@contextlib.contextmanager
def nothing_installed() -> Iterator[None]:
    """Have the SDK find no entry point: those that are installed beside it are not the module's, which is not."""
    import importlib.metadata

    real = importlib.metadata.entry_points
    importlib.metadata.entry_points = lambda **_: ()  # type: ignore[assignment]
    try:
        yield
    finally:
        importlib.metadata.entry_points = real


@contextlib.contextmanager
def checks_made_when_needed() -> Iterator[None]:
    """Have beartype look at a class when one of its methods is first called rather than when it is defined.

    The classes of the SDK's client have a thousand methods with checked arguments, of which a function calls a few;
    making the checks of all takes half of the time to import it.
    """
    import beartype

    real = beartype.beartype
    beartype.beartype = functools.partial(checked_later, real)
    try:
        yield
    finally:
        beartype.beartype = real


def checked_later(real: Callable[..., Any], subject: Any = None, **options: Any) -> Any:
    """Stands in for the decorator ``real``: a class gets its checks at the first call of one of its methods."""
    if subject is None:
        return functools.partial(checked_later, real, **options)
    if not inspect.isclass(subject) or subject.__name__ in USED_BY_EVERY_CALL:
        return real(subject, **options)
    methods = {name: method for name, method in vars(subject).items() if inspect.isfunction(method)}

    @functools.cache
    def check() -> None:
        CHECKED.append(subject.__name__)
        for name, method in methods.items():
            setattr(subject, name, method)
        real(subject, **options)

    CHECKS[subject.__name__] = check
    for name, method in methods.items():
        setattr(subject, name, _after(check, subject, name, method))
    return subject


def _after(check: Callable[[], None], owner: type, name: str, method: Any) -> Any:
    """Stands in for ``method`` until the checks are made."""

    @functools.wraps(method)
    def call(*args: Any, **given: Any) -> Any:
        check()
        return vars(owner)[name](*args, **given)

    return call


def share_converter() -> None:
    """Have all the SDK's contexts use one converter of values.

    Every call in a chain makes a context, and each would make a converter of its own, which costs more than the call.
    Only what becomes an object of the API needs the one that knows its context.
    """
    from dagger.client import _core as core

    real = core.make_converter
    shared = real(None)  # type: ignore[arg-type]

    class Converter:
        unstructure = staticmethod(shared.unstructure)

        def __init__(self, context: Any) -> None:
            self.context = context

        def structure(self, value: Any, kind: Any) -> Any:
            return (shared if kind in (str, int, float, bool) else real(self.context)).structure(value, kind)

    core.make_converter = Converter  # type: ignore[assignment]


def serve(engine: socket.socket, module: "Module") -> None:
    """Fork for every message until the engine hangs up, then leave nothing running."""
    running: dict[int, tuple[str, int, int]] = {}  # by process file descriptor: the invocation, process, what it tells
    shared = False
    with selectors.DefaultSelector() as selector:
        selector.register(engine, selectors.EVENT_READ)
        while True:
            for ready, _ in selector.select():
                if ready.fd in running:
                    selector.unregister(ready.fd)
                    report(engine, ready.fd, *running.pop(ready.fd))
                    continue
                data, descriptors, _, _ = socket.recv_fds(engine, MESSAGE, 2)
                if not data:
                    os.killpg(0, signal.SIGKILL)
                invocation = json.loads(data)
                shared = shared or share_schema(invocation)
                pid, told = start(engine, invocation, descriptors, module)
                process = os.pidfd_open(pid)
                running[process] = (invocation["id"], pid, told)
                selector.register(process, selectors.EVENT_READ)


def report(engine: socket.socket, process: int, invocation: str, pid: int, told: int) -> None:
    os.close(process)
    _, status = os.waitpid(pid, 0)
    engine.send(json.dumps({"id": invocation, "code": os.waitstatus_to_exitcode(status)}).encode())
    with open(told, "rb") as file:
        learn(file.read())


def start(
    engine: socket.socket, invocation: dict[str, str], descriptors: list[int], module: "Module"
) -> tuple[int, int]:
    """Fork; the child answers the one call its token is for and exits. Its process, and what tells what it needed."""
    output, spans = descriptors
    told, tell = os.pipe()
    if pid := os.fork():
        for descriptor in (output, spans, tell):
            os.close(descriptor)
        return pid, told
    code = 1
    known = frozenset(sys.modules)
    try:
        engine.close()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.set_inheritable(spans, False)
        tell_spans(spans, invocation["traceparent"])
        code = invoke(invocation, module)
        sys.stdout.flush()
        sys.stderr.flush()
        if os.environ.get("BASELARD_LEARNS"):
            os.write(tell, json.dumps({"modules": sorted({*sys.modules} - known), "checks": CHECKED}).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def learn(told: bytes) -> None:
    """Have here what an invocation had to import and make, so that later ones find it: they will need the same.

    Only where many follow (``baselard watch``). What cannot be had here is left to them.
    """
    needed = json.loads(told or b"{}")
    for name in needed.get("modules", ()):
        with contextlib.suppress(BaseException):
            importlib.import_module(name)
    for name in needed.get("checks", ()):
        CHECKS[name]()
    if needed:
        gc.freeze()


def invoke(invocation: dict[str, str], module: "Module") -> int:
    from dagger.mod import cli

    os.environ["DAGGER_SESSION_PORT"] = invocation["port"]
    os.environ["DAGGER_SESSION_TOKEN"] = invocation["token"]
    return int(cli.app(module) or 0)


def tell_spans(descriptor: int, traceparent: str) -> None:
    """Write a JSON line whenever a span starts or ends, and hang all spans below the one that made the call.

    Not by OTLP: its exporter takes longer to import than a small function to run.
    """
    sdk: Any = importlib.import_module("opentelemetry.sdk.trace")
    resources: Any = importlib.import_module("opentelemetry.sdk.resources")
    trace: Any = importlib.import_module("opentelemetry.trace")

    class Telling(sdk.SpanProcessor):  # type: ignore[misc]  # the SDK is not typed for who imports it by name
        def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ARG002 -- the SDK's signature
            tell(span)

        def on_end(self, span: Any) -> None:
            tell(span)

    def tell(span: Any) -> None:
        with contextlib.suppress(OSError):  # who reads them may be gone
            os.write(descriptor, span_line(span))

    provider = sdk.TracerProvider(resource=resources.Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(Telling())
    trace.set_tracer_provider(provider)
    context: Any = importlib.import_module("opentelemetry.context")
    propagate: Any = importlib.import_module("opentelemetry.propagate")
    context.attach(propagate.extract({"traceparent": traceparent}))


def span_line(span: Any) -> bytes:
    """A span as the engine reads it (baselard.engine.progress.spans)."""
    told = {
        "trace": f"{span.context.trace_id:032x}",
        "id": f"{span.context.span_id:016x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent else "",
        "name": span.name,
        "attributes": {**(span.attributes or {})},
        "start": span.start_time,
        "end": span.end_time or 0,
        "failed": span.status.status_code.name == "ERROR",
        "error": span.status.description or "",
    }
    return json.dumps(told, default=str).encode() + b"\n"


def share_schema(invocation: dict[str, str]) -> bool:
    """Build the served schema here, so that no child has to: it is the same for all of them.

    The SDK asks for it whenever it connects and takes 0.2 s to build it. It also reads all certificates of the
    machine, for a connection that never leaves it.
    """
    from dagger.client import _session as session
    from gql import client

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
    transport = functools.partial(session.TelemetryTransport, verify=False)
    session.TelemetryTransport = transport  # type: ignore[assignment,misc]
    with contextlib.suppress(Exception):  # the invocation itself will say what is wrong
        asyncio.run(connect())
    gc.freeze()  # the forks share these pages as long as no collection writes to them
    return True


async def call_and_name_the_failure(call: Callable[..., Any], *args: Any, **given: Any) -> Any:
    """The SDK's ``Module.call``, but what the API refused stays that where a task group has wrapped it.

    The SDK sends only a group's own words, which name neither the command that failed nor its exit code.
    """
    from dagger.mod import _exceptions as exceptions

    try:
        return await call(*args, **given)
    except exceptions.FunctionError as error:
        cause = error.__cause__
        by_the_sdk = isinstance(cause, BaseExceptionGroup) and str(cause) == str(error)
        if by_the_sdk and cause and (refused := _refused(cause)):
            raise refused from None
        raise


def _refused(error: BaseException) -> BaseException | None:
    """The first error of the API among what a group holds, or None."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_refused, error.exceptions)), None)
    import dagger

    return error if isinstance(error, dagger.QueryError) else None


def only_own_frames(record: logging.LogRecord) -> bool:
    """Have the SDK's report of a failed function show the module's frames alone."""
    if record.exc_info and record.exc_info[1]:
        record.exc_text = own_traceback(record.exc_info[1], otherwise_all=True).rstrip("\n")
    return True


def own_traceback(error: BaseException, *, otherwise_all: bool = False) -> str:
    """The exception as Python tells it, without the frames that are not of the module's own code.

    With ``otherwise_all``, one that passed through none of the module's code keeps its frames.
    """
    story = traceback.TracebackException.from_exception(error)
    if _trim(story) or not otherwise_all:
        return "".join(story.format())
    return "".join(traceback.format_exception(error))


def _trim(story: traceback.TracebackException) -> bool:
    """Leave only the module's own frames, and no cause or context that has none; whether there are any."""
    story.stack = traceback.StackSummary.from_list([frame for frame in story.stack if _is_own(frame.filename)])
    for name in ("__cause__", "__context__"):
        before = getattr(story, name)
        if before and not _trim(before):
            setattr(story, name, None)
    return bool([_trim(one) for one in story.exceptions or ()]) or bool(story.stack)


def _is_own(path: str) -> bool:
    here = os.getcwd() + "/"
    return path.startswith(here) and "/site-packages/" not in path.removeprefix(here)


if __name__ == "__main__":
    main(int(sys.argv[1]))
