"""Pulls images: from the first endpoint that has them; layers unpack while others download."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from baselard.engine.errors import EngineError, RegistryError, RegistryUnreachedError, UserError
from baselard.engine.images import manifest, registries
from baselard.engine.images.layers import stack
from baselard.engine.images.layers.arriving import Arriving, whole
from baselard.engine.images.manifest import Index, Manifest
from baselard.engine.images.registries import Registries, Say
from baselard.engine.store import origins
from baselard.engine.store.database import Snapshot
from baselard.engine.store.layer_index import Layer
from baselard.engine.store.snapshots import Snapshots
from baselard.oci.errors import DistributionError, RefusedError, UnreachedError
from baselard.oci.image_config import ImageConfig
from baselard.oci.media_types import LARGEST_MANIFEST
from baselard.oci.platforms import Platform
from baselard.oci.reference import Reference

if TYPE_CHECKING:
    from baselard.oci.registry.repository import Answer, Repository

T = TypeVar("T")


@dataclass(frozen=True)
class Resolved:
    """An image of one platform. ``reference`` names its manifest by digest."""

    reference: Reference
    config: ImageConfig
    layers: tuple[Layer, ...]


def resolve(registry: Registries, wanted: Reference, platform: Platform, say: Say) -> Resolved:
    """Ask the registry, or a mirror of it, which image ``wanted`` is for ``platform``.

    Raises UserError when it has none (or none for the platform), RegistryUnreachedError, or RegistryError.
    """
    return from_first(registry, wanted, say, lambda repository: _resolve(repository, wanted, platform))


def pull(snapshots: Snapshots, registry: Registries, image: Resolved, say: Say) -> Snapshot | None:
    """The image's layers as snapshots. What the store has is not downloaded again.

    Raises as ``resolve``, and UserError for what this machine's policy does not let in.
    """
    registries.check_policy(image.reference)
    chains = stack.chain_ids(image.config.diff_ids)
    if chains and (known := stack.known(snapshots, chains[-1])):
        return known
    store = snapshots.store
    kept = [layer for layer in image.layers if store.has_blob(layer.digest)]
    size = sum(layer.size for layer in image.layers) - sum(layer.size for layer in kept)
    say(f"{len(image.layers) - len(kept)} of {len(image.layers)} layers to download, {size / 1e6:.1f} MB")
    with store.temp_dir() as work:
        top = from_first(
            registry, image.reference, say, lambda repository: _download(snapshots, repository, image.layers, work)
        )
    for layer in image.layers:
        origins.record(store, layer.digest, image.reference)
    return top


def _resolve(repository: Repository, wanted: Reference, platform: Platform) -> Resolved:
    answer = _manifest(repository, wanted, wanted.target)
    image = manifest.parse(answer.body, answer.media_type)
    if isinstance(image, Index):
        answer = _manifest(repository, wanted, manifest.choose(image, platform).digest)
        image = manifest.parse(answer.body, answer.media_type)
    if not isinstance(image, Manifest):
        raise UserError(f"{wanted}: an index inside an index is not an image")
    data = repository.blob(image.config.digest, min(image.config.size, LARGEST_MANIFEST))
    if data is None:
        raise RegistryError(f"{wanted}: {wanted.registry} does not have its configuration, {image.config.digest}")
    config = manifest.parse_config(data, image)
    return Resolved(wanted.with_digest(answer.digest), config, _layers(image, config))


def _manifest(repository: Repository, wanted: Reference, target: str) -> Answer:
    answer = repository.manifest(target)
    if answer is None:
        raise UserError(f"{wanted}: {repository.connection.host} has no such image")
    return answer


def _download(snapshots: Snapshots, repository: Repository, layers: Sequence[Layer], work: Path) -> Snapshot | None:
    """Bring what the store lacks into ``work``, unpack each layer as it comes, and keep the blobs."""
    from baselard.oci.registry.downloads import Downloads

    store = snapshots.store
    with Downloads(repository, work) as under_way:

        def blob(layer: Layer) -> stack.Blob:
            if store.has_blob(layer.digest):
                return lambda: store.blob_path(layer.digest)
            job = under_way.add(layer.digest, layer.size)
            return lambda: Arriving(under_way.part(layer.digest), job)

        blobs = [blob(layer) for layer in layers]
        top = stack.stack(snapshots, layers, blobs)
        for layer, taken in zip(layers, blobs, strict=True):
            if not store.has_blob(layer.digest):
                store.adopt_blob(whole(taken()), layer.digest)
    return top


def from_first(registry: Registries, wanted: Reference, say: Say, ask: Callable[[Repository], T]) -> T:
    """The first endpoint's answer that there is; when none can, what was wrong with the last, which is no mirror."""
    failed: list[str] = []
    for endpoint in (endpoints := registries.endpoints(wanted)):
        try:
            with _told(endpoint.reference), registry.at(endpoint, say, insist=False) as repository:
                return ask(repository)
        except EngineError as error:
            if endpoint is endpoints[-1]:
                error.args = ("; before that, ".join((str(error), *failed)), *error.args[1:])
                raise
            failed.append(str(error))
            say(f"{error}; trying the next one")
    raise AssertionError("there is always the registry itself")


@contextlib.contextmanager
def _told(reference: Reference) -> Iterator[None]:
    with registries.told():
        try:
            yield
        except DistributionError as error:
            raise failure(reference, error) from error


def failure(reference: Reference, error: DistributionError) -> EngineError:
    """An error of the client's, as who wants ``reference`` should read it."""
    if isinstance(error, UnreachedError):
        return RegistryUnreachedError(f"{reference}: the registry {reference.registry} cannot be reached: {error}")
    if not isinstance(error, RefusedError):
        return RegistryError(f"{reference} cannot be pulled: {error}")
    if error.status in (401, 403):
        return UserError(f"{reference}: {error} A registry may also answer so when it has none of that name.")
    if error.status == 404:
        return UserError(f"{reference}: {reference.registry} has no such image, or not all of it ({error})")
    return RegistryError(f"{reference}: {error}", error.status)


def _layers(image: Manifest, config: ImageConfig) -> tuple[Layer, ...]:
    pairs = zip(image.layers, config.diff_ids, strict=True)
    return tuple(Layer(part.digest, part.size, diff_id, part.compression) for part, diff_id in pairs)
