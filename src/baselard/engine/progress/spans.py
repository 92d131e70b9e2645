"""Named work as spans: what OpenTelemetry's tracers tell of it, and which span asked for what the engine does."""

import contextlib
import contextvars
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

SUITE = "test.suite.name"
"""The attribute that names what a span and all below it are about (OpenTelemetry's semantic conventions)."""
FOLDED = "dagger.io/ui.encapsulate"
"""The attribute of a span whose name says more than the steps below it (Dagger's interface)."""
WAITS = "baselard.waits"
"""The attribute of a span in which nothing is done but waiting for the work of another."""
CACHED = "dagger.io/dag.cached"
"""The attribute of a step that ran nothing, since its result was in the store (Dagger's telemetry)."""
CALL = "baselard.call"
"""The attribute of a span that is one of several calls: what it is called, to tell what its work is for."""
HIDDEN = "dagger.io/ui.internal"
"""The attribute of a span that is nothing to a reader (Dagger's interface)."""
REPORT = "baselard.report"
"""The attribute in which a call tells what it found out, as JSON (`spans.tell` of the pipeline)."""

_IDENTITIES = re.compile(r"[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{16})?")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True)
class Asker:
    """The span that work is done for: the IDs of W3C Trace Context, in hexadecimal; empty where there is none."""

    trace: str = ""
    span: str = ""

    @property
    def traceparent(self) -> str:
        """The header that names it."""
        return f"00-{self.trace}-{self.span}-01"


@dataclass(frozen=True)
class Span:
    """A piece of named work. ``start`` and ``end`` are nanoseconds since 1970; ``end`` is 0 while it goes on."""

    id: str
    name: str
    parent: str = ""
    trace: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)
    start: int = 0
    end: int = 0
    failed: bool = False
    error: str = ""

    @property
    def asker(self) -> Asker:
        """This span, as who asks for work."""
        return Asker(self.trace, self.id)


OnSpan = Callable[[Span], None]

_NOBODY = Asker()
_asker: contextvars.ContextVar[Asker] = contextvars.ContextVar("asker", default=_NOBODY)


def asker() -> Asker:
    """The span that asked for what is done now."""
    return _asker.get()


def asked_by(traceparent: str) -> None:
    """Take what this task does from now on for asked by the span that a query's header names, if it names one."""
    if match := _TRACEPARENT.fullmatch(traceparent):
        _asker.set(Asker(match[1], match[2]))


@contextlib.contextmanager
def opened(name: str, tell: OnSpan, attributes: Mapping[str, object] = MappingProxyType({})) -> Iterator[Asker]:
    """A span of the engine's own around the block, below the one that asked for it."""
    above = asker()
    trace = above.trace or secrets.token_hex(16)
    span = Span(secrets.token_hex(8), name, above.span, trace, attributes, start=time.time_ns())
    tell(span)
    token = _asker.set(span.asker)
    error = ""
    try:
        yield span.asker
    except BaseException as raised:
        error = str(raised) or type(raised).__name__
        raise
    finally:
        _asker.reset(token)
        tell(replace(span, end=max(time.time_ns(), span.start), failed=bool(error), error=error))


def read(line: bytes) -> Span | None:
    """The span of a line that a module's process wrote (modules/runner.py); None for what is none."""
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        told = json.loads(line)
        span = Span(**told)
        numbers = type(span.start) is type(span.end) is int
        texts = isinstance(span.name, str) and isinstance(span.error, str)
        identities = _IDENTITIES.fullmatch(f"{span.trace}-{span.id}-{span.parent}")
        return span if numbers and texts and identities and isinstance(span.attributes, dict) else None
    return None
