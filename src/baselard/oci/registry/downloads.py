"""Blobs on their way from one repository, a few at a time; each can be waited for on its own."""

from __future__ import annotations

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

    def add(self, digest: str, size: int) -> Future[Path]:
        """Begin with a blob of ``size`` bytes; the result is its path. ``part`` is where it grows meanwhile."""
        if digest not in self._jobs:
            if not self._path(digest).exists():
                self.part(digest).touch()
            self._jobs[digest] = self._pool.submit(copy_context().run, self._fetch, digest, size)
        return self._jobs[digest]

    def part(self, digest: str) -> Path:
        """Where a blob's bytes are while they come."""
        return self._path(digest).with_suffix(".part")

    def _path(self, digest: str) -> Path:
        return self.place / digest.replace(":", "-")

    def _fetch(self, digest: str, size: int) -> Path:
        path, part = self._path(digest), self.part(digest)
        if path.exists():
            return path
        with part.open("w+b") as file:
            self.repository.blobs.get(digest, file, size)
            if file.tell() != size:
                name = f"{self.repository.connection.host}/{self.repository.name}@{digest}"
                raise DistributionError(f"{name}: {file.tell()} bytes, but its manifest says {size}")
        return part.rename(path)
