"""HTTP to one registry: authentication, and errors that say what was missing.

Follows the OCI distribution spec and Docker's token authentication ("Token Authentication Specification" of
distribution/distribution).
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from baselard.oci.errors import DistributionError, RefusedError
from baselard.oci.reference import Reference
from baselard.oci.registry import challenge, retry
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.retry import Say, Sleep

_TIMEOUT, _CONNECT = 60, 10  # seconds

T = TypeVar("T")


def base_url(reference: Reference, trust: ssl.SSLContext, *, insecure: bool) -> str:
    """Where the reference's registry is spoken to; an insecure one by plain HTTP when it does not speak TLS."""
    url = httpx.URL(reference.api_url)
    if insecure and url.scheme == "https":
        try:
            httpx.get(url.join("/v2/"), verify=trust, timeout=_CONNECT)
        except httpx.TransportError:
            url = url.copy_with(scheme="http")
    return str(url)


@dataclass
class Connection:
    """One registry. Safe for use from several threads; ``close`` it.

    ``remedy`` ends the sentence that a refusal is; ``check`` is called now and then and may raise to end all work.
    A refused connection or an unknown name is asked for again only if ``insist``.
    """

    base: str
    credential: Credential | None = None
    say: Say = lambda _: None
    sleep: Sleep = time.sleep
    check: Callable[[], None] = lambda: None
    remedy: str = ""
    insist: bool = True
    trust: ssl.SSLContext | None = None
    transport: httpx.BaseTransport | None = None
    client: httpx.Client = field(init=False)
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock)
    _sockets: weakref.WeakSet[socket.socket] = field(default_factory=weakref.WeakSet, repr=False)
    _aborted: bool = False

    def __post_init__(self) -> None:
        """The system's certificates and ``SSL_CERT_FILE``, not only those that httpx brings."""
        self.client = httpx.Client(
            verify=self.trust or ssl.create_default_context(),
            timeout=httpx.Timeout(_TIMEOUT, connect=_CONNECT),
            transport=self.transport,
        )

    @property
    def host(self) -> str:
        return httpx.URL(self.base).netloc.decode()

    def close(self) -> None:
        self.client.close()

    def abort(self) -> None:
        """End all requests, from any thread; those under way fail at once and are not tried again."""
        with self._mutex:
            self._aborted = True
            open_ones = list(self._sockets)
        for each in open_ones:
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # ssl's own would have a reader go on without TLS

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the sockets that httpx opens (httpcore's "trace" extension), for ``abort``."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete", "proxy.start_tls.complete"):
            with self._mutex:
                self._sockets.add(info["return_value"].get_extra_info("socket"))
            if self._aborted:
                self.abort()

    def look(self) -> None:
        """Raise what ends the work: ``check``'s own error, or DistributionError after ``abort``."""
        self.check()
        if self._aborted:
            raise DistributionError(f"{self.host}: called off")

    def request(  # noqa: PLR0913
        self,
        method: str,
        url: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        content: Callable[[], Any] | None = None,
        allow: tuple[int, ...] = (),
    ) -> httpx.Response:
        """Send, again if it is worth it, and give the answer when its status is 2xx or in ``allow``.

        ``content`` makes the body anew for each try. ``scope`` is what the token must allow, such as
        ``repository:team/app:pull``. Raises RefusedError (401 and 403 are never tried again) and UnreachedError.
        """
        return self.again(
            lambda: self.once(method, url, scope=scope, headers=headers, content=content, allow=allow), url
        )

    def once(  # noqa: PLR0913
        self,
        method: str,
        url: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        content: Callable[[], Any] | None = None,
        allow: tuple[int, ...] = (),
    ) -> httpx.Response:
        """One try of ``request``; for use inside ``again``, which hears of transient trouble."""
        reply = self._send(method, url, scope, headers, content)
        if reply.is_success or (reply.status_code in allow and not retry.for_now(reply)):
            return reply
        retry.check(reply, method)
        raise self._refusal(reply, method, url, scope)

    def again(self, once: Callable[[], T], what: str) -> T:
        """Call ``once``, and again with growing pauses after transient trouble, aloud."""
        return retry.again(once, retry.Manner(self.host, what, self.say, self.sleep, self.insist))

    @contextmanager
    def stream(self, url: str, *, scope: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """One GET whose body is read in pieces; for use inside ``again``."""
        for challenged in (False, True):
            sent = {**headers, **self._authorization(scope)}
            self.look()
            with self.client.stream(
                "GET", self.absolute(url), headers=sent, follow_redirects=True, extensions={"trace": self._note}
            ) as reply:
                if reply.is_success:
                    yield reply
                    return
                reply.read()
                if reply.status_code != 401 or challenged or not self._answer(reply, scope):
                    break
        retry.check(reply, "GET")
        raise self._refusal(reply, "GET", url, scope)

    def absolute(self, url: str) -> str:
        return joined(self.base, url)

    def _send(
        self,
        method: str,
        url: str,
        scope: str,
        headers: Mapping[str, str] | None,
        content: Callable[[], Any] | None,
    ) -> httpx.Response:
        """One try; a challenge is answered once. Redirected to another host, httpx leaves our credentials out."""
        self.look()
        target = self.absolute(url)
        ours = httpx.URL(target).netloc == httpx.URL(self.base).netloc
        for challenged in (False, True):
            body = content() if content else None
            sent = {**(headers or {}), **(self._authorization(scope) if ours else {})}
            reply = self.client.request(
                method,
                target,
                headers=sent,
                content=body,
                follow_redirects=method == "GET",
                extensions={"trace": self._note},
            )
            if reply.status_code != 401 or challenged or not ours or not self._answer(reply, scope):
                break
        return reply

    def _authorization(self, scope: str) -> dict[str, str]:
        with self._mutex:
            known = self._tokens.get(scope) or self._tokens.get("basic")
        return {"Authorization": known} if known else {}

    def _answer(self, reply: httpx.Response, scope: str) -> bool:
        """Get what the challenge asks for; False when we have nothing to offer."""
        asked = {one.scheme: one.parameters for one in challenge.parse(reply.headers.get_list("www-authenticate"))}
        if asked.get("bearer", {}).get("realm"):
            given, key = self._bearer(asked["bearer"], scope), scope
        elif "basic" in asked and self.credential and self.credential.username:
            given, key = self.credential.basic, "basic"
        else:
            return False
        with self._mutex:
            self._tokens[key] = given
        return bool(given)

    def _bearer(self, parameters: Mapping[str, str], scope: str) -> str:
        """The authorization that the challenge's token service gives; empty when it gives no token."""
        wanted = scope or parameters.get("scope", "")
        realm = self._realm(parameters["realm"])

        def once() -> httpx.Response:
            reply = self._ask_for_token(realm, parameters.get("service", ""), wanted)
            retry.check(reply, "its token service")
            return reply

        reply = self.again(once, str(realm))
        if not reply.is_success:
            raise self._refusal(reply, "GET", str(realm), wanted)
        token = _token(reply)
        return f"Bearer {token}" if token else ""

    def _realm(self, realm: str) -> httpx.URL:
        message = f"{self.host} names a token service that is not an address: {realm!r}"
        try:
            url = httpx.URL(self.base).join(realm)
        except httpx.InvalidURL as error:
            raise DistributionError(message) from error
        if url.scheme not in ("http", "https"):
            raise DistributionError(message)
        return url

    def _ask_for_token(self, realm: httpx.URL, service: str, scope: str) -> httpx.Response:
        if self.credential and self.credential.identity_token:
            form = {"grant_type": "refresh_token", "service": service, "client_id": "baselard", "scope": scope}
            return self.client.post(realm, data={**form, "refresh_token": self.credential.identity_token})
        query: list[tuple[str, Any]] = [*realm.params.multi_items(), *([("service", service)] if service else [])]
        query += [("scope", part) for part in scope.split()]
        known = self.credential if self.credential and self.credential.username else None
        url = realm.copy_with(params=httpx.QueryParams(query))
        return self.client.get(url, headers={"Authorization": known.basic} if known else {})

    def _refusal(self, reply: httpx.Response, method: str, url: str, scope: str) -> RefusedError:
        said = _said(reply)
        if reply.status_code not in (401, 403):
            return RefusedError(f"{self.host}: {method} {url} answered {reply.status_code}{said}", reply.status_code)
        who = f"signed in as {self.credential.username or 'a token'}" if self.credential else "not signed in"
        return RefusedError(
            f"{self.host} refuses access ({reply.status_code}{said}); needed was {scope or 'a sign-in'}, we are {who}."
            + (f" {self.remedy}" if self.remedy else ""),
            reply.status_code,
        )


def _token(reply: httpx.Response) -> str:
    """The token in a token service's answer; empty when there is none."""
    try:
        answer = reply.json()
        return str(answer.get("token") or answer.get("access_token") or "")
    except (ValueError, AttributeError, RecursionError) as error:
        raise DistributionError(f"the token service {reply.url} answered with something that is not a token") from error


def joined(base: str, url: str) -> str:
    """The address ``url`` that an answer names, seen from ``base``. Raises DistributionError for what is none."""
    try:
        return str(httpx.URL(base).join(url))
    except httpx.InvalidURL as error:
        raise DistributionError(f"{base} names the address {url[:200]!r}, which is none: {error}") from error


def _said(reply: httpx.Response) -> str:
    """The registry's own words (distribution spec, "Error Codes"), cut short."""
    try:
        errors = reply.json()["errors"]
        words = "; ".join(f"{entry.get('code', '')} {entry.get('message', '')}".strip() for entry in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f": {words[:300]}" if words else ""
