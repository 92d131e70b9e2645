"""Manifests and indexes (OCI image spec, manifest.md and image-index.md; Docker's schema 2), read with suspicion."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baselard.engine.errors import UserError
from baselard.engine.solver import digest
from baselard.oci import digests, platforms
from baselard.oci.errors import InvalidConfigError
from baselard.oci.image_config import ImageConfig, Pairs
from baselard.oci.media_types import DOCKER_INDEX, DOCKER_MANIFEST, LARGEST_MANIFEST, OCI_INDEX, OCI_MANIFEST
from baselard.oci.platforms import Platform
from baselard.oci.text import JSON, loads, members, whole

REF_NAME = "org.opencontainers.image.ref.name"

_MOST_LAYERS = 1000
_COMPRESSIONS = {"gzip": "gzip", "zstd": "zstd"}


@dataclass(frozen=True)
class Descriptor:
    """The entry of a manifest or index about one blob or manifest; ``size`` in bytes."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Pairs = ()

    def to_json(self) -> dict[str, JSON]:
        plain: dict[str, JSON] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.platform:
            plain["platform"] = self.platform.to_json()
        if self.annotations:
            plain["annotations"] = dict(self.annotations)
        return plain

    @property
    def is_index(self) -> bool:
        return self.media_type in (OCI_INDEX, DOCKER_INDEX)

    @property
    def compression(self) -> str:
        """``gzip``, ``zstd`` or ``none``, by the media type."""
        ending = re.split(r"[.+]", self.media_type)[-1]
        return _COMPRESSIONS.get(ending, "none")


@dataclass(frozen=True)
class Manifest:
    """One platform's image: its configuration and its layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = OCI_MANIFEST
    annotations: Pairs = ()

    def to_bytes(self) -> bytes:
        """The JSON whose digest names the manifest; always the same bytes for the same manifest."""
        plain: dict[str, JSON] = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        if self.annotations:
            plain["annotations"] = dict(self.annotations)
        return encode(plain)


@dataclass(frozen=True)
class Index:
    """Several platforms' images under one digest."""

    manifests: tuple[Descriptor, ...]
    media_type: str = OCI_INDEX
    annotations: Pairs = ()

    def to_bytes(self) -> bytes:
        """The JSON whose digest names the index."""
        manifests = [entry.to_json() for entry in self.manifests]
        plain: dict[str, JSON] = {"schemaVersion": 2, "mediaType": self.media_type, "manifests": manifests}
        if self.annotations:
            plain["annotations"] = dict(self.annotations)
        return encode(plain)


def encode(value: JSON) -> bytes:
    """JSON as Go's encoder indents it for manifests; readable, and the same each time."""
    return whole(json.dumps(value, indent=2, ensure_ascii=False)).encode()


def described(media_type: str, data: bytes, platform: Platform | None = None, annotations: Pairs = ()) -> Descriptor:
    """The descriptor of these bytes."""
    return Descriptor(media_type, digests.of_bytes(data), len(data), platform, annotations)


def parse(data: bytes, media_type: str = "") -> Manifest | Index:
    """Read a manifest or an index. ``media_type`` is what the registry said, in case the JSON does not.

    Raises UserError for anything else, including Docker's schema 1, which registries stopped serving.
    """
    plain = load(data)
    kind = str(plain.get("mediaType") or media_type)
    try:
        if kind in (OCI_INDEX, DOCKER_INDEX) or (not kind and "manifests" in plain):
            return _index(plain, kind or OCI_INDEX)
        if kind in (OCI_MANIFEST, DOCKER_MANIFEST) or (not kind and "layers" in plain):
            return _manifest(plain, kind or OCI_MANIFEST)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"this is not an image manifest: {error}") from error
    raise UserError(f"this is not an image manifest but {kind or 'JSON without a media type'}")


def load(data: bytes) -> dict[str, JSON]:
    """A JSON object. Raises UserError for anything else and for what is too large."""
    if len(data) > LARGEST_MANIFEST:
        raise UserError(f"a manifest of {len(data)} bytes is too large; at most {LARGEST_MANIFEST} are read")
    try:
        plain = loads(data)
    except (ValueError, RecursionError) as error:
        raise UserError(f"this is not JSON: {error}") from error
    if not isinstance(plain, dict):
        raise UserError("this is not an image manifest: it is not a JSON object")
    return plain


def parse_config(data: bytes, manifest: Manifest) -> ImageConfig:
    """The configuration of ``manifest``, which must name as many layers. Raises UserError."""
    config = config_of(load(data))
    if len(config.diff_ids) != len(manifest.layers):
        raise UserError(
            f"the image has {len(manifest.layers)} layers but its configuration names {len(config.diff_ids)}"
        )
    for diff_id in config.diff_ids:
        digest.checked(diff_id)
    return config


def config_of(document: object) -> ImageConfig:
    """The configuration that a JSON document is. Raises UserError when it is none."""
    try:
        return ImageConfig.from_json(document)
    except InvalidConfigError as error:
        raise UserError(str(error)) from error


def choose(index: Index, wanted: Platform, tag: str = "") -> Descriptor:
    """The entry for a platform and, where ``tag`` is given, of that reference name.

    Raises UserError that lists what there is.
    """
    named = [entry for entry in index.manifests if not tag or dict(entry.annotations).get(REF_NAME) == tag]
    if not named:
        names = sorted({dict(entry.annotations).get(REF_NAME, "") for entry in index.manifests} - {""})
        raise UserError(f"there is no image named {tag!r} here; there are: {', '.join(names) or 'none with a name'}")
    if len(named) == 1 and not named[0].platform:
        return named[0]
    best = platforms.choose(wanted, [entry.platform for entry in named if entry.platform])
    if best is None:
        offered = sorted({str(entry.platform) for entry in named if entry.platform and entry.platform.os != "unknown"})
        raise UserError(
            f"there is no image for {wanted} here; there are: {', '.join(offered) or 'none with a platform'}"
        )
    return next(entry for entry in named if entry.platform == best)


def _index(plain: Mapping[str, JSON], kind: str) -> Index:
    return Index(tuple(_descriptors(plain["manifests"])), kind, _annotations(plain))


def _manifest(plain: Mapping[str, JSON], kind: str) -> Manifest:
    return Manifest(_descriptor(plain["config"]), tuple(_descriptors(plain["layers"])), kind, _annotations(plain))


def _descriptors(entries: JSON) -> list[Descriptor]:
    if not isinstance(entries, Sequence) or len(entries) > _MOST_LAYERS:
        raise UserError("this is not an image manifest: it has no list, or one with too many entries")
    return [_descriptor(entry) for entry in entries]


def _descriptor(entry: JSON) -> Descriptor:
    plain = members(entry)
    size = plain["size"]
    if not isinstance(size, int) or not 0 <= size < 1 << 44:
        raise UserError(f"this is not an image manifest: {size!r} is not a size")
    where = members(plain.get("platform") or {})
    platform = None
    if where.get("architecture"):
        platform = platforms.normal(
            str(where.get("os") or "linux"), str(where["architecture"]), str(where.get("variant") or "")
        )
    return Descriptor(str(plain["mediaType"]), digest.checked(plain["digest"]), size, platform, _annotations(plain))


def _annotations(plain: Mapping[str, JSON]) -> Pairs:
    return tuple((str(name), str(value)) for name, value in members(plain.get("annotations") or {}).items())
