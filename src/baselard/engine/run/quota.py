"""Ends a container that takes more of the disk than it may: what it can write to is measured while it runs.

That needs nothing of the file system, whose own quotas want an option that hardly any has. What it cannot do: between
two looks a program writes as fast as the disk takes it, and a file that has no name any more is not seen. The size of
each single file is bounded by the kernel (RLIMIT_FSIZE, in containers/limits.py).
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.host import process
from baselard.engine.run.containers.runtime import OciContainer

_PAUSE = 0.5  # seconds between two looks
_SHARE = 10  # times as long as a look takes the pause after it is at least


@dataclass
class Watch:
    """Directories that may grow by ``most`` bytes together; ``container`` is who writes there, once it is known."""

    directories: Sequence[Path]
    most: int
    container: OciContainer | None = None
    _before: int = 0
    _over: bool = False
    _done: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise UserError if it has become too much."""
        if self.most and (self._over or self._look()):
            raise UserError(f"the command took {self.most} bytes of the disk, which is BASELARD_DISK; it was ended")

    def _look(self) -> bool:
        self._over = taken(self.directories) - self._before >= self.most
        return self._over

    def _until_done(self) -> None:
        pause = _PAUSE
        while not self._done.wait(pause):
            began = time.monotonic()
            if self._look() and self.container:
                self.container.signal(signal.SIGKILL)
            pause = max(_PAUSE, _SHARE * (time.monotonic() - began))


@contextlib.contextmanager
def watched(directories: Sequence[Path], most: int) -> Iterator[Watch]:
    """Measure the directories inside the block, where they may grow by ``most`` bytes; 0 for as much as there is."""
    watch = Watch(directories, most)
    if not most:
        yield watch
        return
    watch._before = taken(directories)
    thread = threading.Thread(target=watch._until_done, name="quota", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch._done.set()
        thread.join()


def taken(directories: Sequence[Path]) -> int:
    """The bytes of the disk that the directories take with all that is in them, by du(1)."""
    said = process.run_regardless(["du", "--summarize", "--total", "--block-size=1", "--", *directories]).stdout
    return int(said.splitlines()[-1].split()[0])
