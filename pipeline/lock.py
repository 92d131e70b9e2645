"""`baselard.lock`: digests of images that Dockerfiles name by a tag alone. A build takes these; `update` moves them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from baselard.oci import digests
from baselard.oci.errors import InvalidDigestError
from baselard.oci.text import members
from pipeline.errors import ConfigError, UsageError
from pipeline.references import parse_reference

if TYPE_CHECKING:
    from pipeline.project import SourceTree

FILE = "baselard.lock"


def key(reference: str) -> str:
    """The name of an image in the lock: registry, repository and tag. Raises UsageError."""
    named = parse_reference(reference)
    return str(replace(named, tag=named.tag or "latest", digest=""))


def locked(images: Mapping[str, str], reference: str) -> str:
    """The reference with the digest that the lock has for it; as it is where it has a digest or the lock has none."""
    if not images or "@" in reference:
        return reference
    name = key(reference)
    return f"{name}@{images[name]}" if name in images else reference


async def read(tree: SourceTree) -> Mapping[str, str]:
    """The digests by name; nothing where there is no lock. Raises ConfigError."""
    text = await tree.text(FILE) if await tree.glob(FILE) else None
    return {} if text is None else parse(text)


def parse(text: str) -> Mapping[str, str]:
    """The digests in a lock's text. Raises ConfigError."""
    try:
        images = members(members(json.loads(text)).get("images"))
        for name, digest in images.items():
            digests.parse(str(digest))
            if key(name) != name:
                raise ConfigError(f"{FILE}: {name} is written {key(name)}; `baselard update` writes this file")
    except (ValueError, TypeError, RecursionError, InvalidDigestError, UsageError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{FILE}: cannot be read ({error}); `baselard update --lock` writes it anew") from error
    return {name: str(digest) for name, digest in images.items()}


def render(images: Mapping[str, str]) -> str:
    """The text of a lock, sorted, so that equal contents give equal text."""
    return json.dumps({"images": dict(sorted(images.items()))}, indent=2) + "\n"
