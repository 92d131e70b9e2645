"""Which files change, while somebody works on them: inotify by watchfiles."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from baselard.engine.errors import HostError

if TYPE_CHECKING:  # a while to import, for this alone
    from watchfiles import DefaultFilter
    from watchfiles.main import FileChange

_STEP, _LONGEST = 20, 1000
"""Milliseconds: changes are together when no more come for so long, or when they have come for so long."""


@dataclass
class Changes:
    """What has changed and was not taken yet."""

    paths: set[Path] = field(default_factory=set)
    _some: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: BaseException | None = None

    async def take(self) -> frozenset[Path]:
        """The files that changed since the last time, once there are some. Raises HostError where none can be seen."""
        await self._some.wait()
        if self._ended:
            raise HostError(
                f"changes of files cannot be seen: {self._ended}; if it is a limit, `sysctl -w "
                "fs.inotify.max_user_watches=524288` raises it, and WATCHFILES_FORCE_POLLING=true does without"
            ) from self._ended
        self._some.clear()
        taken, self.paths = frozenset(self.paths), set()
        return taken

    async def _gather(self, roots: Iterable[Path]) -> None:
        from watchfiles import awatch

        try:
            async for changes in awatch(*roots, watch_filter=_filter(), step=_STEP, debounce=_LONGEST):
                if lasting := _lasting(changes):
                    self.paths |= lasting
                    self._some.set()
        except (OSError, RuntimeError) as error:  # too many directories for fs.inotify.max_user_watches
            self._ended = error
            self._some.set()


@contextlib.asynccontextmanager
async def watched(roots: Iterable[Path]) -> AsyncIterator[Changes]:
    """The changes below these directories and of these files, from here to the end of the block.

    What editors leave beside a file while they write it, and what tools keep (.git, node_modules, caches), is none.
    """
    changes = Changes()
    task = asyncio.create_task(changes._gather(roots))
    await asyncio.sleep(0)  # up to where it waits: what changes from now on is seen
    try:
        yield changes
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _lasting(changes: "Iterable[FileChange]") -> set[Path]:
    """The files that changed, without those that came and went at once, as the ones that editors write first."""
    came = {path for change, path in changes if change.name == "added"}
    return {Path(path) for _, path in changes if path not in came or os.path.lexists(path)}


def _filter() -> "DefaultFilter":
    from watchfiles import DefaultFilter

    return DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, ".ruff_cache"))
