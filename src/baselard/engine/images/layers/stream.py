"""A blob's bytes on their way: decompressed and digested in a thread of their own, read in another."""

import contextvars
import hashlib
import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

import zstandard
from isal import isal_zlib

from baselard.engine.errors import UserError
from baselard.engine.solver import cancel
from baselard.oci import digests

CHUNK = 1 << 20
_AHEAD = 4  # chunks
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LARGEST_WINDOW = 1 << 27  # bytes of memory a zstd frame may ask for; zstd's own limit without --long


def compression_of(head: bytes) -> str:
    """``gzip``, ``zstd`` or ``none``, told by the first four bytes of a file."""
    return "gzip" if head.startswith(_GZIP) else "zstd" if head == _ZSTD else "none"


def decompressed(file: IO[bytes]) -> Iterator[bytes]:
    """The content of ``file``, which is gzip, zstd or neither, told by its first bytes. Raises UserError if broken."""
    head = file.read(4)
    file.seek(-len(head), 1)
    compression = compression_of(head)
    try:
        if compression == "gzip":
            yield from _gunzip(file)
        elif compression == "zstd":
            reader = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).stream_reader(
                file, read_across_frames=True, closefd=False
            )
            yield from iter(lambda: reader.read(CHUNK), b"")
        else:
            yield from iter(lambda: file.read(CHUNK), b"")
    except (isal_zlib.error, zstandard.ZstdError) as error:  # type: ignore[misc]  # its stub says Exception, not type
        raise UserError(f"the compressed data is broken: {error}") from error


def _gunzip(file: IO[bytes]) -> Iterator[bytes]:
    """All members of a gzip file, in chunks of bounded size whatever the ratio."""
    member = isal_zlib.decompressobj(31)
    started = False
    data = file.read(CHUNK)
    while data:
        started = True
        out = member.decompress(data, CHUNK)
        if out:
            yield out
        if member.eof:
            data = member.unused_data or file.read(CHUNK)
            member, started = isal_zlib.decompressobj(31), False
        else:
            data = member.unconsumed_tail or file.read(CHUNK)
    if started:
        raise UserError("the compressed data is truncated")


class Stream:
    """Reads ``chunks`` ahead in a thread; ``digest`` is theirs once ``drain`` has come to the end.

    What is read or skipped is written to ``copy``, too. A context manager: leaving it stops the thread.
    """

    def __init__(self, chunks: Iterator[bytes], copy: IO[bytes] | None = None) -> None:
        self._chunks = chunks
        self._copy = copy
        self._queue: queue.Queue[bytes | BaseException] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._hash = hashlib.sha256()
        self._buffer = b""
        self._at = 0
        self._ended = False
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._fetch,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            self._discard()
            self._thread.join(0.01)

    @property
    def digest(self) -> str:
        """The digest of everything that was fetched."""
        return digests.of_hash(self._hash)

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end. Raises what fetching raised."""
        at, end = self._at, self._at + size
        if end <= len(self._buffer):
            self._at = end
            return self._buffer[at:end]
        parts = [self._buffer[at:]]
        missing = size - len(parts[0])
        while missing and self._next():
            self._at = min(missing, len(self._buffer))
            parts.append(self._buffer[: self._at])
            missing -= self._at
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Go past ``size`` bytes; past how many, fewer only at the end. Raises what fetching raised."""
        left = size
        while left > (here := len(self._buffer) - self._at):
            left -= here
            if not self._next():
                return size - left
        self._at += left
        return size

    def chunks(self) -> Iterator[bytes]:
        """The bytes that were not read yet, as they come."""
        if self._at < len(self._buffer):
            yield self._buffer[self._at :]
        while self._next():
            yield self._buffer

    def drain(self) -> None:
        """Go to the end."""
        for _ in self.chunks():
            pass

    def _next(self) -> bool:
        self._buffer, self._at = b"", 0
        if self._ended:
            return False
        item = self._failed or self._queue.get()
        if isinstance(item, BaseException):
            self._failed = item  # who goes on all the same hears it again
            raise item
        self._buffer, self._ended = item, not item
        if self._copy:
            self._copy.write(item)
        return not self._ended

    def _fetch(self) -> None:
        try:
            for chunk in self._chunks:
                cancel.current().check()
                if self._stopped.is_set():
                    return
                self._hash.update(chunk)
                self._queue.put(chunk)
            self._queue.put(b"")
        except BaseException as error:
            self._queue.put(error)

    def _discard(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
