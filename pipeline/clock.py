"""When things happened, relative to the start of a call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipeline import spans as telemetry
from pipeline.model import WAITING, Phase


@dataclass(frozen=True)
class Clock:
    """Started with the call; `spans` relate to that moment."""

    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    zero: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.zero

    @contextmanager
    def span(self, phase: str, spans: list[Phase]) -> Iterator[None]:
        """Append the phase to `spans` when it ends, however it ends; a tracer hears of it meanwhile."""
        start = self.now()
        try:
            waits = phase == WAITING
            with telemetry.task(telemetry.WAITED if waits else phase, waits=waits):
                yield
        finally:
            spans.append(Phase(phase, start, self.now()))
