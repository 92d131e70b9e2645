"""Answers of an engine, kept so that builds which start from the same objects ask it once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

Answer = TypeVar("Answer")


class Asked:
    """Answers by question and by the object that they are about, for as long as one client is connected."""

    def __init__(self) -> None:
        # The object too, since nothing else may come to have its id() while this remembers it.
        self._answers: dict[tuple[str, int], tuple[object, object]] = {}
        self._locks: defaultdict[tuple[str, int], anyio.Lock] = defaultdict(anyio.Lock)

    async def once(self, question: str, about: object, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of `ask`, now or when it was first wanted. Raises what it raises, and forgets that."""
        key = (question, id(about))
        async with self._locks[key]:
            if key not in self._answers:
                self._answers[key] = (about, await ask())
            answer: Answer = self._answers[key][1]  # type: ignore[assignment]  # a question has answers of one type
            return answer
