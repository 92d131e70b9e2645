"""A small client of the OCI distribution API for one repository."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import httpx

from pipeline.errors import BaselardError
from pipeline.references import Reference

ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
_ATTEMPTS = 5
_LONGEST_WAIT = 60.0
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Credentials:
    """A user name and a password or token; empty for anonymous access."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Answer:
    """A manifest as the registry gave it."""

    digest: str
    media_type: str
    body: bytes


class Repository:
    """One repository of a registry. 404 is an answer (None), every other refusal a BaselardError that names it."""

    def __init__(self, http: httpx.AsyncClient, reference: Reference, credentials: Credentials) -> None:
        self._http = http
        self._path = reference.path
        self._name = reference.repository
        self._credentials = credentials
        self._headers: dict[str, str] = {}

    async def tags(self) -> list[str]:
        """All tags, over as many pages as there are; none when the repository does not exist."""
        found: list[str] = []
        url: str | None = f"/v2/{self._path}/tags/list?n=500"
        while url:
            answer = await self._ask("GET", url)
            if answer is None:
                break
            found += answer.json().get("tags") or []
            url = answer.links.get("next", {}).get("url")
        return found

    async def manifest(self, reference: str) -> Answer | None:
        """The manifest of a tag or digest."""
        answer = await self._ask("GET", f"/v2/{self._path}/manifests/{reference}", {"Accept": ACCEPT})
        if answer is None:
            return None
        digest = answer.headers.get("Docker-Content-Digest") or reference
        return Answer(digest, answer.headers.get("Content-Type", ""), answer.content)

    async def put_manifest(self, reference: str, media_type: str, body: bytes) -> str:
        """Store a manifest whose parts are there already, under a tag or its digest; its digest."""
        headers = {"Content-Type": media_type}
        answer = await self._ask("PUT", f"/v2/{self._path}/manifests/{reference}", headers, body=body)
        if answer is None:
            raise BaselardError(f"{self._name}: cannot store {reference}: the repository or a part of it is not there")
        return digest_of(body)

    async def blob(self, digest: str) -> bytes | None:
        """A whole blob; meant for configs, not for layers."""
        answer = await self._ask("GET", f"/v2/{self._path}/blobs/{digest}")
        return None if answer is None else answer.content

    async def referrers(self, digest: str) -> list[Mapping[str, Any]]:
        """Descriptors of what refers to a manifest; none where the registry does not offer the list."""
        answer = await self._ask("GET", f"/v2/{self._path}/referrers/{digest}")
        if answer is None:
            return []
        try:
            return list(answer.json().get("manifests") or [])
        except ValueError:
            return []

    async def delete(self, reference: str) -> bool:
        """Remove a manifest (by digest) or a tag; False when it is not there, or this registry does not untag."""
        allowed = {400, 405} if ":" not in reference else set()
        return await self._ask("DELETE", f"/v2/{self._path}/manifests/{reference}", allow=allowed) is not None

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        allow: set[int] | None = None,
        body: bytes | None = None,
    ) -> httpx.Response | None:
        """One request, repeated while the registry asks for patience; a challenge is answered once."""
        challenged = False
        for attempt in range(1, _ATTEMPTS + 1):
            answer = await self._send(method, url, headers, body, last=attempt == _ATTEMPTS)
            if answer is not None and answer.status_code == 401 and not challenged:
                challenged = True
                await self._authenticate(answer)
                answer = await self._send(method, url, headers, body, last=attempt == _ATTEMPTS)
            if answer is not None and not _passing(answer.status_code):
                return self._settle(method, answer, allow or set())
            await anyio.sleep(_patience(answer, attempt))
        raise BaselardError(f"{self._name}: {method} {url} was answered by errors {_ATTEMPTS} times; try again later")

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None, *, last: bool
    ) -> httpx.Response | None:
        """The answer, or None when the connection broke and there is another attempt to come."""
        try:
            known = {**self._headers, **(headers or {})}
            return await self._http.request(method, url, headers=known, content=body)
        except httpx.TransportError as error:
            if last:
                raise BaselardError(f"{self._name}: cannot reach the registry: {error}") from error
            return None

    def _settle(self, method: str, answer: httpx.Response, allow: set[int]) -> httpx.Response | None:
        if answer.is_success:
            return answer
        if answer.status_code == 404 or answer.status_code in allow:
            return None
        if answer.status_code in {401, 403}:
            raise BaselardError(
                f"{self._name}: the registry refuses {method} ({answer.status_code}); "
                "give --username and --password of somebody who may"
            )
        if method == "DELETE" and answer.status_code == 405:
            raise BaselardError(f"{self._name}: this registry does not delete; enable deletion in its configuration")
        raise BaselardError(f"{self._name}: {method} was answered {answer.status_code}: {answer.text[:300]}")

    async def _authenticate(self, answer: httpx.Response) -> None:
        """Answer a challenge: Basic directly, Bearer by fetching a token (distribution's token specification)."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        known = self._credentials
        basic = httpx.BasicAuth(known.username, known.password) if known.username else None
        if challenge.lower().startswith("bearer"):
            values = dict(_CHALLENGE.findall(challenge))
            query = {key: values[key] for key in ("service", "scope") if key in values}
            token = await self._http.get(values.get("realm", ""), params=query, auth=basic or httpx.USE_CLIENT_DEFAULT)
            if token.is_success:
                body = token.json()
                self._headers["Authorization"] = f"Bearer {body.get('token') or body.get('access_token')}"
        elif basic:
            self._headers["Authorization"] = basic._auth_header


def digest_of(body: bytes) -> str:
    """The digest under which these bytes are stored."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _passing(status: int) -> bool:
    """Whether the registry may answer otherwise in a moment."""
    return status == 429 or status >= 500


def _patience(answer: httpx.Response | None, attempt: int) -> float:
    """Seconds to wait: what Retry-After says (seconds or a date), else 1, 2, 4, 8 …"""
    said = answer.headers.get("Retry-After", "") if answer is not None else ""
    wait = 2.0 ** (attempt - 1)
    if said.isdigit():
        wait = float(said)
    elif said:
        with suppress(ValueError, TypeError):
            wait = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
    return min(max(wait, 0.0), _LONGEST_WAIT)


@asynccontextmanager
async def connect(reference: Reference, credentials: Credentials) -> AsyncIterator[Repository]:
    """A client for the reference's repository; plain HTTP for localhost, as Docker does."""
    domain = "registry-1.docker.io" if reference.domain == "docker.io" else reference.domain
    local = domain.partition(":")[0] in {"localhost", "127.0.0.1"}
    # The system's certificates and SSL_CERT_FILE, not only those that httpx brings.
    verify = ssl.create_default_context()
    url = f"{'http' if local else 'https'}://{domain}"
    async with httpx.AsyncClient(base_url=url, verify=verify, follow_redirects=True, timeout=60) as http:
        yield Repository(http, reference, credentials)
