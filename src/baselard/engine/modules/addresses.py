"""Objects named by a string: what a flag or a default says, turned into the API's object.

The forms are those of Dagger's ``address``: paths and git URLs for directories and files, image references for
containers (or, of this machine, ``oci-archive:PATH`` as skopeo writes it, or a path that no reference could be),
``env:`` ``file:`` ``cmd:`` for secrets, ``tcp://`` for services, ``unix://`` for sockets.
"""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from baselard.engine.errors import UserError
from baselard.oci.digits import LARGEST_PORT, decimal
from baselard.oci.text import JSON

Ask = Callable[[str], Awaitable[JSON]]
"""Runs a GraphQL query; the value of its innermost field comes back. Raises what the resolvers raise."""

_ARCHIVE = re.compile(r"(?:oci-archive:|file://)(?P<path>.+)|(?P<bare>\.{0,2}/.+|.+\.tar)")
_GIT = re.compile(r"(https?|git|ssh)://|git@|(github\.com|gitlab\.com|bitbucket\.org)/")


@dataclass(frozen=True)
class ObjectAddress:
    """An object of the API's type ``type_name`` by its text; ``exclude`` leaves files out of a directory."""

    type_name: str
    text: str
    exclude: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        if self.type_name == "Container":
            return _ARCHIVE.fullmatch(self.text) is not None
        return self.type_name in ("Directory", "File") and not _GIT.match(self.text)

    @property
    def path(self) -> str:
        """The path, when it is one of this machine."""
        match = _ARCHIVE.fullmatch(self.text) if self.type_name == "Container" else None
        return match["path"] or match["bare"] if match else self.text.removeprefix("file://")


def can_name(type_name: str) -> bool:
    """Whether an object of this type can be named by a string at all."""
    return type_name in _QUERIES


async def load(ask: Ask, address: ObjectAddress) -> str:
    """The ID of the object. Raises UserError for a text that means nothing."""
    if address.type_name == "Container" and address.is_local:
        file = await load(ask, ObjectAddress("File", address.path))
        return str(await ask(f"{{ container {{ import(source: {quote(file)}) {{ id }} }} }}"))
    return str(await ask("{" + _QUERIES[address.type_name](address) + "}"))


async def loaded(ask: Ask, value: object, exclude: tuple[str, ...] = ()) -> JSON:
    """A value that somebody gave as the API takes it: of an object, its ID. ``exclude`` is for directories."""
    if isinstance(value, list):
        return [await loaded(ask, item, exclude) for item in value]
    if isinstance(value, ObjectAddress):
        return await load(ask, replace(value, exclude=exclude or value.exclude))
    return cast(JSON, value)


def quote(value: object) -> str:
    """A JSON value as a GraphQL literal."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {quote(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(quote, value)) + "]"
    return json.dumps(value)


def _directory(address: ObjectAddress) -> str:
    if not address.is_local:
        return _git(address.text, "directory")
    exclude = f", exclude: {quote(address.exclude)}" if address.exclude else ""
    return f"host {{ directory(path: {quote(address.path)}, noCache: true{exclude}) {{ id }} }}"


def _file(address: ObjectAddress) -> str:
    if not address.is_local:
        return _git(address.text, "file")
    return f"host {{ file(path: {quote(address.path)}) {{ id }} }}"


def is_secret(text: str) -> bool:
    """Whether ``text`` says where a secret is, rather than being one."""
    return "://" in _secret_uri(text)


def _secret_uri(text: str) -> str:
    """``env:NAME``, ``file:PATH`` and ``cmd:COMMAND`` are short for the URIs with slashes."""
    return re.sub(r"\A(env|file|cmd):(?!//)", r"\1://", text)


def _git(text: str, field: str) -> str:
    """``URL[#REF[:PATH]]``, as in Docker's build contexts."""
    url, _, rest = text.partition("#")
    ref, _, path = rest.partition(":")
    tree = f"ref(name: {quote(ref)})" if ref else "head"
    below = f"{field}(path: {quote(path or '.')}) {{ id }}"
    return f"git(url: {quote(url)}) {{ {tree} {{ tree {{ {below} }} }} }}"


def _git_ref(address: ObjectAddress) -> str:
    url, _, ref = address.text.partition("#")
    return f"git(url: {quote(url)}) {{ {f'ref(name: {quote(ref)})' if ref else 'head'} {{ id }} }}"


def _service(address: ObjectAddress) -> str:
    match = re.fullmatch(r"(tcp|udp)://([^:/]+):([0-9]+)", address.text)
    if not match or not decimal(match[3], LARGEST_PORT):
        raise UserError(f"{address.text}: a service is named tcp://HOST:PORT or udp://HOST:PORT")
    protocol, name, port = match[1].upper(), match[2], match[3]
    ports = f"{{frontend: {port}, backend: {port}, protocol: {protocol}}}"
    return f"host {{ service(host: {quote(name)}, ports: [{ports}]) {{ id }} }}"


_QUERIES: dict[str, Callable[[ObjectAddress], str]] = {
    "Directory": _directory,
    "File": _file,
    "Container": lambda address: f"container {{ from(address: {quote(address.text)}) {{ id }} }}",
    "Secret": lambda address: f"secret(uri: {quote(_secret_uri(address.text))}) {{ id }}",
    "Service": _service,
    "CacheVolume": lambda address: f"cacheVolume(key: {quote(address.text)}) {{ id }}",
    "Socket": lambda address: f"host {{ unixSocket(path: {quote(address.text.removeprefix('unix://'))}) {{ id }} }}",
    "GitRepository": lambda address: f"git(url: {quote(address.text)}) {{ id }}",
    "GitRef": _git_ref,
}
