"""A file that is read while it grows: a blob that is being downloaded or copied."""

import io
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from baselard.engine.solver import cancel

_CHUNK = 1 << 20
_PATIENCE = 0.005  # seconds between two looks whether more has come


@dataclass(frozen=True)
class Arriving:
    """A file that grows at ``path`` until ``job`` ends well and tells where it is; that fails when it is not right."""

    path: Path
    job: "Future[Path]"


def whole(blob: Path | Arriving) -> Path:
    """Where the blob is when all of it is there. Raises what went wrong."""
    return blob if isinstance(blob, Path) else blob.job.result()


@contextmanager
def opened(blob: Path | Arriving) -> Iterator[IO[bytes]]:
    """The blob to be read; its end is seen, or raised what went wrong, when all of it has come."""
    if isinstance(blob, Path) or blob.job.done():
        with whole(blob).open("rb") as file:
            yield file
        return
    with _there(blob) as growing, io.BufferedReader(_Growing(growing, blob.job), _CHUNK) as reader:
        yield reader


def _there(blob: Arriving) -> io.FileIO:
    try:
        return blob.path.open("rb", buffering=0)
    except FileNotFoundError:  # it has just got its name
        return blob.job.result().open("rb", buffering=0)


class _Growing(io.RawIOBase):
    def __init__(self, file: io.FileIO, job: "Future[Path]") -> None:
        super().__init__()
        self._file = file
        self._job = job

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        while True:
            cancel.current().check()
            ended = self._job.done()
            if got := self._file.readinto(buffer):
                return got
            if ended:
                self._job.result()
                return 0
            wait([self._job], _PATIENCE)
