"""Blobs on their way from one repository, a few at a time; each can be waited for on its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from baselard.oci.errors import DistributionError
from baselard.oci.registry.repository import Repository

AT_ONCE = 4


@dataclass
class Downloads:
    """Fetches into the directory ``place``. A context manager: leaving it by an error ends all that is under way.

    A file is named after its digest once all of it is there and was found right; what is there already stays.
    """

    repository: Repository
    place: Path
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "pull"))
    _jobs: dict[str, Future[Path]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self.repository.connection.abort()
        self._pool.shutdown()

    def add(self, digest: str, size: int) -> Callable[[], Path]:
        """Begin with a blob of ``size`` bytes; calling what comes back waits for it and raises what went wrong."""
        if digest not in self._jobs:
            self._jobs[digest] = self._pool.submit(copy_context().run, self._fetch, digest, size)
        return self._jobs[digest].result

    def _fetch(self, digest: str, size: int) -> Path:
        path = self.place / digest.replace(":", "-")
        if path.exists():
            return path
        part = path.with_suffix(".part")
        with part.open("w+b") as file:
            self.repository.blobs.get(digest, file, size)
            if file.tell() != size:
                name = f"{self.repository.connection.host}/{self.repository.name}@{digest}"
                raise DistributionError(f"{name}: {file.tell()} bytes, but its manifest says {size}")
        return part.rename(path)
