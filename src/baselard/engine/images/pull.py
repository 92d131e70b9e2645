"""Pulls images with skopeo, which knows credential helpers, mirrors and CAs; layers unpack while others download."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselard.engine.errors import EngineError, HostError, UserError
from baselard.engine.host import process
from baselard.engine.host.lazily import Lazily
from baselard.engine.host.platforms import Platform
from baselard.engine.host.process import Completed
from baselard.engine.images import credentials, manifest
from baselard.engine.images.image import ImageConfig
from baselard.engine.images.layers import stack
from baselard.engine.images.layers.stack import Blob
from baselard.engine.images.manifest import Index, Manifest
from baselard.engine.images.registries import Registry
from baselard.engine.solver import cancel, digest
from baselard.engine.store import origins
from baselard.engine.store.database import Snapshot
from baselard.engine.store.layer_index import Layer
from baselard.engine.store.snapshots import Snapshots
from baselard.oci.reference import Reference

if TYPE_CHECKING:
    import tenacity
else:
    tenacity = Lazily("tenacity")

_POLL = 0.02  # seconds between looks for a blob; skopeo renames each into place when it is whole
_ATTEMPTS = 4
_TRANSIENT = re.compile(
    r"toomanyrequests|\b429\b|\b50[0234]\b|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time"
    r"|connection reset|unexpected EOF|i/o timeout|TLS handshake timeout",
    re.IGNORECASE,
)
_UNREACHED = re.compile(r"no such host|connection refused|no route to host|network is unreachable|dial tcp.*timeout")
_ABSENT = re.compile(r"manifest unknown|name unknown|not found|repository name not known", re.IGNORECASE)
_DENIED = re.compile(r"unauthorized|authentication required|denied|\b40[13]\b", re.IGNORECASE)

Say = Callable[[str], None]


class UnreachedError(HostError):
    """The registry was not reached at all."""


class _Again(Exception):  # noqa: N818 -- no error yet
    """Worth another try."""


@dataclass(frozen=True)
class Resolved:
    """An image of one platform. ``reference`` names its manifest by digest."""

    reference: Reference
    config: ImageConfig
    layers: tuple[Layer, ...]


def resolve(registry: Registry, wanted: Reference, platform: Platform, say: Say) -> Resolved:
    """Ask the registry which image ``wanted`` is for ``platform``.

    Raises UserError when it has none (or none for the platform), UnreachedError, or EngineError in skopeo's words.
    """
    data = _inspect(registry, wanted, ["--raw"], say)
    found = manifest.parse(data)
    name = wanted.digest or digest.of_bytes(data)
    if isinstance(found, Index):
        name = manifest.choose(found, platform).digest
        found = manifest.parse(_inspect(registry, wanted.with_digest(name), ["--raw"], say))
    if not isinstance(found, Manifest):
        raise UserError(f"{wanted}: an index inside an index is no image")
    pinned = wanted.with_digest(name)
    config = manifest.parse_config(_inspect(registry, pinned, ["--raw", "--config"], say), found)
    return Resolved(pinned, config, _layers(found, config))


def pull(snapshots: Snapshots, registry: Registry, image: Resolved, say: Say) -> Snapshot | None:
    """The image's layers as snapshots. What the store has is not downloaded again. Raises as ``resolve``."""
    chains = stack.chain_ids(image.config.diff_ids)
    if chains and (known := stack.known(snapshots, chains[-1])):
        return known
    store = snapshots.store
    with store.temp_dir() as work:
        shared = work / "blobs" / "sha256"
        shared.mkdir(parents=True)
        kept = [layer for layer in image.layers if store.has_blob(layer.digest)]
        for layer in kept:
            with contextlib.suppress(FileExistsError):  # an image may hold one layer twice
                os.link(store.blob_path(layer.digest), shared / _hex(layer.digest))
        size = sum(layer.size for layer in image.layers) - sum(layer.size for layer in kept)
        say(f"{len(image.layers) - len(kept)} of {len(image.layers)} layers to download, {size / 1e6:.1f} MB")
        top = _download(snapshots, registry, image, work, say)
        for layer in image.layers:
            origins.record(store, layer.digest, image.reference)
    return top


def _download(snapshots: Snapshots, registry: Registry, image: Resolved, work: Path, say: Say) -> Snapshot | None:
    """Run skopeo and unpack what it brings as it comes; again, with what is there already, after transient trouble."""

    def once() -> Snapshot | None:
        with _skopeo(registry, image.reference, work) as download:
            blobs = [_waiting(work / "blobs" / "sha256" / _hex(layer.digest), download) for layer in image.layers]
            top = stack.stack(snapshots, image.layers, blobs)
            download.finish()
        _adopt(snapshots, image.layers, work)
        return top

    result: Snapshot | None = _again(once, image.reference, say)
    return result


@dataclass
class _Download:
    """skopeo at work; ``errors`` is what it said on standard error."""

    child: subprocess.Popen[bytes]
    reference: Reference
    errors: bytearray
    pump: threading.Thread

    @property
    def ended(self) -> bool:
        return self.child.poll() is not None

    def finish(self) -> None:
        """Wait for the end. Raises what went wrong."""
        while not self.ended:
            cancel.current().check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(0.1)
        self.pump.join()
        if self.child.returncode:
            raise failure(self.reference, bytes(self.errors))


@contextlib.contextmanager
def _skopeo(registry: Registry, reference: Reference, work: Path) -> Iterator[_Download]:
    with _auth_file(registry, reference) as (options, env, fds):
        source = ["--src-tls-verify=false"] if reference.is_local else []
        argv: list[str | Path] = [*_program(), "copy", *options, *source, "--dest-shared-blob-dir", work / "blobs"]
        child = process.spawn([*argv, _docker(reference), f"oci:{work / 'layout'}:x"], env=env, pass_fds=fds)
        errors = bytearray()
        pump = threading.Thread(target=process.pump, args=(child, lambda _, data: errors.extend(data)))
        pump.start()
        with child:
            try:
                yield _Download(child, reference, errors, pump)
            finally:
                process.kill(child)
                pump.join()


def _waiting(path: Path, download: _Download) -> Blob:
    """The blob's path as soon as it is whole."""

    def wait() -> Path:
        while not path.exists():
            cancel.current().check()
            if download.ended:
                download.finish()
                if not path.exists():
                    raise HostError(f"{download.reference}: skopeo ended without the layer sha256:{path.name}")
            time.sleep(_POLL)
        return path

    return wait


def _adopt(snapshots: Snapshots, layers: Sequence[Layer], work: Path) -> None:
    for layer in layers:
        path = work / "blobs" / "sha256" / _hex(layer.digest)
        if path.exists() and not snapshots.store.has_blob(layer.digest):
            snapshots.store.adopt_blob(path, layer.digest)


def _inspect(registry: Registry, reference: Reference, options: Sequence[str], say: Say) -> bytes:
    def once() -> bytes:
        with _auth_file(registry, reference) as (auth, env, fds):
            plain = ["--tls-verify=false"] if reference.is_local else []
            argv = [*_program(), "--command-timeout", "60s", "inspect", *options, *auth, *plain, _docker(reference)]
            ended: Completed = process.run(argv, env=env, check=False, pass_fds=fds)
        if ended.code:
            raise failure(reference, ended.stderr)
        return ended.stdout

    result: bytes = _again(once, reference, say)
    return result


def _program() -> list[str]:
    """skopeo, and the one setting that it takes from its command line and not, as podman does, from a variable."""
    given = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    return ["skopeo", "--registries-conf", given] if given else ["skopeo"]


def _again(once: Callable[[], Any], reference: Reference, say: Say) -> Any:
    tries = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=20),
        retry=tenacity.retry_if_exception_type(_Again),
        before_sleep=lambda state: say(f"{reference}: {_why(state)}; trying again"),
        reraise=True,
    )
    try:
        return tries(once)
    except _Again as error:
        raise EngineError(f"{error}, {_ATTEMPTS} times in a row; try again later") from error


def _why(state: tenacity.RetryCallState) -> str:
    return str(state.outcome.exception() if state.outcome else "")


def failure(reference: Reference, stderr: bytes) -> Exception:
    """What skopeo's words mean; the reference in them may itself read like a status or a reason."""
    said = _last_line(stderr)
    reason = said
    for name in filter(None, (reference.name, reference.registry, reference.digest)):
        reason = reason.replace(name, "")
    if _UNREACHED.search(reason):
        return UnreachedError(f"{reference}: the registry {reference.registry} cannot be reached: {said}")
    if _TRANSIENT.search(reason):
        return _Again(f"{reference}: {said}")
    if _DENIED.search(reason):
        return UserError(
            f"{reference}: {reference.registry} refuses to hand it out, or has none of that name ({said}). "
            f"Sign in with docker login {reference.registry}, or use withRegistryAuth."
        )
    if _ABSENT.search(reason):
        return UserError(f"{reference}: {reference.registry} has no such image ({said})")
    return EngineError(f"{reference} cannot be pulled: {said}")


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines() or ["skopeo said nothing"]
    found = re.search(r'msg="((?:[^"\\]|\\.)*)"', lines[-1])
    return found[1].replace('\\"', '"') if found else lines[-1]


@contextlib.contextmanager
def _auth_file(
    registry: Registry, reference: Reference
) -> Iterator[tuple[list[str], Mapping[str, str], tuple[int, ...]]]:
    """Options, environment and descriptors for skopeo: the session's credential from memory, never from a command
    line or a disk; without one skopeo finds this machine's own."""
    env = dict(os.environ)
    if env.get("BASELARD_CA_FILE"):
        env["SSL_CERT_FILE"] = env["BASELARD_CA_FILE"]
    given = registry.credentials.get(reference.registry)
    if given is None:
        yield [], env, ()
        return
    with os.fdopen(os.memfd_create("auth", 0), "wb") as file:
        file.write(credentials.auth_file({reference.registry: given}))
        file.flush()
        yield ["--authfile", f"/proc/self/fd/{file.fileno()}"], env, (file.fileno(),)


def _docker(reference: Reference) -> str:
    """skopeo takes a tag or a digest, not both."""
    return f"docker://{reference.name}" + (f"@{reference.digest}" if reference.digest else f":{reference.tag}")


def _layers(found: Manifest, config: ImageConfig) -> tuple[Layer, ...]:
    pairs = zip(found.layers, config.diff_ids, strict=True)
    return tuple(Layer(part.digest, part.size, diff_id, part.compression) for part, diff_id in pairs)


def _hex(name: str) -> str:
    return name.partition(":")[2]
