"""Manifests, tags and referrers of one repository, and its blobs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from baselard.oci import digests
from baselard.oci.errors import DistributionError, RefusedError
from baselard.oci.media_types import ACCEPT, LARGEST_MANIFEST, OCI_INDEX, OCI_MANIFEST
from baselard.oci.registry.blobs import Blobs
from baselard.oci.registry.connection import Connection, joined

_MOST_PAGES = 1000
_AT_A_TIME = 500
_LOOKS = 5


@dataclass(frozen=True)
class Answer:
    """A manifest or index as the registry gave it; ``digest`` is that of ``body``."""

    digest: str
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Repository:
    """One repository of a registry. What is not there is an answer (None, False, nothing); every other refusal is
    raised: RefusedError, UnreachedError, or DistributionError for what makes no sense."""

    connection: Connection
    name: str

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.connection, self.name)

    def manifest(self, target: str) -> Answer | None:
        """The manifest or index of a tag or digest, its bytes compared with its digest."""
        reply = self._manifest("GET", target)
        if reply.status_code == 404:
            return None
        if len(reply.content) > LARGEST_MANIFEST:
            raise DistributionError(f"{self._what(target)}: a manifest of {len(reply.content)} bytes is too large")
        said = target if ":" in target else reply.headers.get("docker-content-digest", "")
        found = digests.of_bytes(reply.content, said)
        if said and found != said:
            raise DistributionError(f"{self._what(target)}: the registry answered {said} with bytes of {found}")
        return Answer(found, _media_type(reply), reply.content)

    def resolve(self, target: str) -> str | None:
        """The digest that a tag or digest stands for."""
        reply = self._manifest("HEAD", target)
        if reply.status_code == 404:
            return None
        if said := reply.headers.get("docker-content-digest"):
            return str(said)
        answer = self.manifest(target)
        return answer.digest if answer else None

    def put_manifest(self, target: str, media_type: str, body: bytes) -> str:
        """Store a manifest whose parts are there already, under a tag or its digest; its digest."""
        return self._stored(self._put(target, media_type, body), target, body)

    def refer(self, manifest: Mapping[str, Any]) -> str:
        """Store an OCI manifest that has a ``subject``, so that ``referrers`` of that tells of it; its digest.

        A registry that keeps no such lists does not answer with OCI-Subject; then the list is an index under a tag
        that is called by the subject's digest (distribution spec, "Pushing Manifests with Subject").
        """
        body = json.dumps(manifest, separators=(",", ":")).encode()
        digest = digests.of_bytes(body)
        reply = self._put(digest, OCI_MANIFEST, body)
        self._stored(reply, digest, body)
        if "oci-subject" not in reply.headers:
            described = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(body)}
            described |= {key: manifest[key] for key in ("artifactType", "annotations") if key in manifest}
            self._enlist(str(manifest["subject"]["digest"]), described)
        return digest

    def _enlist(self, subject: str, described: Mapping[str, Any]) -> None:
        """Add to the list that a tag keeps. Two may do so at once, and the later one wins: each looks again."""
        for _ in range(_LOOKS):
            known = self._listed(subject)
            if any(one["digest"] == described["digest"] for one in known):
                return
            index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*known, described]}
            self.put_manifest(_fallback(subject), OCI_INDEX, json.dumps(index, separators=(",", ":")).encode())
        raise DistributionError(f"{self._what(_fallback(subject))}: others write this list all the time; try again")

    def _put(self, target: str, media_type: str, body: bytes) -> httpx.Response:
        return self.connection.request(
            "PUT",
            self._url("manifests", target),
            scope=self._scope("pull,push"),
            headers={"Content-Type": media_type},
            content=lambda: body,
        )

    def _stored(self, reply: httpx.Response, target: str, body: bytes) -> str:
        stored = reply.headers.get("docker-content-digest", "")
        meant = digests.of_bytes(body, stored)
        if stored and stored != meant:
            raise DistributionError(f"{self._what(target)}: the registry stored {stored}, not {meant}")
        return meant

    def delete(self, target: str) -> bool:
        """Remove a manifest (by digest) or a tag; False when it is not there, or this registry does not untag."""
        allowed = (404,) if ":" in target else (400, 404, 405)
        try:
            reply = self.connection.request(
                "DELETE", self._url("manifests", target), scope=self._scope("pull,delete"), allow=allowed
            )
        except RefusedError as error:
            if error.status != 405:
                raise
            message = "this registry does not delete; docker's needs REGISTRY_STORAGE_DELETE_ENABLED=true"
            raise RefusedError(f"{self._what(target)}: {message}", 405) from error
        return reply.is_success

    def tags(self) -> list[str]:
        """Every tag, sorted, over as many pages as there are."""
        return sorted({str(tag) for page in self._tag_pages() for tag in page.get("tags") or ()})

    def _tag_pages(self) -> Iterator[Mapping[str, Any]]:
        url: str | None = f"{self._url('tags', 'list')}?n={_AT_A_TIME}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            reply = self.connection.request("GET", url, scope=self._scope("pull"), allow=(404,))
            if reply.status_code == 404:
                return
            yield _json(reply)
            url = self._next(reply, url)

    def referrers(self, digest: str) -> list[Mapping[str, Any]]:
        """Descriptors of what refers to a manifest (signatures, SBOMs); for older registries from the fallback tag."""
        reply = self.connection.request(
            "GET", self._url("referrers", digest), scope=self._scope("pull"), allow=(400, 404, 405)
        )
        if not reply.is_success or not _is_json(reply):  # some answer with a page for people
            return self._listed(digest)
        return list(_json(reply).get("manifests") or [])

    def _listed(self, digest: str) -> list[Mapping[str, Any]]:
        reply = self._manifest("GET", _fallback(digest))
        return list(_json(reply).get("manifests") or []) if reply.is_success else []

    def blob(self, digest: str, limit: int = LARGEST_MANIFEST) -> bytes | None:
        """A small blob such as a config, compared with its digest."""
        with io.BytesIO() as buffer:
            try:
                self.blobs.get(digest, buffer, limit)
            except RefusedError as error:
                if error.status == 404:
                    return None
                raise
            return buffer.getvalue()

    def _manifest(self, method: str, target: str) -> httpx.Response:
        headers = {"Accept": ACCEPT}
        url = self._url("manifests", target)
        return self.connection.request(method, url, scope=self._scope("pull"), headers=headers, allow=(404,))

    def _scope(self, actions: str) -> str:
        return f"repository:{self.name}:{actions}"

    def _url(self, kind: str, target: str) -> str:
        return f"/v2/{self.name}/{kind}/{target}"

    def _what(self, target: str) -> str:
        return f"{self.connection.host}/{self.name}{'@' if ':' in target else ':'}{target}"

    def _next(self, reply: httpx.Response, url: str) -> str | None:
        link = reply.links.get("next", {}).get("url")
        return joined(self.connection.absolute(url), link) if link else None


def _media_type(reply: httpx.Response) -> str:
    """Without parameters, in lower case: its case means nothing (RFC 9110, 8.3.1)."""
    return str(reply.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _fallback(digest: str) -> str:
    """The tag under which a registry without the API of referrers keeps what refers to a manifest."""
    return digest.replace(":", "-")


def _is_json(reply: httpx.Response) -> bool:
    try:
        return isinstance(reply.json(), dict)
    except ValueError:
        return False


def _json(reply: httpx.Response) -> Mapping[str, Any]:
    if not _is_json(reply):
        raise DistributionError(f"{reply.url} was answered with something that is not a JSON object")
    found: Mapping[str, Any] = reply.json()
    return found
