"""Digests: ``sha256:<hex>`` of bytes, and of structured values in one canonical form."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from baselard.engine.errors import UserError

_DIGEST = re.compile(r"sha256:[a-f0-9]{64}\Z")


def of_bytes(data: bytes) -> str:
    """The OCI digest of ``data``: ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def checked(text: Any) -> str:
    """``text`` if it is a digest, which can then be part of a path or an address; raises UserError otherwise."""
    if not isinstance(text, str) or not _DIGEST.match(text):
        raise UserError(f"{str(text)[:100]!r} is not a digest; sha256: and 64 hex digits are")
    return text


def of(tag: str, *parts: Any) -> str:
    """The digest of ``parts`` under a version tag such as ``"exec.v1"``.

    Parts are JSON values, bytes, dataclasses or nested sequences and mappings of them; mappings count in key order.
    Objects with a string attribute ``key`` (nodes) count as that key.
    """
    text = json.dumps([tag, parts], default=_plain, sort_keys=True, separators=(",", ":"))
    return of_bytes(text.encode("utf-8", "surrogateescape"))


def added_later(default: Any) -> Any:
    """A dataclass field that counts only when it is set: what was recorded before there was one stays known."""
    return dataclasses.field(default=default, metadata={"added_later": True})


def _counts(field: "dataclasses.Field[Any]", value: Any) -> bool:
    unset = field.metadata.get("added_later") and getattr(value, field.name) == field.default
    return field.compare and not unset


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(getattr(value, "key", None), str):
        return {"key": value.key}
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if _counts(f, value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
