"""Doing several things at once, with the results in order and errors as they were raised."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

import anyio

T = TypeVar("T")
A = TypeVar("A")


async def each(items: Iterable[A], work: Callable[[A], Awaitable[T]]) -> list[T]:
    """`work` on all items at once; the first error cancels the rest and is raised itself, not in a group."""
    todo = list(items)
    done: dict[int, T] = {}

    async def one(index: int, item: A) -> None:
        done[index] = await work(item)

    try:
        async with anyio.create_task_group() as group:
            for index, item in enumerate(todo):
                group.start_soon(partial(one, index, item))
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    return [done[index] for index in range(len(todo))]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
