"""Cancellation of work that runs in threads: the evaluator sets it, whoever waits on a child process hears of it."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


class Cancelled(BaseException):
    """The work was called off; not an error anybody needs to read about."""


@dataclass
class Cancellation:
    """One piece of work's off switch; safe from any thread."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _callbacks: list[Callable[[], None]] = field(default_factory=list)
    _cancelled: bool = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Call the work off; every registered callback runs once, in this thread."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise Cancelled if the work was called off."""
        if self._cancelled:
            raise Cancelled

    @contextlib.contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have ``callback`` run if cancellation comes inside this block (at once if it came before)."""
        with self._lock:
            late = self._cancelled
            if not late:
                self._callbacks.append(callback)
        if late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)


_current: contextvars.ContextVar[Cancellation] = contextvars.ContextVar("cancellation")


def current() -> Cancellation:
    """The cancellation of the work this thread does; one that never comes when there is none."""
    return _current.get(_NEVER)


def enter(cancellation: Cancellation) -> None:
    """Make ``cancellation`` the current one of this context."""
    _current.set(cancellation)


async def in_thread(executor: Executor, work: Callable[..., T], *arguments: object) -> T:
    """Run ``work`` in a thread. When cancelled, call the thread's work off and wait until it has stopped."""
    cancellation = Cancellation()
    context = contextvars.copy_context()
    context.run(enter, cancellation)
    future = asyncio.get_running_loop().run_in_executor(executor, context.run, work, *arguments)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancellation.cancel()
        await asyncio.wait([future])
        if not future.cancelled():
            future.exception()
        raise


_NEVER = Cancellation()
