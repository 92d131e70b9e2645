"""The OCI distribution API: manifests, blobs, tags and referrers of one repository."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from engine import digest
from engine.errors import UserError
from engine.images import manifest
from engine.images.manifest import Descriptor, Index
from engine.lazily import Lazily
from engine.registries.registry_http import Connection, RegistryError

if TYPE_CHECKING:
    import httpx
else:
    httpx = Lazily("httpx")

_CHUNK = 1 << 20
_ACCEPT = ", ".join((manifest.OCI_MANIFEST, manifest.OCI_INDEX, manifest.DOCKER_MANIFEST, manifest.DOCKER_INDEX, "*/*"))
_MOST_PAGES = 1000


@dataclass
class _Upload:
    """How far one upload is: ``at`` bytes of ``size`` are known to be there."""

    path: Path
    size: int
    location: str
    at: int = 0
    broken: bool = False


@dataclass(frozen=True)
class Repository:
    """One repository of a registry. Every method may raise RegistryError or HostError."""

    connection: Connection
    name: str

    # manifests

    def get_manifest(self, target: str) -> tuple[bytes, str]:
        """The manifest or index of a tag or digest with its media type; a digest is checked against the bytes."""
        reply = self._get("manifests", target)
        data = reply.content
        if len(data) > manifest.LARGEST:
            raise UserError(f"{self._what(target)}: a manifest of {len(data)} bytes is absurd")
        if ":" in target and digest.of_bytes(data) != target:
            raise UserError(f"{self._what(target)}: the registry sent other bytes, of {digest.of_bytes(data)}")
        return data, reply.headers.get("content-type", "").partition(";")[0]

    def manifest_digest(self, target: str) -> str | None:
        """The digest a tag or digest stands for; None when it is not there."""
        reply = self._get("manifests", target, method="HEAD", allow=(404,))
        if reply.status_code == 404:
            return None
        return reply.headers.get("docker-content-digest") or digest.of_bytes(self.get_manifest(target)[0])

    def put_manifest(self, target: str, data: bytes, media_type: str) -> None:
        """Store a manifest under a tag or its digest. Raises RegistryError if the registry took other bytes."""
        reply = self.connection.request(
            "PUT",
            self._url("manifests", target),
            scope=self._push,
            headers={"Content-Type": media_type},
            content=lambda: data,
        )
        stored = reply.headers.get("docker-content-digest")
        if stored and stored != digest.of_bytes(data):
            raise RegistryError(f"{self._what(target)}: the registry stored {stored}, not {digest.of_bytes(data)}")

    def delete_manifest(self, target: str) -> bool:
        """Delete a manifest by digest or, where the registry can, a tag alone; False if it was not there."""
        url = self._url("manifests", target)
        reply = self.connection.request("DELETE", url, scope=self._scope("pull,delete"), allow=(404, 405))
        if reply.status_code == 405:
            raise RegistryError(
                f"{self._what(target)}: this registry does not delete; docker's needs "
                "REGISTRY_STORAGE_DELETE_ENABLED=true",
                405,
            )
        return reply.status_code != 404

    def tags(self) -> list[str]:
        """Every tag, sorted."""
        url: str | None = self._url("tags", "list")
        found: set[str] = set()
        for _ in range(_MOST_PAGES):
            if url is None:
                break
            reply = self.connection.request("GET", url, scope=self._scope("pull"), allow=(404,))
            if reply.status_code == 404:
                return []
            found |= {str(tag) for tag in reply.json().get("tags") or ()}
            url = self._next(reply, url)
        return sorted(found)

    def referrers(self, target: str) -> tuple[Descriptor, ...]:
        """What refers to the manifest ``target`` (signatures, SBOMs); for older registries from the fallback tag."""
        url = self._url("referrers", target)
        reply = self.connection.request("GET", url, scope=self._scope("pull"), allow=(404, 405, 400))
        if not reply.is_success:
            fallback = target.replace(":", "-")
            reply = self._get("manifests", fallback, allow=(404,))
            if reply.status_code == 404:
                return ()
        found = manifest.parse(reply.content, reply.headers.get("content-type", "").partition(";")[0])
        return found.manifests if isinstance(found, Index) else ()

    # blobs

    def has_blob(self, name: str) -> bool:
        """Whether the repository has the blob."""
        return self._get("blobs", name, method="HEAD", allow=(404, 307)).status_code != 404

    def blob(self, name: str, limit: int = manifest.LARGEST) -> bytes:
        """A small blob, checked against its digest."""
        with io.BytesIO() as buffer:
            self._download(name, buffer, limit)
            return buffer.getvalue()

    def fetch_blob(self, name: str, path: Path, limit: int) -> None:
        """Download the blob of at most ``limit`` bytes to ``path``, checked against its digest."""
        with path.open("wb") as file:
            self._download(name, file, limit)

    def _download(self, name: str, file: IO[bytes], limit: int) -> None:
        """Whatever was written by a try that failed is overwritten by the next."""

        def once() -> str:
            file.seek(0)
            file.truncate()
            seen = hashlib.sha256()

            def sink(chunk: bytes) -> None:
                seen.update(chunk)
                file.write(chunk)
                if file.tell() > limit:
                    raise UserError(f"{self._what(name)}: more than the {limit} bytes it should have")

            self._get("blobs", name, method="HEAD", allow=(307, 404, 405))  # signs in where needed
            self.connection.stream(self._url("blobs", name), self._scope("pull"), sink)
            return "sha256:" + seen.hexdigest()

        found: str = self.connection.again(once, self._what(name))
        if found != name:
            raise UserError(f"{self._what(name)}: the registry sent other bytes, of {found}")

    def mount_or_begin(self, name: str, source: str = "") -> str | None:
        """Have the registry take the blob from its repository ``source``; the upload's URL when it will not."""
        query = f"?mount={quote(name)}&from={quote(source, safe='')}" if source else ""
        # a mount needs to read the source, and whoever may not simply uploads
        scope = self._push + (f" repository:{source}:pull" if source else "")
        reply = self.connection.request(
            "POST", self._url("blobs", "uploads/") + query, scope=scope, content=lambda: b""
        )
        return None if reply.status_code == 201 else self._location(reply)

    def push_blob(self, path: Path, name: str, location: str) -> None:
        """Upload the file at ``path``, whose digest is ``name``; broken off, it goes on where the registry is."""
        upload = _Upload(path, path.stat().st_size, location)
        self.connection.again(lambda: self._send_rest(upload), self._what(name))
        self.connection.request(
            "PUT",
            str(httpx.URL(self.connection.absolute(upload.location)).copy_merge_params({"digest": name})),
            scope=self._push,
            headers={"Content-Type": "application/octet-stream"},
            content=lambda: b"",
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
        upload.at = int(arrived) + 1 if arrived.isdecimal() and int(arrived) else 0
        upload.location = self._location(reply)

    # shared

    @property
    def _push(self) -> str:
        return self._scope("pull,push")

    def _scope(self, actions: str) -> str:
        return f"repository:{self.name}:{actions}"

    def _url(self, kind: str, target: str) -> str:
        return f"/v2/{self.name}/{kind}/{target}"

    def _what(self, target: str) -> str:
        return f"{self.connection.host}/{self.name}{'@' if ':' in target else ':'}{target}"

    def _get(self, kind: str, target: str, *, method: str = "GET", allow: tuple[int, ...] = ()) -> httpx.Response:
        url = self._url(kind, target)
        return self.connection.request(method, url, scope=self._scope("pull"), headers={"Accept": _ACCEPT}, allow=allow)

    def _location(self, reply: httpx.Response) -> str:
        location = reply.headers.get("location")
        if not location:
            raise RegistryError(f"{self._what('')}: the registry did not say where to upload")
        return str(httpx.URL(str(reply.url)).join(location))

    def _next(self, reply: httpx.Response, url: str) -> str | None:
        link = reply.links.get("next", {}).get("url")
        return str(httpx.URL(self.connection.absolute(url)).join(link)) if link else None


def _read(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        yield from iter(lambda: file.read(_CHUNK), b"")
