"""Blobs of one repository: looked for, mounted, uploaded and downloaded, each going on where it was broken off."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import httpx

from baselard.oci import digests
from baselard.oci.digits import decimal
from baselard.oci.errors import DistributionError, RefusedError
from baselard.oci.registry.connection import Connection, joined

_CHUNK = 1 << 20


@dataclass
class _Upload:
    """How far one upload is: ``at`` bytes of ``size`` are known to be there."""

    path: Path
    size: int
    location: str
    at: int = 0
    broken: bool = False


@dataclass(frozen=True)
class Blobs:
    """The blobs of the repository ``name``. Every method may raise DistributionError."""

    connection: Connection
    name: str

    def has(self, digest: str) -> bool:
        """Whether the repository has the blob."""
        reply = self.connection.request("HEAD", self._url(digest), scope=self._scope("pull"), allow=(307, 404))
        return reply.status_code != 404

    def get(self, digest: str, file: IO[bytes], limit: int) -> None:
        """Download a blob of at most ``limit`` bytes and compare it with its digest; broken off, it goes on."""
        file.seek(0)
        file.truncate()
        seen = hashlib.new(digest.partition(":")[0])

        def sink(chunk: bytes) -> None:
            if file.tell() + len(chunk) > limit:
                raise DistributionError(f"{self._what(digest)}: more than the {limit} bytes it should have")
            seen.update(chunk)
            file.write(chunk)

        self.connection.again(lambda: self._rest(digest, file.tell(), sink), self._what(digest))
        received = f"{seen.name}:{seen.hexdigest()}"
        if received != digest:
            raise DistributionError(f"{self._what(digest)}: the registry sent other bytes, of {received}")

    def _rest(self, digest: str, at: int, sink: Callable[[bytes], None]) -> None:
        """Ask for what is missing; a registry that sends everything all the same has its beginning skipped."""
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={at}-"} if at else {})}
        with self.connection.stream(self._url(digest), scope=self._scope("pull"), headers=headers) as reply:
            skip = 0 if reply.status_code == httpx.codes.PARTIAL_CONTENT else at
            for chunk in _gathered(reply.iter_raw()):
                self.connection.look()
                sink(chunk[skip:])
                skip = max(0, skip - len(chunk))

    def mount_or_begin(self, digest: str, source: str = "") -> str | None:
        """Have the registry take the blob from its repository ``source``; the upload's URL when it will not."""
        query = f"?mount={quote(digest)}&from={quote(source, safe='')}" if source else ""
        # a mount needs to read the source, and whoever may not simply uploads
        scope = self._push + (f" repository:{source}:pull" if source else "")
        reply = self.connection.request(
            "POST", f"/v2/{self.name}/blobs/uploads/{query}", scope=scope, content=lambda: b""
        )
        return None if reply.status_code == 201 else self._location(reply)

    def push(self, path: Path, digest: str, location: str) -> None:
        """Upload the file at ``path``, whose digest is ``digest``; broken off, it goes on where the registry is."""
        upload = _Upload(path, path.stat().st_size, location)
        self.connection.again(lambda: self._send_rest(upload), self._what(digest))
        self._finish(upload.location, digest)

    def put(self, data: bytes) -> str:
        """Store a small blob that is at hand, unless it is there already; its digest."""
        digest = digests.of_bytes(data)
        if not self.has(digest) and (location := self.mount_or_begin(digest)):
            self._finish(location, digest, data)
        return digest

    def _finish(self, location: str, digest: str, data: bytes = b"") -> None:
        """End an upload, with what is still to be sent (distribution spec, "POST then PUT")."""
        self.connection.request(
            "PUT",
            str(httpx.URL(self.connection.absolute(location)).copy_merge_params({"digest": digest})),
            scope=self._push,
            headers={"Content-Type": "application/octet-stream"},
            content=lambda: data,
        )

    def _send_rest(self, upload: _Upload) -> None:
        if upload.broken:
            self._resume(upload)
        upload.broken = True
        if upload.at == upload.size:
            return
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(upload.size - upload.at)}
        if upload.at:
            headers["Content-Range"] = f"{upload.at}-{upload.size - 1}"
        reply = self.connection.once(
            "PATCH", upload.location, scope=self._push, headers=headers, content=lambda: _read(upload.path, upload.at)
        )
        upload.location, upload.at = self._location(reply), upload.size

    def _resume(self, upload: _Upload) -> None:
        """Ask how much has arrived (distribution spec, "Pushing a blob in chunks"); begin anew if that is gone."""
        reply = self.connection.once("GET", upload.location, scope=self._push, allow=(404,))
        if reply.status_code == 404:
            upload.location, upload.at = self.mount_or_begin("") or "", 0
            return
        arrived = reply.headers.get("range", "").rpartition("-")[2]
        last = decimal(arrived, sys.maxsize)
        upload.at = last + 1 if last else 0
        upload.location = self._location(reply)

    @property
    def _push(self) -> str:
        return self._scope("pull,push")

    def _scope(self, actions: str) -> str:
        return f"repository:{self.name}:{actions}"

    def _url(self, digest: str) -> str:
        return f"/v2/{self.name}/blobs/{digest}"

    def _what(self, digest: str) -> str:
        return f"{self.connection.host}/{self.name}@{digest}"

    def _location(self, reply: httpx.Response) -> str:
        location = reply.headers.get("location")
        if not location:
            raise RefusedError(f"{self.connection.host}/{self.name}: the registry did not say where to upload", 0)
        return joined(str(reply.url), location)


def _gathered(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces: digesting and writing each let go of Python's lock, and wait to have it again.

    What came before an error is given before it is raised.
    """
    kept: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            kept.append(chunk)
            size += len(chunk)
            if size >= _CHUNK:
                yield b"".join(kept)
                kept, size = [], 0
    except httpx.TransportError:
        yield b"".join(kept)
        raise
    yield b"".join(kept)


def _read(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        yield from iter(lambda: file.read(_CHUNK), b"")
