"""Works that take less time than a thread and a transaction for each would: done in one go, in one transaction."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 64
"""Works in one go: the event loop, and whoever else wants to write, wait for so many."""


@dataclass(frozen=True)
class _Waiting:
    work: Callable[[], Any]
    future: "asyncio.Future[Any]"


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
        waiting = _Waiting(work, loop.create_future())
        self._waiting.append(waiting)
        result: T = await waiting.future
        return result

    def _go(self) -> None:
        now = [one for one in self._waiting[:_MOST] if not one.future.done()]  # others were called off
        del self._waiting[:_MOST]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go)
        try:
            with self.whole():
                settled = [self._settled(one) for one in now]
        except Exception as error:
            for one in now:
                one.future.set_exception(error)
            return
        for settle in settled:
            settle()

    def _settled(self, one: _Waiting) -> Callable[[], None]:
        """Do one work; what tells its outcome when all has come true."""
        try:
            with self.part():
                result = one.work()
        except Exception as error:
            failure = error
            return lambda: one.future.set_exception(failure)
        return lambda: one.future.set_result(result)
