"""HTTP to one registry: authentication, retries that are seen, errors that say what was missing.

Follows the OCI distribution spec and Docker's token authentication ("Token Authentication Specification" of
distribution/distribution).
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from engine import cancel
from engine.errors import EngineError, HostError
from engine.lazily import Lazily
from engine.registries import trust
from engine.registries.registry_auth import Credential

if TYPE_CHECKING:
    import httpx
    import tenacity
else:
    httpx = Lazily("httpx")
    tenacity = Lazily("tenacity")

ATTEMPTS = 6
_LONGEST_WAIT = 60.0  # seconds; a Retry-After beyond it is not waited for in full
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_TIMEOUT, _CONNECT = 60, 10  # seconds
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')

Say = Callable[[str], None]
"""Told, in one line, what is being done again and why."""


class RegistryError(EngineError):
    """The registry refused, or what it said makes no sense. ``status`` is HTTP's, 0 when there was none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _Transient(Exception):  # noqa: N818 -- no error yet
    """Worth another try; ``after`` seconds if the registry said so."""

    def __init__(self, why: str, after: float | None = None, status: int = 0) -> None:
        super().__init__(why)
        self.after = after
        self.status = status


@dataclass
class Connection:
    """One registry. Safe for use from several threads; ``close`` it."""

    base: str
    credential: Credential | None = None
    say: Say = lambda _: None
    client: httpx.Client = field(init=False)
    _tokens: dict[str, str] = field(default_factory=dict)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            verify=trust.context(self.host), timeout=httpx.Timeout(_TIMEOUT, connect=_CONNECT), follow_redirects=False
        )

    @property
    def host(self) -> str:
        return httpx.URL(self.base).netloc.decode()

    def close(self) -> None:
        self.client.close()

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
        ``repository:team/app:pull``. Raises RegistryError for a refusal (401 and 403 are never tried again), HostError
        when the registry is not reached.
        """

        reply: httpx.Response = self.again(
            lambda: self.once(method, url, scope=scope, headers=headers, content=content, allow=allow), url
        )
        return reply

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
        if reply.is_success or reply.status_code in allow:
            return reply
        if reply.status_code in _TRANSIENT:
            raise _Transient(f"{method} answered {reply.status_code}", _retry_after(reply), reply.status_code)
        raise self._refusal(reply, method, url, scope)

    def again(self, once: Callable[[], Any], what: str) -> Any:
        """Call ``once``, and again with growing pauses after transient trouble, aloud."""
        tries = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_pause,
            retry=tenacity.retry_if_exception_type((_Transient, httpx.TransportError)),
            before_sleep=lambda state: self.say(_told(self.host, state)),
            sleep=_sleep,
            reraise=True,
        )
        try:
            return tries(once)
        except _Transient as error:
            message = f"{self.host}: {error}, {ATTEMPTS} times in a row ({what}); try again later"
            raise RegistryError(message, error.status) from error
        except httpx.TransportError as error:
            raise HostError(f"{self.host} cannot be reached: {_plain(error)}") from error

    def stream(self, url: str, scope: str, sink: Callable[[bytes], Any]) -> None:
        """GET a body in pieces; redirects to other hosts go without our credentials. No retries: ``sink`` has state."""
        headers = self._authorization(scope)
        with self.client.stream("GET", self.absolute(url), headers=headers) as reply:
            if reply.is_redirect:
                with self.client.stream("GET", str(reply.next_request.url if reply.next_request else "")) as body:
                    return _pour(body, sink)
            return _pour(reply, sink)

    def absolute(self, url: str) -> str:
        return str(httpx.URL(self.base).join(url))

    def _send(
        self,
        method: str,
        url: str,
        scope: str,
        headers: Mapping[str, str] | None,
        content: Callable[[], Any] | None,
    ) -> httpx.Response:
        """One try; a challenge is answered once."""
        cancel.current().check()
        target = self.absolute(url)
        ours = httpx.URL(target).netloc == httpx.URL(self.base).netloc
        for challenged in (False, True):
            body = content() if content else None
            sent = {**(headers or {}), **(self._authorization(scope) if ours else {})}
            reply = self.client.request(method, target, headers=sent, content=body)
            if reply.status_code != 401 or challenged or not ours or not self._answer(reply, scope):
                break
        return reply

    def _authorization(self, scope: str) -> dict[str, str]:
        with self._mutex:
            known = self._tokens.get(scope) or self._tokens.get("basic")
        return {"Authorization": known} if known else {}

    def _answer(self, reply: httpx.Response, scope: str) -> bool:
        """Get what the challenge asks for; False when we have nothing to offer."""
        kind, _, rest = reply.headers.get("www-authenticate", "").partition(" ")
        if kind.lower() == "basic" and self.credential and self.credential.username:
            with self._mutex:
                self._tokens["basic"] = self.credential.basic
            return True
        if kind.lower() != "bearer":
            return False
        parameters = dict(_PARAMETER.findall(rest))
        token = self._fetch_token(parameters, scope or parameters.get("scope", ""))
        with self._mutex:
            self._tokens[scope] = f"Bearer {token}"
        return bool(token)

    def _fetch_token(self, parameters: Mapping[str, str], scope: str) -> str:
        realm, service = parameters.get("realm", ""), parameters.get("service", "")
        query: list[tuple[str, str | int | float | bool | None]] = [("service", service)]
        query += [("scope", part) for part in scope.split()]

        def once() -> httpx.Response:
            if self.credential and self.credential.identity_token:
                form = {"grant_type": "refresh_token", "service": service, "client_id": "baselard", "scope": scope}
                reply = self.client.post(realm, data={**form, "refresh_token": self.credential.identity_token})
            else:
                headers = {"Authorization": self.credential.basic} if self.credential else {}
                reply = self.client.get(realm, params=query, headers=headers)
            if reply.status_code in _TRANSIENT:
                raise _Transient(
                    f"its token service answered {reply.status_code}", _retry_after(reply), reply.status_code
                )
            return reply

        reply: httpx.Response = self.again(once, realm)
        if not reply.is_success:
            raise self._refusal(reply, "GET", realm, scope)
        answer = reply.json()
        return str(answer.get("token") or answer.get("access_token") or "")

    def _refusal(self, reply: httpx.Response, method: str, url: str, scope: str) -> EngineError:
        said = _said(reply)
        if reply.status_code not in (401, 403):
            return RegistryError(f"{self.host}: {method} {url} answered {reply.status_code}{said}", reply.status_code)
        who = f"signed in as {self.credential.username or 'a token'}" if self.credential else "not signed in"
        return RegistryError(
            f"{self.host} refuses access ({reply.status_code}{said}); needed was {scope or 'a sign-in'}, we are {who}. "
            f"Sign in with docker login {self.host}, or use withRegistryAuth, as somebody who may do that.",
            reply.status_code,
        )


def _pour(reply: httpx.Response, sink: Callable[[bytes], Any]) -> None:
    if not reply.is_success:
        reply.read()
        raise RegistryError(f"{reply.url.host} answered {reply.status_code}{_said(reply)}", reply.status_code)
    for chunk in reply.iter_raw():
        cancel.current().check()
        sink(chunk)


def _said(reply: httpx.Response) -> str:
    """The registry's own words (distribution spec, "Error Codes"), cut short."""
    try:
        errors = reply.json()["errors"]
        words = "; ".join(f"{entry.get('code', '')} {entry.get('message', '')}".strip() for entry in errors)
    except (ValueError, KeyError, TypeError, AttributeError, httpx.ResponseNotRead):
        return ""
    return f": {words[:300]}" if words else ""


def _retry_after(reply: httpx.Response) -> float | None:
    text = reply.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    except ValueError:
        return None


def _pause(state: tenacity.RetryCallState) -> float:
    """What the registry asked for, else 0.5 s doubled each time, with jitter so that many clients do not march."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Transient) and error.after is not None:
        return float(min(error.after, _LONGEST_WAIT) + random.uniform(0, 0.5))  # noqa: S311
    return float(min(0.5 * 2 ** (state.attempt_number - 1), _LONGEST_WAIT) * random.uniform(0.75, 1.25))  # noqa: S311


def _sleep(seconds: float) -> None:
    called_off = threading.Event()
    with cancel.current().on_cancel(called_off.set):
        called_off.wait(seconds)
    cancel.current().check()


def _told(host: str, state: tenacity.RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0
    return f"{host}: {_plain(error)}; trying again in {pause:.1f} s ({state.attempt_number} of {ATTEMPTS - 1})"


def _plain(error: BaseException | None) -> str:
    return str(error) or type(error).__name__
