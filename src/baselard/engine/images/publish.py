"""Pushes images: layers while the next ones are packed, then manifests by digest, and the tag last of all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from baselard.engine.errors import UserError
from baselard.engine.images import writing
from baselard.engine.images.registries import Registries, Say
from baselard.engine.images.writing import Format, Variant, Whole
from baselard.engine.store import layer_index, origins
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import ancestry
from baselard.oci.reference import Reference

if TYPE_CHECKING:
    from baselard.oci.registry.repository import Repository

_AT_ONCE = 4
ALLOW_BOOTSTRAPPED = "BASELARD_PUBLISH_BOOTSTRAPPED"


@dataclass
class Uploads:
    """Blobs on their way to one repository, each once. ``sent`` holds the sizes of those that it did not have."""

    store: Store
    target: Reference
    repository: Repository
    pool: ThreadPoolExecutor
    sent: list[int] = field(default_factory=list)
    jobs: dict[str, Future[None]] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Send the store's blob of that digest in the background."""
        if name not in self.jobs:
            self.jobs[name] = self.pool.submit(copy_context().run, self._send, name)

    def finish(self) -> None:
        for job in self.jobs.values():
            job.result()

    def _send(self, name: str) -> None:
        blobs = self.repository.blobs
        if not blobs.has(name):
            source = origins.find(self.store, name, self.target)
            location = blobs.mount_or_begin(name, source)
            if location is not None:
                path = self.store.blob_path(name)
                blobs.push(path, name, location)
                self.sent.append(path.stat().st_size)
        origins.record(self.store, name, self.target)


def publish(  # noqa: PLR0913
    store: Store, registry: Registries, target: Reference, variants: Sequence[Variant], *, form: Format, say: Say
) -> tuple[Reference, Whole]:
    """Push the image of one variant, or the index of several, to ``target``.

    What the registry already has is not sent. The tag moves when everything it leads to is there, so nobody ever
    pulls half an image. Gives the reference with its digest, and what was pushed. Raises UserError for a bootstrapped
    base on its way to another machine, RegistryError, HostError.
    """
    if target.digest:
        raise UserError(f"{target}: what is pushed gets its digest by itself; leave @{target.digest[:15]}… out")
    _refuse_bootstrapped(store, target, variants)
    with uploading(store, registry, target, say) as uploads:
        whole = writing.write(store, variants, form, lambda layer: uploads.add(layer.digest))
        for image in whole.images:
            uploads.add(image.manifest.config.digest)
    with registry.repository(target, say) as repository:
        push_manifests(repository, whole, target.tag)
    return target.with_digest(whole.descriptor.digest), whole


@contextlib.contextmanager
def uploading(store: Store, registry: Registries, target: Reference, say: Say) -> Iterator[Uploads]:
    """Gives what sends blobs of the store to ``target``'s repository.

    At the end of the block all of them are there; when one fails, the block raises that.
    """
    with registry.repository(target, say) as repository, ThreadPoolExecutor(_AT_ONCE, "push") as pool:
        uploads = Uploads(store, target, repository, pool)
        try:
            yield uploads
            uploads.finish()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def push_manifests(repository: Repository, whole: Whole, tag: str) -> None:
    """Every manifest by its digest, then the index, then the tag; what is there already is left alone."""
    if repository.resolve(whole.descriptor.digest) is None:
        for image in whole.images:
            if repository.resolve(image.descriptor.digest) is None:
                repository.put_manifest(image.descriptor.digest, image.descriptor.media_type, image.data)
        if len(whole.images) != 1 or whole.descriptor.is_index:
            repository.put_manifest(whole.descriptor.digest, whole.descriptor.media_type, whole.data)
    if tag and repository.resolve(tag) != whole.descriptor.digest:
        repository.put_manifest(tag, whole.descriptor.media_type, whole.data)


def _refuse_bootstrapped(store: Store, target: Reference, variants: Sequence[Variant]) -> None:
    """A base made here stands in for the official image while one works; others should get the official one."""
    if target.is_local or os.environ.get(ALLOW_BOOTSTRAPPED):
        return
    for variant in variants:
        for link in ancestry(variant.tree):
            if made := layer_index.bootstrapped(store, link):
                raise UserError(
                    f"{target}: the base was bootstrapped here as {made}, because its registry could not be reached; "
                    f"such an image is not pushed to another machine unless {ALLOW_BOOTSTRAPPED}=1 is set"
                )
