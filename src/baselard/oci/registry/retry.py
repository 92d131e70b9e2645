"""Trying again: only what may pass, aloud, with growing pauses or as long as the registry asks, and not for ever."""

from __future__ import annotations

import errno
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
import tenacity

from baselard.oci.errors import DistributionError, RefusedError, UnreachedError, UntrustedError

ATTEMPTS = 6
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0  # seconds; a Retry-After beyond it is not waited for in full

T = TypeVar("T")
Say = Callable[[str], None]
"""Told, in one line, what is being done again and why."""
Sleep = Callable[[float], None]
"""Waits for so many seconds; may raise to call everything off."""


@dataclass(frozen=True)
class Manner:
    """Who is asked for what, and how. ``insist``: also a host that refuses connections, or whose name is unknown."""

    host: str
    what: str
    say: Say
    sleep: Sleep
    insist: bool = True


class _Transient(Exception):  # noqa: N818 -- no error yet
    """Worth another try; ``after`` seconds if the registry said so."""

    def __init__(self, why: str, status: int, after: float | None) -> None:
        super().__init__(why)
        self.status = status
        self.after = after


def check(reply: httpx.Response, who: str) -> None:
    """Have ``again`` try once more if the answer is one that may pass; ``who`` begins its sentence."""
    if reply.status_code in TRANSIENT or for_now(reply):
        raise _Transient(f"{who} answered {reply.status_code}", reply.status_code, _retry_after(reply))


def for_now(reply: httpx.Response) -> bool:
    """Whether a refusal is one of those that pass: GitHub's secondary rate limits are 403 with a Retry-After."""
    return reply.status_code == httpx.codes.FORBIDDEN and "retry-after" in reply.headers


def again(once: Callable[[], T], manner: Manner) -> T:
    """Call ``once``, and again after transient trouble.

    Raises RefusedError or UnreachedError when it does not pass, UntrustedError for a server that cannot be trusted,
    DistributionError for an answer that makes no sense.
    """
    tries = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=_pause,
        retry=tenacity.retry_if_exception(lambda error: _may_pass(error, manner)),
        before_sleep=lambda state: manner.say(_told(manner.host, state)),
        sleep=manner.sleep,
        reraise=True,
    )
    try:
        return tries(once)
    except _Transient as error:
        message = f"{manner.host}: {error}, {ATTEMPTS} times in a row ({manner.what}); try again later"
        raise RefusedError(message, error.status) from error
    except httpx.TransportError as error:
        if _untrusted(error):
            raise UntrustedError(f"{manner.host} is not trusted: {_plain(error)}") from error
        raise UnreachedError(f"{manner.host} cannot be reached: {_plain(error)}") from error
    except (httpx.InvalidURL, httpx.TooManyRedirects, httpx.DecodingError, UnicodeError) as error:
        raise DistributionError(
            f"{manner.host} answered with something that makes no sense: {_plain(error)}"
        ) from error


_NOBODY = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)


def _may_pass(error: BaseException, manner: Manner) -> bool:
    if isinstance(error, _Transient):
        return True
    return isinstance(error, httpx.TransportError) and not _untrusted(error) and (manner.insist or not _nobody(error))


def _nobody(error: BaseException) -> bool:
    """Whether there is nobody at that address, or no such address."""
    return any(
        cause.errno in _NOBODY or (isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN)
        for cause in _causes(error)
        if isinstance(cause, OSError)
    )


def _untrusted(error: BaseException) -> bool:
    """Whether the handshake found a certificate that is not trusted, or no TLS; one broken off may pass."""
    return any(isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _retry_after(reply: httpx.Response) -> float | None:
    """Seconds; the header holds them or a date (RFC 9110, 10.2.3)."""
    text = reply.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    return None


def _pause(state: tenacity.RetryCallState) -> float:
    """The wait the registry asked for, else 0.5 s doubled each time, with jitter so that many clients do not march."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Transient) and error.after is not None:
        return float(min(error.after, _LONGEST_WAIT) + random.uniform(0, 0.5))  # noqa: S311
    return float(min(0.5 * 2 ** (state.attempt_number - 1), _LONGEST_WAIT) * random.uniform(0.75, 1.25))  # noqa: S311


def _told(host: str, state: tenacity.RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0
    return f"{host}: {_plain(error)}; trying again in {pause:.1f} s ({state.attempt_number} of {ATTEMPTS - 1})"


def _plain(error: BaseException | None) -> str:
    return str(error) or type(error).__name__
