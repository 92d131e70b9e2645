"""Doing several things at once, with the results in order and errors as they were raised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")


async def each(items: Iterable[A], work: Callable[[A], Coroutine[Any, Any, T]]) -> list[T]:
    """``together`` of ``work`` on each of the items."""
    return await together(map(work, items))


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines at once; the first error cancels the others and is raised itself, not in a group."""
    coroutines = list(work)
    if len(coroutines) == 1:
        return [await coroutines[0]]
    try:
        # anyio's groups take three times as long, and a query's fields go through here.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as errors:
        first = _first(errors)
        raise first from first.__cause__
    return [task.result() for task in tasks]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
