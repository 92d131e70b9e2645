"""What one session knows about registries: credentials given to it, hosts it could not reach, tags it resolved."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.images.reference import Reference
from engine.lazily import Lazily
from engine.registries import registry_auth
from engine.registries.registry_client import Repository
from engine.registries.registry_http import Connection, Say

if TYPE_CHECKING:
    import httpx
else:
    httpx = Lazily("httpx")

REACH = 5.0  # seconds until a registry that does not answer counts as not reached


@dataclass(frozen=True)
class Registry:
    """One session's view of the registries. ``credentials`` maps a registry to user name and password.

    ``resolutions`` holds what each tag was resolved to (engine.ops.source), so that it is asked for once.
    """

    credentials: dict[str, tuple[str, str]] = field(default_factory=dict)
    resolutions: "dict[Any, asyncio.Task[Any]]" = field(default_factory=dict, compare=False, repr=False)
    _probes: "dict[str, asyncio.Task[str]]" = field(default_factory=dict, compare=False, repr=False)

    async def trouble(self, reference: Reference) -> str:
        """Why the reference's registry cannot be reached; empty when it can. Asked once in a session.

        Whatever answers in HTTP is reached, with any status: a refusal is the registry's word, not its absence.
        """
        host = reference.registry
        if host not in self._probes:
            self._probes[host] = asyncio.create_task(_probe(api_url(reference) + "/v2/"))
        return await asyncio.shield(self._probes[host])

    @contextlib.contextmanager
    def repository(self, reference: Reference, say: Say = lambda _: None) -> Iterator[Repository]:
        """The reference's repository, spoken to with this session's or this machine's credentials."""
        credential = registry_auth.find(reference.registry, self.credentials)
        connection = Connection(api_url(reference), credential, say)
        try:
            yield Repository(connection, reference.repository)
        finally:
            connection.close()


def api_url(reference: Reference) -> str:
    """The base URL of the reference's registry; plain HTTP on this very machine, as Dagger has it."""
    host = "registry-1.docker.io" if reference.registry == "docker.io" else reference.registry
    return f"{'http' if reference.is_local else 'https'}://{host}"


async def _probe(url: str) -> str:
    """One request, in a thread because a resolver may hang as well; none of it for longer than REACH."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(_ask, url), REACH)
    except TimeoutError:
        return f"it did not answer within {REACH:g} s"


def _ask(url: str) -> str:
    try:
        httpx.get(url, timeout=REACH)
    except httpx.TimeoutException:
        return f"it did not answer within {REACH:g} s"
    except httpx.ConnectError as error:
        return _reason(error)
    except httpx.TransportError:
        return ""  # it spoke, if badly; the pull itself will tell
    return ""


def _reason(error: Exception) -> str:
    """What is behind a failed connection; empty for a certificate that is not trusted, which is an answer."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLError):
            return ""
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved"
        cause = cause.__cause__ or cause.__context__
    return str(error)
