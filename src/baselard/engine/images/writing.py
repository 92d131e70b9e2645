"""Makes images out of trees and configurations: layers, configuration, manifest and, for several platforms, an index.

All of it lies in the store as blobs afterwards; archives and pushes read it from there.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from baselard.engine.errors import UserError
from baselard.engine.images import manifest
from baselard.engine.images.layers import groups, pack
from baselard.engine.images.layers.groups import Grouping, Marks
from baselard.engine.images.manifest import Descriptor, Index, Manifest
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer
from baselard.oci import media_types
from baselard.oci.digits import decimal
from baselard.oci.image_config import History, ImageConfig, Pairs

_LATEST = 253402300799  # the last second of the year 9999, after which no date can be written
_OCI_SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}
_DOCKER_SUFFIX = {"gzip": ".gzip", "zstd": ".zstd", "none": ""}

Packed = Callable[[Layer], None]
"""Told of each layer as soon as it is packed, so that it can be on its way while the next is made."""


@dataclass(frozen=True)
class Variant:
    """One platform's container: what ``publish``, ``asTarball`` and ``export`` are given.

    ``marks`` are the trees after each instruction that the configuration's history ends with, see ``layer_groups``.
    """

    tree: Snapshot | None
    config: ImageConfig
    annotations: Pairs = ()
    marks: Marks = ()


@dataclass(frozen=True)
class Format:
    """How images are written. ``compression`` is one of a Layer, or ``""``: as it is, else gzip.

    ``epoch`` is SOURCE_DATE_EPOCH in seconds.
    """

    compression: str = ""
    docker: bool = False
    epoch: int | None = None


@dataclass(frozen=True)
class WrittenImage:
    """One platform's image; every blob is in the store."""

    descriptor: Descriptor
    manifest: Manifest
    data: bytes


@dataclass(frozen=True)
class Whole:
    """The manifest that a reference will name: an index over ``images``, or the only one of them."""

    descriptor: Descriptor
    data: bytes
    images: tuple[WrittenImage, ...]


def source_date_epoch() -> int | None:
    """The variable SOURCE_DATE_EPOCH (reproducible-builds.org). Raises UserError when it is no number."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = decimal(text, _LATEST)
    if text and seconds is None:
        raise UserError(f"SOURCE_DATE_EPOCH={text!r} is not a number of seconds since 1970")
    return seconds


def check_variants(configs: Sequence[ImageConfig]) -> None:
    """Raises UserError when there is nothing to write, or two images are for one platform."""
    if not configs:
        raise UserError("no containers to export: none of them has a root file system")
    seen = set()
    for config in configs:
        if config.platform in seen:
            raise UserError(f"duplicate platform {config.platform}: an index holds one image for each")
        seen.add(config.platform)


def write(store: Store, variants: Sequence[Variant], form: Format, on_packed: Packed | None = None) -> Whole:
    """Make the image of one variant, or the index of several, sorted by platform."""
    check_variants([variant.config for variant in variants])
    ordered = sorted(variants, key=lambda variant: variant.config.platform)
    images = tuple(_image(store, variant, form, on_packed or (lambda _: None)) for variant in ordered)
    if len(images) == 1:
        return Whole(images[0].descriptor, images[0].data, images)
    return index(images, docker=form.docker)


def index(images: Sequence[WrittenImage], *, docker: bool = False, annotations: Pairs = ()) -> Whole:
    """An index over images."""
    kind = media_types.DOCKER_INDEX if docker else media_types.OCI_INDEX
    data = Index(tuple(image.descriptor for image in images), kind, annotations).to_bytes()
    return Whole(manifest.described(kind, data), data, tuple(images))


def _image(store: Store, variant: Variant, form: Format, on_packed: Packed) -> WrittenImage:
    layers: list[Layer] = []
    grouping = groups.grouping(store, variant.tree, variant.marks)
    for group in grouping.groups:
        layers.append(pack.pack(store, group, compression=form.compression, epoch=form.epoch))
        on_packed(layers[-1])
    made_by = [instruction(store.maker(group.top)) for group in grouping.groups]
    config = manifest.encode(_config(variant.config, layers, made_by, grouping, form.epoch).to_json())
    store.put_blob([config])
    kind = media_types.DOCKER_CONFIG if form.docker else media_types.OCI_CONFIG
    made = Manifest(
        manifest.described(kind, config),
        tuple(_descriptor(layer, form) for layer in layers),
        media_types.DOCKER_MANIFEST if form.docker else media_types.OCI_MANIFEST,
        variant.annotations,
    )
    data = made.to_bytes()
    return WrittenImage(manifest.described(made.media_type, data, variant.config.platform), made, data)


def _descriptor(layer: Layer, form: Format) -> Descriptor:
    kinds, suffixes = (
        (media_types.DOCKER_LAYER, _DOCKER_SUFFIX) if form.docker else (media_types.OCI_LAYER, _OCI_SUFFIX)
    )
    return Descriptor(kinds + suffixes[layer.compression], layer.digest, layer.size)


def instruction(label: str) -> str:
    """An image's history of a step: as docker writes it for a command, and never a path of this machine."""
    if label.startswith("exec "):
        return "RUN " + label.removeprefix("exec ")
    return "host directory" if label.startswith("host directory ") else label or "baselard"


def _config(
    config: ImageConfig, layers: Sequence[Layer], made_by: Sequence[str], grouping: Grouping, epoch: int | None
) -> ImageConfig:
    """With the layers it will have, and a history that names each: validators compare the two."""
    created = config.created if epoch is None else datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entries = [History(created_by=text, created=created) for text in made_by]
    diff_ids = tuple(layer.diff_id for layer in layers)
    return replace(config, created=created, history=_history(config.history, entries, grouping), diff_ids=diff_ids)


def _history(told: Sequence[History], made: Sequence[History], grouping: Grouping) -> tuple[History, ...]:
    """The history of the lower layers and of the instructions; where nothing is, or too much, how they were made."""
    filled = [number for number, entry in enumerate(told) if not entry.empty_layer]
    count = len(filled) - len(grouping.layered)
    start = filled[count] if grouping.layered else len(told)
    lower = tuple(told[:start]) if count <= grouping.lower else ()
    missing = made[count if lower else 0 : grouping.lower]
    layered = iter(grouping.layered)
    own = [entry if entry.empty_layer else replace(entry, empty_layer=not next(layered)) for entry in told[start:]]
    return (*lower, *missing, *own, *made[grouping.lower + sum(grouping.layered) :])
