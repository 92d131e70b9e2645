"""Reads image archives: OCI layouts and ``docker save``'s, in a tar that may be compressed, trusting none of it."""

import json
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from baselard.engine.errors import UserError
from baselard.engine.files.file_bytes import copy_range
from baselard.engine.images import manifest
from baselard.engine.images.layers import tar_read
from baselard.engine.images.layers.stream import compression_of, decompressed
from baselard.engine.images.manifest import Index, Manifest
from baselard.engine.solver.digest import checked
from baselard.engine.store.database import Store
from baselard.engine.store.layer_index import Layer
from baselard.oci import digests, media_types
from baselard.oci.image_config import ImageConfig
from baselard.oci.platforms import Platform
from baselard.oci.text import JSON

_CHUNK = 1 << 20
_MOST_MEMBERS = 20_000
_MOST_LINKS = 8
_TAR_MAGIC = b"ustar"


@dataclass
class Archive:
    """An opened archive. ``members`` say where each file's bytes lie, ``links`` which name means another."""

    file: IO[bytes]
    members: dict[str, tuple[int, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return self._real(name) in self.members

    def read(self, name: str) -> bytes:
        """A small file, whole. Raises UserError when it is not there or too large."""
        start, size = self._where(name)
        if size > media_types.LARGEST_MANIFEST:
            raise UserError(f"the archive's {name} has {size} bytes, too many to be read")
        self.file.seek(start)
        return self._exactly(self.file.read(size), size, name)

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece."""
        at, left = self._where(name)
        while left:
            data = self._exactly(os.pread(self.file.fileno(), min(left, _CHUNK), at), 1, name)
            at, left = at + len(data), left - len(data)
            yield data

    def copy(self, name: str, path: Path) -> None:
        """Fill the file ``path`` with a file's bytes, which need not come through memory."""
        start, size = self._where(name)
        with path.open("wb") as copy:
            copy_range(self.file.fileno(), copy.fileno(), start, size, shift=-start)
        if path.stat().st_size < size:
            raise _truncated(name)

    def size(self, name: str) -> int:
        """A file's size in bytes."""
        return self._where(name)[1]

    def compression(self, name: str) -> str:
        """``gzip``, ``zstd`` or ``none``, told by a file's first bytes."""
        return compression_of(os.pread(self.file.fileno(), 4, self._where(name)[0]))

    def _where(self, name: str) -> tuple[int, int]:
        real = self._real(name)
        if real not in self.members:
            raise UserError(f"the archive names {name!r}, which is not in it")
        return self.members[real]

    def _real(self, name: str) -> str:
        """``docker save`` used to link equal layers to each other."""
        name = _clean(name)
        for _ in range(_MOST_LINKS):
            if name not in self.links:
                return name
            name = self.links[name]
        raise UserError(f"the archive's {name!r} is a link that leads in a circle")

    def _exactly(self, data: bytes, size: int, name: str) -> bytes:
        if len(data) < size:
            raise _truncated(name)
        return data


@dataclass(frozen=True)
class Chosen:
    """The image of an archive that was asked for. ``blobs`` are the layers' names in the archive, lowest first."""

    config: ImageConfig
    layers: tuple[Layer, ...]
    blobs: tuple[str, ...]


@contextmanager
def opened(path: Path, store: Store) -> Iterator[Archive]:
    """The archive at ``path``; a compressed one is decompressed into the store's work first. Raises UserError."""
    with path.open("rb") as file, store.temp_dir() as work:
        if _is_tar(file):
            yield _indexed(file)
            return
        with (work / "archive").open("w+b") as plain:
            for chunk in decompressed(file):
                plain.write(chunk)
            if not _is_tar(plain):
                raise UserError("this is not an image archive: it is not a tar")
            yield _indexed(plain)


def choose(archive: Archive, platform: Platform, tag: str = "") -> Chosen:
    """The archive's image for ``platform`` and, where ``tag`` is given, of that name.

    Raises UserError that says what is wrong, or what there is.
    """
    if archive.has("index.json"):
        return _from_layout(archive, platform, tag)
    if archive.has("manifest.json"):
        return _from_docker(archive, tag)
    raise UserError("this is not an image archive: it holds neither index.json (OCI) nor manifest.json (docker save)")


def _from_layout(archive: Archive, platform: Platform, tag: str) -> Chosen:
    found = manifest.parse(archive.read("index.json"), media_types.OCI_INDEX)
    if not isinstance(found, Index):
        raise UserError("this is not an image archive: its index.json is not an index")
    for _ in range(3):  # an index.json names an index of platforms where there are several
        entry = manifest.choose(found, platform, tag)
        data = archive.read(digests.blob_path(entry.digest))
        if digests.of_bytes(data) != entry.digest:
            raise UserError(f"the archive is broken: {entry.digest} has the digest {digests.of_bytes(data)}")
        parsed = manifest.parse(data, entry.media_type)
        if isinstance(parsed, Manifest):
            return _image(archive, parsed)
        found, tag = parsed, ""
    raise UserError("the archive's indexes are nested too deep")


def _image(archive: Archive, image: Manifest) -> Chosen:
    data = archive.read(digests.blob_path(image.config.digest))
    if digests.of_bytes(data) != image.config.digest:
        raise UserError(f"the archive is broken: {image.config.digest} has the digest {digests.of_bytes(data)}")
    config = manifest.parse_config(data, image)
    pairs = list(zip(image.layers, config.diff_ids, strict=True))
    layers = tuple(Layer(part.digest, part.size, diff_id, part.compression) for part, diff_id in pairs)
    return Chosen(config, layers, tuple(digests.blob_path(part.digest) for part, _ in pairs))


def _from_docker(archive: Archive, tag: str) -> Chosen:
    """``docker save`` before OCI layouts (moby, image/spec/v1.2): layers without digests, checked by their content."""
    images = _docker_images(archive)
    named = [image for image in images if not tag or _is_named(image, tag)]
    if not named:
        names = sorted(name for image in images for name in _tags(image))
        raise UserError(f"there is no image named {tag!r} here; there are: {', '.join(names) or 'none with a name'}")
    try:
        config_name, listed = str(named[0]["Config"]), named[0]["Layers"] or []
        blobs = tuple(map(str, listed if isinstance(listed, list) else ()))
    except (KeyError, TypeError) as error:
        raise UserError(f"this is not an image archive: its manifest.json lacks {error}") from error
    config = manifest.config_of(manifest.load(archive.read(config_name)))
    if len(config.diff_ids) != len(blobs):
        raise UserError(f"the image has {len(blobs)} layers but its configuration names {len(config.diff_ids)}")
    layers = tuple(Layer("", 0, checked(diff_id), "none") for diff_id in config.diff_ids)
    return Chosen(config, layers, blobs)


def _docker_images(archive: Archive) -> list[dict[str, JSON]]:
    try:
        images = json.loads(archive.read("manifest.json"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"this is not an image archive: its manifest.json is not JSON: {error}") from error
    if not isinstance(images, list) or not images or not all(isinstance(image, dict) for image in images):
        raise UserError("this is not an image archive: its manifest.json lists no images")
    return images


def _tags(image: dict[str, JSON]) -> list[str]:
    names = image.get("RepoTags")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _is_named(image: dict[str, JSON], tag: str) -> bool:
    whole = (tag, f"docker.io/{tag}", f"docker.io/library/{tag}")
    return any(name in whole or name.endswith(f":{tag}") for name in _tags(image))


def _indexed(file: IO[bytes]) -> Archive:
    """Where everything is. Only files count, and links among them; names that climb or are absolute are refused."""
    archive = Archive(file)
    counting = _Counting(file)
    for entry in tar_read.TarReader(counting):
        name = _clean(entry.name.decode("utf-8", "surrogateescape"))
        if len(archive.members) > _MOST_MEMBERS:
            raise UserError(f"this is not an image archive: it has more than {_MOST_MEMBERS} files")
        if entry.kind == tar_read.REGULAR and entry.segments is None:
            archive.members[name] = (counting.at, entry.size)
        elif entry.kind in (tar_read.SYMLINK, tar_read.HARD_LINK):
            base = posixpath.dirname(name) if entry.kind == tar_read.SYMLINK else ""
            target = entry.link.decode("utf-8", "surrogateescape")
            archive.links[name] = _clean(posixpath.normpath(posixpath.join(base, target)))
        elif entry.kind != tar_read.DIRECTORY:
            raise UserError(f"this is not an image archive: {name!r} is not a file")
    return archive


@dataclass
class _Counting:
    """A tar's source that skips by seeking and knows where it is."""

    file: IO[bytes]
    at: int = 0

    def __post_init__(self) -> None:
        self.end = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        self.at += len(data)
        return data

    def skip(self, size: int) -> int:
        before, self.at = self.at, self.file.seek(min(self.at + size, self.end))
        return self.at - before


def _truncated(name: str) -> UserError:
    return UserError(f"the archive is truncated: it ends inside {name}")


def _is_tar(file: IO[bytes]) -> bool:
    file.seek(257)
    magic = file.read(5)
    file.seek(0)
    return magic == _TAR_MAGIC


def _clean(name: str) -> str:
    if name.startswith("/") or ".." in name.split("/"):
        raise UserError(f"the archive holds the name {name[:200]!r}, which leads out of it")
    return posixpath.normpath(name)
