"""Questions about one directory that come at once, asked in one query: a query costs more than what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagger

from baselard.dockerfile.dagger.query import select

if TYPE_CHECKING:
    from dagger.client._core import Field

_MOST = 100  # in one query
Asked = tuple["Field", "asyncio.Future[Any]"]


@dataclass(frozen=True)
class AtOnce:
    """The questions about a directory; one is asked when all who are about to ask have done so."""

    source: dagger.Directory
    _waiting: list[Asked] = field(default_factory=list)
    _asking: set[asyncio.Task[None]] = field(default_factory=set)

    async def ask(self, question: Field) -> Any:
        """The answer of a field of the directory. Raises dagger.QueryError, whatever others asked."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if len(self._waiting) == 1:
            task = asyncio.ensure_future(self._go())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return await answer

    async def _go(self) -> None:
        waiting = [*self._waiting]
        self._waiting.clear()
        groups = (waiting[start : start + _MOST] for start in range(0, len(waiting), _MOST))
        await asyncio.gather(*map(self._answered, groups))

    async def _answered(self, asked: Sequence[Asked]) -> None:
        """Answer all; where one of several has no answer, each is asked by itself."""
        try:
            answers = await select(self.source, {f"at{number}": question for number, (question, _) in enumerate(asked)})
        except dagger.QueryError as error:
            if len(asked) > 1:
                await asyncio.gather(*(self._answered([one]) for one in asked))
            else:
                _settle(asked[0][1], error=error)
        except BaseException as error:
            for _, answer in asked:
                _settle(answer, error=error)
            raise
        else:
            for number, (_, answer) in enumerate(asked):
                _settle(answer, answers[f"at{number}"])


def _settle(answer: asyncio.Future[Any], value: Any = None, error: BaseException | None = None) -> None:
    if answer.done():  # who asked has been called off
        return
    if error:
        answer.set_exception(error)
    else:
        answer.set_result(value)
