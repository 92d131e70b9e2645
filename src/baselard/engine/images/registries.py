"""A session's knowledge of registries: credentials given to it, hosts it could not reach, tags it resolved."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from baselard.engine.errors import HostError, RegistryError, UserError
from baselard.engine.images import credentials as registry_auth
from baselard.engine.solver import cancel
from baselard.oci.errors import DistributionError, RefusedError, SettingsError, UnreachedError
from baselard.oci.platforms import Platform
from baselard.oci.reference import Reference
from baselard.oci.registry import mirrors, policy, registries_conf, trust
from baselard.oci.registry.mirrors import Endpoint

if TYPE_CHECKING:
    from baselard.oci.registry.repository import Repository

Say = Callable[[str], None]
"""Told, in one line, what is being done again and why."""

REACH = 5.0  # seconds until a registry that does not answer counts as not reached


@dataclass(frozen=True)
class Registries:
    """One session's view of the registries. ``credentials`` maps a registry to user name and password.

    ``resolutions`` holds what each tag was resolved to (baselard.engine.ops.source), so that it is asked for once.
    """

    credentials: dict[str, tuple[str, str]] = field(default_factory=dict)
    resolutions: dict[tuple[Reference, Platform], asyncio.Task[object]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _probes: dict[str, asyncio.Task[str]] = field(default_factory=dict, compare=False, repr=False)

    async def trouble(self, reference: Reference) -> str:
        """Why the reference's registry cannot be reached; empty when it can. Asked once in a session.

        Whatever answers in HTTP is reached, with any status: a refusal is the registry's word, not its absence.
        """
        host = reference.registry
        if host not in self._probes:
            self._probes[host] = asyncio.create_task(_probe(reference.api_url + "/v2/"))
        return await asyncio.shield(self._probes[host])

    @contextlib.contextmanager
    def repository(self, reference: Reference, say: Say = lambda _: None) -> Iterator[Repository]:
        """The reference's repository, spoken to with this session's or this machine's credentials.

        What goes wrong with it in the block is raised as RegistryError, HostError or UserError.
        """
        with told(), self.at(mirrors.target(reference, registries_conf.read(os.environ)), say) as repository:
            yield repository

    @contextlib.contextmanager
    def at(self, endpoint: Endpoint, say: Say, *, insist: bool = True) -> Iterator[Repository]:
        """The repository at ``endpoint``; what goes wrong with it in the block is raised as it is."""
        from baselard.oci.registry.connection import Connection, base_url
        from baselard.oci.registry.repository import Repository

        reference = endpoint.reference
        context = trust.context(reference.registry, insecure=endpoint.insecure)
        helpers = registries_conf.read(os.environ).helpers
        connection = Connection(
            base_url(reference, context, insecure=endpoint.insecure),
            registry_auth.find(reference.name, self.credentials, helpers=helpers),
            say=say,
            sleep=_sleep,
            check=lambda: cancel.current().check(),
            remedy=f"Sign in with docker login {reference.registry}, or use withRegistryAuth, as somebody who may.",
            trust=context,
            insist=insist,
        )
        with contextlib.closing(connection), cancel.current().on_cancel(connection.abort):
            yield Repository(connection, reference.repository)


def endpoints(reference: Reference) -> tuple[Endpoint, ...]:
    """Where this machine's settings have the reference asked for. Raises UserError for what they block, or break."""
    with told():
        return mirrors.endpoints(reference, registries_conf.read(os.environ))


def check_policy(reference: Reference) -> None:
    """Raise UserError for an image that this machine's policy does not let in."""
    with told():
        policy.check(reference, os.environ)


def has_mirror(reference: Reference) -> bool:
    """Whether this machine's settings send the reference elsewhere. Raises as ``endpoints``."""
    with told():
        return mirrors.has_mirror(reference, registries_conf.read(os.environ))


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raise what a registry's client raises as the engine's errors."""
    try:
        yield
    except SettingsError as error:
        raise UserError(str(error)) from error
    except RefusedError as error:
        raise RegistryError(str(error), error.status) from error
    except UnreachedError as error:
        raise HostError(str(error)) from error
    except DistributionError as error:
        raise RegistryError(str(error)) from error


def _sleep(seconds: float) -> None:
    called_off = threading.Event()
    with cancel.current().on_cancel(called_off.set):
        called_off.wait(seconds)
    cancel.current().check()


async def _probe(url: str) -> str:
    """One request, in a thread because a resolver may hang as well; none of it for longer than REACH."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(_ask, url), REACH)
    except TimeoutError:
        return f"it did not answer within {REACH:g} s"


def _ask(url: str) -> str:
    import httpx

    try:
        # A certificate that nobody trusts is an answer too, and to read all that are trusted takes longer than to ask.
        httpx.get(url, timeout=REACH, verify=False)  # noqa: S501 -- nothing is told or believed
    except httpx.TimeoutException:
        return f"it did not answer within {REACH:g} s"
    except httpx.ConnectError as error:
        return _reason(error)
    except httpx.TransportError:
        return ""  # it spoke, if badly; the pull itself will tell
    return ""


def _reason(error: Exception) -> str:
    """The reason behind a failed connection; empty for a certificate that is not trusted, which is an answer."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLError):
            return ""
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved"
        cause = cause.__cause__ or cause.__context__
    return str(error)
