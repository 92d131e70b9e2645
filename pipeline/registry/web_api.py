"""A web API beside a registry: JSON over HTTP, with a token that nobody else is told of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from baselard.oci.errors import DistributionError, RefusedError
from baselard.oci.registry.connection import Connection

_ALL = (400, 401, 403, 404, 405, 409, 422)
_MOST_PAGES = 1000


@dataclass(frozen=True)
class WebApi:
    """`name` is who answers, `subject` what about; `headers` go with each request, `remedy` ends a refusal."""

    connection: Connection
    name: str
    subject: str
    headers: Mapping[str, str] = field(repr=False)
    remedy: str = ""

    def send(self, method: str, url: str, body: Any = None) -> httpx.Response:
        """The answer to one request, whatever its status; what may pass was tried again. Raises DistributionError."""
        base = self.connection.base
        where = url if "://" in url else f"{base}/{url}"
        if not where.startswith(f"{base}/"):
            raise DistributionError(f"{self.connection.host} names a next page elsewhere: {where[:200]}")
        typed = {} if body is None else {"Content-Type": "application/json"}
        return self.connection.request(
            method,
            where,
            scope="",
            headers={**self.headers, **typed},
            content=None if body is None else json.dumps(body).encode,
            allow=_ALL,
        )

    def ask(self, verb: str, method: str, url: str, body: Any = None) -> Any:
        """The document that a success answers with; RefusedError that says what may not be done."""
        reply = self.send(method, url, body)
        self.expect(reply, verb)
        return document(reply)

    def pages(self, verb: str, url: str, key: str = "") -> Iterator[Any]:
        """The items of all pages, which each names the next one in `Link` or, in a list under a key, as `next`."""
        more: str | None = url
        for _ in range(_MOST_PAGES):
            if more is None:
                return
            reply = self.send("GET", more)
            self.expect(reply, verb)
            page = document(reply)
            yield from page[key] if key else page
            more = page.get("next") if key else reply.links.get("next", {}).get("url")

    def expect(self, reply: httpx.Response, verb: str) -> None:
        """Raise RefusedError unless the answer is a success."""
        if not reply.is_success:
            told = f"{self.name} does not let this token {verb} {self.subject} ({reply.status_code} {said(reply)})"
            raise RefusedError(f"{told}; {self.remedy}" if self.remedy else told, reply.status_code)


def document(reply: httpx.Response) -> Any:
    """The answer's JSON; DistributionError where it is none."""
    try:
        return reply.json() if reply.content else None
    except ValueError as error:
        raise DistributionError(f"{reply.url} was answered with something that is not JSON") from error


def said(reply: httpx.Response) -> str:
    """The answer's own words, cut short."""
    try:
        found = reply.json()
        words = found.get("message") or found.get("detail") or found.get("error") or ""
        return str(words)[:300]
    except (ValueError, AttributeError):
        return ""
