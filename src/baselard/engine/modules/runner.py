"""Runs a module's functions: imports the SDK and the module once, then forks for every invocation.

A program of its own, run by the module's interpreter, which knows the SDK and the module but not the engine.
Usage: ``python runner.py FD``, where FD is a SOCK_SEQPACKET socket to the engine. After a first message from here,
``{}`` or ``{"error": traceback}``, each message from the engine is one invocation, ``{"id", "port", "token",
"schema", "traceparent"}`` with two file descriptors, for its output and for its spans; the answer ``{"id", "code"}``
comes when it has ended. ``schema`` names the API that the engine serves. A message ``{"environ"}`` with one descriptor
brings another engine's socket, and the variables that its invocations see. End of file ends what was begun by that
socket; that of the last one ends everything.

The SDK serves one call per process and takes long to import, hence the forks.
"""

import contextlib
import functools
import gc
import importlib
import importlib.machinery
import inspect
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dagger.mod import Module

MESSAGE = 1 << 16
LONGEST_TRACEBACK = 10_000
USED_BY_EVERY_CALL = ("Client", "FunctionCall", "FunctionCallArgValue")
LEARNS = bool(os.environ.get("BASELARD_LEARNS"))
CHECKS: dict[str, Callable[[], None]] = {}
CHECKED: list[str] = []
"""What makes the checks of the SDK's classes, by the class's name, and those that were made."""


def beside(name: str) -> Any:
    """The file of that name beside this one, in no directory that a stranger's module would import from."""
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    loader = importlib.machinery.SourceFileLoader(f"baselard_{name}", place)
    module = types.ModuleType(loader.name)
    loader.exec_module(module)
    return module


client, failures = beside("runner_client"), beside("runner_failures")


def main(descriptor: int) -> None:
    engine = socket.socket(fileno=descriptor)
    try:
        module = load()
    except BaseException as error:  # whatever the module raises, SystemExit included, is the module's mistake
        engine.send(json.dumps({"error": failures.own_traceback(error)[-LONGEST_TRACEBACK:]}).encode())
        return
    engine.send(b"{}")
    logging.getLogger("dagger.mod").addFilter(failures.only_own_frames)
    module.call = functools.partial(failures.call_and_name_the_failure, module.call)  # type: ignore[method-assign]
    serve(engine, module)


def load() -> "Module":
    """Import the SDK and the module. Raises what the module raises."""
    gc.disable()  # what is imported stays
    with checks_made_when_needed():
        from dagger.mod import cli
    client.share_converter()
    client.use_transport(beside("runner_transport").Transport)
    beside("runner_call").ask_once()
    sys.pycache_prefix = os.environ.pop("BASELARD_BYTECODE", "") or None  # from here on: what is below is the module's
    if declared := os.environ.get("BASELARD_ENTRY_POINT"):
        package, _, attribute = declared.partition(":")
        cls = getattr(importlib.import_module(package), attribute or cli.MAIN_OBJECT)
    else:
        found = beside("runner_entry")
        with found.nothing_installed(), found.nothing_of_python():
            entry = cli.get_entry_point()
        cls = entry.load()
    gc.enable()
    module: Module = cls.__dagger_module__
    client.convert_here(module)
    return module


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


def serve(engine: socket.socket, module: "Module") -> None:
    """Fork for every message until all engines have hung up, then leave nothing running."""
    running: dict[int, Invocation] = {}  # by process file descriptor
    with selectors.DefaultSelector() as selector:
        selector.register(engine, selectors.EVENT_READ, Requester(engine))
        while True:
            for ready, _ in selector.select():
                if ready.fd in running:
                    selector.unregister(ready.fd)
                    report(ready.fd, running.pop(ready.fd))
                    continue
                requester = ready.data
                data, descriptors, _, _ = socket.recv_fds(requester.channel, MESSAGE, 2)
                message = json.loads(data or b"{}")
                if "environ" in message:
                    other = Requester(socket.socket(fileno=descriptors[0]), message["environ"])
                    selector.register(other.channel, selectors.EVENT_READ, other)
                    other.channel.send(b"{}")
                elif message:
                    client.know_schema(message)
                    channels = [key.data.channel for key in selector.get_map().values() if key.data]
                    invocation = start(requester, message, descriptors, module, channels)
                    process = os.pidfd_open(invocation.process)
                    running[process] = invocation
                    selector.register(process, selectors.EVENT_READ)
                else:
                    selector.unregister(requester.channel)
                    hung_up(requester, running.values())
                    if len(selector.get_map()) == len(running):
                        os.killpg(0, signal.SIGKILL)


class Requester(NamedTuple):
    """An engine's socket, and the variables that its invocations see where they are not this process's."""

    channel: socket.socket
    environ: "dict[str, str] | None" = None


class Invocation(NamedTuple):
    """One that runs: its number for the engine that asked, its process, and what tells what it needed."""

    requester: Requester
    number: str
    process: int
    told: int


def hung_up(requester: Requester, running: Iterable[Invocation]) -> None:
    """End what an engine began that has gone."""
    for one in running:
        if one.requester is requester and requester.environ:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.process, signal.SIGKILL)
    requester.channel.close()


def report(process: int, ended: Invocation) -> None:
    os.close(process)
    _, status = os.waitpid(ended.process, 0)
    with contextlib.suppress(OSError):  # the engine has gone
        ended.requester.channel.send(
            json.dumps({"id": ended.number, "code": os.waitstatus_to_exitcode(status)}).encode()
        )
    with open(ended.told, "rb") as file:
        learn(file.read())


def start(
    requester: Requester,
    message: dict[str, str],
    descriptors: list[int],
    module: "Module",
    channels: Iterable[socket.socket],
) -> Invocation:
    """Fork; the child answers the one call its token is for and exits.

    Where it sees variables of its own, it is a process group of its own too. ``channels`` are all engines'.
    """
    output, spans = descriptors
    told, tell = os.pipe()
    if pid := os.fork():
        for descriptor in (output, spans, tell):
            os.close(descriptor)
        group(pid, requester)
        return Invocation(requester, message["id"], pid, told)
    code = 1
    known = frozenset(sys.modules)
    try:
        for channel in channels:
            channel.close()
        group(0, requester)
        if requester.environ:
            os.environ.clear()
            os.environ.update(requester.environ)
            time.tzset()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.set_inheritable(spans, False)
        tell_spans(spans, message["traceparent"])
        code = invoke(message, module)
        sys.stdout.flush()
        sys.stderr.flush()
        if LEARNS:
            os.write(tell, json.dumps({"modules": sorted({*sys.modules} - known), "checks": CHECKED}).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def group(process: int, requester: Requester) -> None:
    """Have the process in a group of its own, if it is to be; both forks do so, as either may be the first."""
    if requester.environ:
        with contextlib.suppress(OSError):
            os.setpgid(process, process)


def learn(told: bytes) -> None:
    """Have here what an invocation had to import and make, so that later ones find it: they will need the same.

    Only where many follow. What cannot be had here is left to them.
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

    client.use_schema(invocation)
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


if __name__ == "__main__":
    main(int(sys.argv[1]))
