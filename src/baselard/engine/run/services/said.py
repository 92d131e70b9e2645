"""Output of a service: its end, for who is to be told of it, and what is shown as it comes. Neither grows for ever."""

from collections import deque
from dataclasses import dataclass, field

from baselard.engine.host.process import STDERR, STDOUT, OnOutput

_KEPT = 100 << 10  # bytes of each stream that an error can show


@dataclass
class Tail:
    """The end of one stream."""

    chunks: deque[bytes] = field(default_factory=deque)
    size: int = 0

    def add(self, data: bytes) -> None:
        self.chunks.append(data)
        self.size += len(data)
        while self.size - len(self.chunks[0]) > _KEPT:
            self.size -= len(self.chunks.popleft())

    @property
    def text(self) -> str:
        return b"".join(self.chunks)[-_KEPT:].decode(errors="replace")


def tails() -> dict[int, Tail]:
    """The ends of both streams of a program that has said nothing yet."""
    return {STDOUT: Tail(), STDERR: Tail()}


@dataclass
class Shown:
    """What of a service's output is shown: ``most`` bytes of it, all if that is 0. It goes on all the same."""

    show: OnOutput
    most: int
    size: int = 0

    def add(self, stream: int, data: bytes) -> None:
        before, self.size = self.size, self.size + len(data)
        if not self.most or self.size <= self.most:
            self.show(stream, data)
        elif before <= self.most:
            self.show(STDERR, f"\nit said more than {self.most} bytes (BASELARD_OUTPUT): no more is shown\n".encode())
