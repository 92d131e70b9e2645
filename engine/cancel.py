"""Cancellation of work that runs in threads: the evaluator sets it, whoever waits on a child process hears of it."""

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


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


_NEVER = Cancellation()
