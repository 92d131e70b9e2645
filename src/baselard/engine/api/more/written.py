"""Objects as JSON: how they come about, dataclass by dataclass, each once.

Reading makes them anew, of the classes below and no others, so that their keys are their own. Secrets, sockets and what
needs one are not written down, nor is an address with a password, nor content of more than a megabyte.
"""

import base64
import enum
import functools
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from types import ModuleType
from typing import Any

from baselard.engine.api.objects import caches, container, directory, values
from baselard.engine.errors import without_passwords
from baselard.engine.files import walking
from baselard.engine.ops import (
    archive,
    copy,
    docker_image,
    exec,
    existing,
    file,
    git,
    host,
    http,
    merge,
    merge_changes,
    patch,
    replace,
    scratch,
    source,
    tarball,
    unpack,
)
from baselard.engine.run.containers import command
from baselard.engine.run.containers.command import SecretMount, SecretRef, SocketMount
from baselard.engine.run.services import service
from baselard.engine.solver import graph
from baselard.engine.store.stored import OBJECTS
from baselard.oci import durations, image_config, platforms, reference

_KINDS = (caches.CacheVolume, container.Container, directory.Directory, directory.File)
_LARGEST = 1 << 20  # bytes of a file's content that is given in a query; with more of it an object is not written down
_OF_A_SESSION = (SecretRef, SecretMount, SocketMount)

_OBJECTS = (caches, container, directory, values, walking, command, service, graph)
_OPS = (archive, copy, docker_image, exec, existing, file, git, host, http, merge, merge_changes)
_MORE_OPS = (patch, replace, scratch, source, tarball, unpack)
_NOUNS = (durations, image_config, platforms, reference)


def _classes(modules: Sequence[ModuleType]) -> Iterator[type]:
    for module in modules:
        for _, found in inspect.getmembers(module, inspect.isclass):
            if is_dataclass(found) or issubclass(found, enum.Enum):
                yield found


_KNOWN: Mapping[str, type] = {
    f"{one.__module__}:{one.__name__}": one
    for one in _classes((*_OBJECTS, *_OPS, *_MORE_OPS, *_NOUNS))
    if one not in _OF_A_SESSION
}


class _UnknownError(Exception):
    """A value of a kind that is not written down."""


def write(value: object) -> dict[str, Any] | None:
    """The object as JSON; None for one that is not kept, or cannot be."""
    writer = _Writer()
    try:
        return {OBJECTS: writer.objects, "top": writer.write(value)} if isinstance(value, _KINDS) else None
    except _UnknownError:
        return None


def read(data: Mapping[str, Any]) -> object:
    """The object that ``write`` wrote down."""
    made: list[object] = []
    for name, said in data[OBJECTS]:
        kind: Any = _KNOWN[name]
        made.append(kind(**{key: _read(value, made) for key, value in said.items()}))
    found: object = _read(data["top"], made)
    return found


@dataclass
class _Writer:
    """Writes values as JSON; dataclasses go into ``objects``, those inside before those around them."""

    objects: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)

    def write(self, value: object) -> Any:
        """JSON for the value. Raises _UnknownError."""
        if isinstance(value, enum.Enum):
            return {"enum": _named(value), "value": value.value}
        if isinstance(value, str) and without_passwords(value) != value:
            raise _UnknownError
        if value is None or isinstance(value, str | int | float):
            return value
        if isinstance(value, bytes) and len(value) <= _LARGEST:
            return {"bytes": base64.b64encode(value).decode()}
        if isinstance(value, tuple):
            return [self.write(one) for one in value]
        if is_dataclass(value):
            return {"object": self._object(value)}
        raise _UnknownError

    def _object(self, value: Any) -> int:
        if getattr(value, "agent", ""):
            raise _UnknownError  # the socket of an ssh agent
        if id(value) not in self.numbers:
            kind: Any = type(value)
            said = {name: self.write(getattr(value, name)) for name in _names(kind)}
            self.objects.append((_named(value), said))
            self.numbers[id(value)] = len(self.objects) - 1
        return self.numbers[id(value)]


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.init)


def _named(value: object) -> str:
    name = f"{type(value).__module__}:{type(value).__name__}"
    if name not in _KNOWN:
        raise _UnknownError
    return name


def _read(said: Any, made: Sequence[object]) -> Any:
    if isinstance(said, list):
        return tuple(_read(one, made) for one in said)
    if not isinstance(said, dict):
        return said
    if "object" in said:
        return made[said["object"]]
    if "enum" in said:
        return _KNOWN[said["enum"]](said["value"])
    return base64.b64decode(said["bytes"])
