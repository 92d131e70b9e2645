"""Digests, by which content is named: ``sha256:`` and 64 hexadecimal digits (OCI image spec, descriptor.md)."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedIOBase

from baselard.oci.errors import InvalidDigestError

_DIGEST = re.compile(r"(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})")


@dataclass(frozen=True)
class Digest:
    """A digest by its parts."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def parse(text: object) -> Digest:
    """Read a digest, which then can be part of a path or an address. Raises InvalidDigestError for what is none."""
    if not isinstance(text, str) or not _DIGEST.fullmatch(text):
        raise InvalidDigestError(f"{str(text)[:100]!r} is not a digest; write sha256: and 64 hex digits")
    return Digest(*text.split(":"))


def of_bytes(data: bytes, like: str = "") -> str:
    """The digest of ``data``, by the algorithm of the digest ``like``, else SHA-256."""
    algorithm = like.partition(":")[0]
    return of_hash(hashlib.new(algorithm if algorithm in ("sha256", "sha384", "sha512") else "sha256", data))


def of_file(file: BufferedIOBase, algorithm: str = "sha256") -> str:
    """The digest of what an open file holds from where it stands."""
    return of_hash(hashlib.file_digest(file, algorithm))


def of_hash(running: hashlib._Hash) -> str:
    """The digest of all that a hash of one of these algorithms was given."""
    return f"{running.name}:{running.hexdigest()}"


def blob_path(digest: str) -> str:
    """Where an image layout keeps the content (OCI image spec, image-layout.md)."""
    return "blobs/" + digest.replace(":", "/")


def directories(known: Iterable[str]) -> list[str]:
    """The directories of an image layout that hold the contents of these digests, each after what it is in."""
    return ["blobs", *sorted({posixpath.dirname(blob_path(digest)) for digest in known})]
