"""Reads a registry for a client that judges an image: as a pull does, with its credentials, at its mirrors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselard.engine.errors import EngineError, UserError
from baselard.engine.images import pull, reference
from baselard.engine.images.registries import Registries
from baselard.oci.media_types import OCI_INDEX
from baselard.oci.reference import Reference

if TYPE_CHECKING:
    from baselard.oci.registry.repository import Repository

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|referrers)/(?P<target>[^/]+)")
_LARGEST = 128 << 20  # bytes of a blob: one statement, as cosign limits it


@dataclass(frozen=True)
class RegistryAnswer:
    """A registry's answer."""

    body: bytes
    media_type: str


@dataclass(frozen=True)
class RegistryRead:
    """One read of distribution's API: ``kind`` is ``manifests``, ``blobs`` or ``referrers``."""

    kind: str
    reference: Reference


def wanted(registry: str, path: str) -> RegistryRead | None:
    """The read that a path of distribution's API asks a registry for; None for any other path.

    Raises UserError for what makes no reference.
    """
    if not (asked := _PATH.fullmatch(path)):
        return None
    target = asked["target"]
    name = f"{registry}/{asked['name']}"
    return RegistryRead(asked["kind"], reference.parse(f"{name}@{target}" if ":" in target else f"{name}:{target}"))


def read(registries: Registries, asked: RegistryRead) -> RegistryAnswer | None:
    """The first place's answer that there is; None where no place has it, or the others cannot be asked.

    Raises as ``pull.resolve`` where none could be asked.
    """
    absent = False

    def ask(repository: Repository) -> RegistryAnswer:
        nonlocal absent
        answer = _KINDS[asked.kind](repository, asked.reference.target)
        if answer is None:
            absent = True
            raise UserError(f"{repository.connection.host} has no {asked.reference}")
        return answer

    try:
        return pull.from_first(registries, asked.reference, lambda _: None, ask)
    except EngineError:
        if absent:
            return None
        raise


def _manifest(repository: Repository, target: str) -> RegistryAnswer | None:
    answer = repository.manifest(target)
    return RegistryAnswer(answer.body, answer.media_type) if answer else None


def _blob(repository: Repository, target: str) -> RegistryAnswer | None:
    body = repository.blob(target, _LARGEST)
    return None if body is None else RegistryAnswer(body, "application/octet-stream")


def _referrers(repository: Repository, target: str) -> RegistryAnswer | None:
    listed = repository.referrers(target)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    return RegistryAnswer(json.dumps(index).encode(), OCI_INDEX) if listed else None


_KINDS: Mapping[str, Callable[[Repository, str], RegistryAnswer | None]] = {
    "manifests": _manifest,
    "blobs": _blob,
    "referrers": _referrers,
}
