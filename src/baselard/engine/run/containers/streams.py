"""Streams of a container: scrubbed of secrets, shown as it comes, kept in the store and never whole in memory."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from baselard.engine.errors import UserError
from baselard.engine.host.process import STDERR, STDOUT, OnOutput
from baselard.engine.store.database import Store
from baselard.oci import digests

MASK = b"***"
_IN_MEMORY = 1 << 20
_CHUNK = 1 << 20
LONGEST_IN_ERROR = 100 << 10
"""Bytes of a failed command's stream that its error carries."""


@dataclass
class Scrubber:
    """Replaces secrets in one stream by ``***``, also where a secret is cut in two by a chunk's end."""

    secrets: tuple[bytes, ...]
    _held: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown so far; the beginning of a possible secret is held back."""
        if not self.secrets:
            return data
        data = self._held + data
        for secret in self.secrets:
            data = data.replace(secret, MASK)
        keep = max(_possible_beginning(data, secret) for secret in self.secrets)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def rest(self) -> bytes:
        """What was held back, at the stream's end."""
        held, self._held = self._held, b""
        return held


def scrubbable(secrets: Iterable[bytes]) -> tuple[bytes, ...]:
    """The texts to hide, longest first: each secret, and each without the white space around it."""
    texts = {text for secret in secrets for text in (secret, secret.strip()) if text.strip()}
    return tuple(sorted(texts, key=len, reverse=True))


def _possible_beginning(data: bytes, secret: bytes) -> int:
    """The length of the longest end of ``data`` that a secret begins with."""
    for size in range(min(len(secret) - 1, len(data)), 0, -1):
        if data.endswith(secret[:size]):
            return size
    return 0


@dataclass
class Capture:
    """Collects both streams of one container, and them combined, in the order they were written.

    More than ``most`` bytes in all are too much, if that is not 0.
    """

    store: Store
    show: OnOutput
    secrets: tuple[bytes, ...] = ()
    most: int = 0
    _taken: int = 0
    _files: dict[str, IO[bytes]] = field(default_factory=dict)
    _scrubbers: dict[int, Scrubber] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Capture":
        directory = str(self.store.work)
        for name in ("stdout", "stderr", "combined"):
            file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=directory)
            self._files[name] = self._stack.enter_context(file)
        self._scrubbers = {stream: Scrubber(self.secrets) for stream in (STDOUT, STDERR)}
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def feed(self, stream: int, data: bytes) -> None:
        """Take the next bytes of a stream. Raises UserError when there are too many."""
        self._taken += len(data)
        if 0 < self.most < self._taken:
            raise UserError(f"the command wrote more than {self.most} bytes, which is BASELARD_OUTPUT; it was ended")
        self._take(stream, self._scrubbers[stream].feed(data))

    def finish(self) -> dict[str, str]:
        """The digests of ``stdout``, ``stderr`` and ``combined``, stored whole."""
        for stream, scrubber in self._scrubbers.items():
            self._take(stream, scrubber.rest())
        return {name: _keep(self.store, file) for name, file in self._files.items()}

    def _take(self, stream: int, data: bytes) -> None:
        if not data:
            return
        self._files["stdout" if stream == STDOUT else "stderr"].write(data)
        self._files["combined"].write(data)
        self.show(stream, data)


def _keep(store: Store, file: IO[bytes]) -> str:
    """Store the file's content, unless the store has it: most streams are empty."""
    name = digests.of_bytes(b"")
    if file.tell():
        file.seek(0)
        name = _digest(file)
    return name if store.has_blob(name) else store.put_blob(_chunks(file))


def _digest(file: IO[bytes]) -> str:
    hasher = hashlib.sha256()
    for chunk in _chunks(file):
        hasher.update(chunk)
    return digests.of_hash(hasher)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def tail(path: Path, limit: int = LONGEST_IN_ERROR) -> str:
    """A stream as an error carries it: of a long one its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - limit))
        return shortened(file.read(), size, limit)


def shortened(end: bytes, size: int, limit: int = LONGEST_IN_ERROR) -> str:
    """The text of the last bytes of ``size``; where these are more than ``limit`` it begins with a note of that.

    The note lies over the beginning of what is kept and counts what lies before that (Dagger's ReadSnapshotPath).
    """
    note = f"[omitting {size - limit} bytes]..."
    return end.decode(errors="replace") if size <= limit else note + end[-limit + len(note) :].decode(errors="replace")
