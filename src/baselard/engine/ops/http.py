"""A file from a URL."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from baselard.engine.errors import HostError, UserError
from baselard.engine.ops import credentials
from baselard.engine.ops.tree import TreeOperation, from_nothing, one
from baselard.engine.run.containers.command import BoundService, SecretRef
from baselard.engine.run.networks.namespaces import Within
from baselard.engine.run.services import own
from baselard.engine.run.worker import Worker
from baselard.engine.solver import cancel, digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import stamps
from baselard.oci import digests
from baselard.oci.errors import InvalidDigestError

if TYPE_CHECKING:
    import httpx

_ATTEMPTS = 4
_TIMEOUT = 60.0
_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Known:
    """Hosts that this machine does not know: addresses by name, and what has a function reach them, if not all do."""

    names: Mapping[str, str] = field(default_factory=dict)
    inside: Within | None = None


@dataclass(frozen=True)
class Http(TreeOperation):
    """A tree with one file, what the URL answers with.

    ``checksum`` is ``algorithm:hex``; without one ``nonce`` tells one session's answer from another's. ``host`` is a
    service that is up meanwhile. It is reached by its own host name, as others are that happen to be up.
    """

    tag: ClassVar[str] = "http.v1"
    url: str
    name: str
    permissions: int = 0o600
    checksum: str = ""
    nonce: str = ""
    header: SecretRef | None = None
    host: BoundService | None = None

    @property
    def inputs(self) -> tuple[Output, ...]:
        """The inputs that the service needs."""
        return self.host.inputs if self.host else ()

    @property
    def label(self) -> str:
        return f"http {self.url}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Download. Raises UserError for a refusal and a checksum that differs, HostError when nothing answers."""
        with own.asked(worker, self.host, inputs) as names:
            return self._downloaded(worker, Known(names, worker.network.inside))

    def _downloaded(self, worker: Worker, known: Known) -> Result:
        plaintext = worker.secrets.plaintext(self.header.handle) if self.header else None
        headers = {} if plaintext is None else {"authorization": credentials.header(plaintext)}
        with from_nothing(worker) as draft:
            path = draft.path / self.name
            changed = _download(self.url, headers, path, known)
            content = _check(path, self.checksum, self.url)
            path.chmod(self.permissions)
            stamps.put(path, changed)
            return one(digest.of("http.content.v1", content, self.name, self.permissions), draft.commit())


def _download(url: str, headers: dict[str, str], path: Path, known: Known | None = None) -> int:
    """Write the answer to ``path``; when it was changed last, in nanoseconds, 0 if the server does not say.

    A server that is busy is asked again before anything came.
    """
    import httpx

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with _client(url, known or Known()) as client, client.stream("GET", url, headers=headers) as response:
                if response.status_code not in _AGAIN or attempt == _ATTEMPTS:
                    if response.is_error:
                        raise UserError(
                            f"{url}: invalid response status {response.status_code} {response.reason_phrase}"
                        )
                    with path.open("wb") as file:
                        for chunk in response.iter_bytes():
                            cancel.current().check()
                            file.write(chunk)
                    return _changed(response.headers.get("last-modified", ""))
        except httpx.InvalidURL as error:
            raise UserError(f"{url}: {error}") from error
        except httpx.UnsupportedProtocol as error:
            scheme = error.request.url.scheme or url.partition("://")[0]  # of the address it was sent on to
            raise UserError(f'Get "{url}": unsupported protocol scheme "{scheme}"') from error
        except (httpx.TooManyRedirects, httpx.DecodingError) as error:
            raise UserError(f"{url}: {error}") from error
        except httpx.TransportError as error:
            raise HostError(f'Get "{url}": {error}') from error
        except ValueError as error:  # of the standard library, on what is no address
            raise UserError(f"{url}: {error}") from error
        time.sleep(0.5 * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _client(url: str, known: Known) -> "httpx.Client":
    """The client for a URL; what is at hand under its own name is asked for without the proxies of this machine."""
    import httpx

    names = known.names
    there = _transport(known.inside) if known.inside and names else None

    def at_its_address(request: httpx.Request) -> None:
        host = request.url.host
        if address := names.get(host):
            request.extensions = {**request.extensions, "sni_hostname": host}
            request.url = request.url.copy_with(host=address)

    return httpx.Client(
        follow_redirects=True,
        timeout=_TIMEOUT,
        event_hooks={"request": [at_its_address]},
        trust_env=urlsplit(url).hostname not in names,
        mounts={f"all://{address}": there for address in names.values() if address},
    )


def _transport(inside: Within) -> "httpx.BaseTransport":
    """One that connects in another network; what it connected stays there, whoever reads it."""
    import httpx

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return inside(partial(super().handle_request, request))

    return Transport(trust_env=False)


def _changed(text: str) -> int:
    """The time that an HTTP date means (RFC 9110, 5.6.7), 0 for what is none, as with docker."""
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp())) * 10**9
    except (ValueError, OverflowError):
        return 0


def check_checksum(text: str) -> None:
    """Raise UserError if ``text`` is no checksum, as the OCI image spec writes digests; empty is none wanted."""
    try:
        if text:
            digests.parse(text)
    except InvalidDigestError:
        raise UserError(f'invalid checksum "{text}": write it as sha256: and 64 hex digits') from None


def _check(path: Path, checksum: str, url: str) -> str:
    """The content's SHA-256. Raises UserError when it is not what was promised."""
    algorithm, _, wanted = checksum.partition(":")
    if checksum:
        found = _digest(path, algorithm)
        if found != wanted:
            raise UserError(f"{url}: http checksum mismatch: expected {checksum}, got {algorithm}:{found}")
    return _digest(path, "sha256")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
