"""Works that take less time than a thread and a transaction for each would: done in one go, in one transaction."""

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from baselard.engine.solver import cancel

T = TypeVar("T")
_MOST = 64
"""Works in one go: the event loop, and whoever else wants to write, wait for so many."""


@dataclass(frozen=True)
class _Waiting:
    work: Callable[[], Any]
    future: "asyncio.Future[Any]"
    context: contextvars.Context


@dataclass(frozen=True)
class Batch:
    """Works of an event loop that wait for the next go.

    ``whole`` makes all of a go come true at once or not at all; ``part``, inside it, the same of one work alone.
    """

    whole: Callable[[], AbstractContextManager[object]]
    part: Callable[[], AbstractContextManager[object]]
    _waiting: list[_Waiting] = field(default_factory=list)

    async def do(self, work: Callable[[], T]) -> T:
        """The value of ``work``, which blocks nobody for long, once it has come true. Raises what it raises."""
        loop = asyncio.get_running_loop()
        if not self._waiting or self._waiting[0].future.done():  # an earlier loop may have ended before its go
            loop.call_soon(self._go)
        context = contextvars.copy_context()  # spans tell by it who asked
        context.run(cancel.enter, cancel.Cancellation())
        waiting = _Waiting(work, loop.create_future(), context)
        self._waiting.append(waiting)
        result: T = await waiting.future
        return result

    def _go(self) -> None:
        now = [waiting for waiting in self._waiting[:_MOST] if not waiting.future.done()]  # others were called off
        del self._waiting[:_MOST]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go)
        try:
            with self.whole():
                settled = [self._settled(waiting) for waiting in now]
        except Exception as error:
            for waiting in now:
                waiting.future.set_exception(error)
            return
        for settle in settled:
            settle()

    def _settled(self, waiting: _Waiting) -> Callable[[], None]:
        """Do one work; what tells its outcome when all has come true."""
        try:
            with self.part():
                result = waiting.context.run(waiting.work)
        except Exception as error:
            failure = error
            return lambda: waiting.future.set_exception(failure)
        return lambda: waiting.future.set_result(result)
