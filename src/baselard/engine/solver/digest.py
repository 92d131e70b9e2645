"""Digests of structured values, in one canonical form."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from baselard.engine.errors import UserError
from baselard.oci import digests
from baselard.oci.errors import InvalidDigestError


def checked(text: object) -> str:
    """``text`` if it is a digest of the store's blobs, by SHA-256. Raises UserError for anything else."""
    try:
        found = digests.parse(text)
    except InvalidDigestError as error:
        raise UserError(str(error)) from error
    if found.algorithm != "sha256":
        raise UserError(f"{found} is a digest that is not served here; only those by sha256 are")
    return str(found)


def of(tag: str, *parts: object) -> str:
    """The digest of ``parts`` under a version tag such as ``"exec.v1"``.

    Parts are JSON values, bytes, dataclasses or nested sequences and mappings of them; mappings count in key order.
    Objects with a string attribute ``key`` (nodes) count as that key.
    """
    return digests.of_bytes(_canonical([tag, parts]).encode("utf-8", "surrogateescape"))


def added_later(default: Any) -> Any:
    """A dataclass field that counts only when it is set: what was recorded before there was one stays known."""
    return dataclasses.field(default=default, metadata={"added_later": True})


def _counts(field: "dataclasses.Field[object]", value: object) -> bool:
    unset = field.metadata.get("added_later") and getattr(value, field.name) == field.default
    return field.compare and not unset


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(key := getattr(value, "key", None), str):
        return {"key": key}
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if _counts(f, value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


_canonical = json.JSONEncoder(default=_plain, sort_keys=True, separators=(",", ":")).encode
