"""Addresses: one text for what a command line names, as a directory, an image, a secret and so on.

What counts as a git URL and what as a path is Dagger's choice (util/gitutil, core/schema/address.go).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from baselard.engine.api import host, image, remote, secrets, service
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.git_repository import GitRef, GitRepository
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.objects.values import Address, Host, Socket
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.host import git
from baselard.engine.run.services.service import HostService

Strings = Sequence[str]


@dataclass(frozen=True)
class GitAddress:
    """A git URL with what stands behind its ``#``: a ref, and a path in the repository."""

    url: str
    ref: str = ""
    path: str = ""


def git_address(text: str) -> GitAddress | None:
    """What a git URL says; None for a path of the host."""
    where, _, fragment = text.partition("#")
    if not git.is_url(where):
        return None
    ref, _, path = fragment.partition(":")
    return GitAddress(where, ref, path)


@served_as("Query.address")
def address(value: str) -> Address:
    if not value:
        raise UserError("resource cannot have empty address")
    return Address(value)


@field("Address.container")
async def container(ctx: Context, address: Address) -> Container:
    return await image.container_from(ctx, image.container(), address=address.value)


@field("Address.directory")
async def directory(
    ctx: Context,
    address: Address,
    *,
    exclude: tuple[str, ...] = (),
    include: tuple[str, ...] = (),
    gitignore: bool = False,
    no_cache: bool = False,
) -> Directory:
    """The patterns are for a directory of the host alone."""
    if named := git_address(address.value):
        return (await _tree(ctx, named)).directory(named.path)
    path = _local(address.value)
    return await host.directory(
        ctx, Host(), path=path, exclude=exclude, include=include, gitignore=gitignore, no_cache=no_cache
    )


@field("Address.file")
async def file(
    ctx: Context,
    address: Address,
    *,
    no_cache: bool = False,
    exclude: Strings = (),  # noqa: ARG001 -- the API has patterns here, and a Dagger engine heeds none
    include: Strings = (),  # noqa: ARG001
    gitignore: bool = False,  # noqa: ARG001
) -> File:
    named = git_address(address.value)
    if named and not named.path:
        raise UserError("no file path specified within git repository")
    if named:
        return (await _tree(ctx, named)).file(named.path)
    return await host.file(ctx, Host(), path=_local(address.value), no_cache=no_cache)


@field("Address.gitRepository")
async def repository(ctx: Context, address: Address) -> GitRepository:
    named = git_address(address.value)
    if named and (named.ref or named.path):
        raise UserError(f"git repository address cannot contain {'ref' if named.ref else 'subdir'}")
    if named:
        return await remote.repository(ctx, url=named.url)
    return await _local_repository(ctx, address.value)


@field("Address.gitRef")
async def ref(ctx: Context, address: Address) -> GitRef:
    named = git_address(address.value)
    if named and named.path:
        raise UserError("git ref address cannot contain subdir")
    if named:
        return await _ref(ctx, named)
    path, _, name = address.value.partition("#")
    return await remote.ref(ctx, await _local_repository(ctx, path), name=name or "HEAD")


@field("Address.secret")
async def secret(ctx: Context, address: Address) -> Secret:
    """``NAME`` and ``env:NAME`` mean ``env://NAME``; ``?cacheKey=`` is no part of the URI."""
    scheme, _, rest = (address.value if ":" in address.value else f"env:{address.value}").partition(":")
    uri, question, query = f"{scheme}://{rest.removeprefix('//')}".partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    cache_key = dict(pairs).get("cacheKey", "")
    if cache_key:
        query = urlencode([pair for pair in pairs if pair[0] != "cacheKey"])
        question = "?" if query else ""
    return await secrets.secret(ctx, uri=f"{uri}{question}{query}", cache_key=cache_key)


@field("Address.service")
def address_service(ctx: Context, address: Address) -> HostService:
    try:
        parts = urlsplit(address.value)
        port = parts.port
    except ValueError as error:  # its port is no number up to 65535, too
        raise UserError(f"{address.value}: {error}") from None
    name, colon, _ = parts.netloc.rpartition(":")
    if not colon:
        where = f"address {parts.netloc}: " if parts.netloc else ""
        raise UserError(f"{where}missing port in address: write it like tcp://localhost:8080")
    if parts.scheme not in ("tcp", "udp") or not name or not port:
        raise UserError(f'unsupported service address: "{address.value}". Must be a valid tcp:// or udp:// URL')
    forward: service.PortForward = {"frontend": port, "backend": port, "protocol": parts.scheme.upper()}
    return service.host_service(ctx, Host(), ports=(forward,), host=name.strip("[]"))


@field("Address.socket")
def socket(ctx: Context, address: Address) -> Socket:
    return Socket(ctx.host_path(address.value.removeprefix("unix://")))


def _local(text: str) -> str:
    return text.removeprefix("file://")


async def _local_repository(ctx: Context, text: str) -> GitRepository:
    return await remote.as_git(ctx, await host.directory(ctx, Host(), path=_local(text)))


async def _ref(ctx: Context, named: GitAddress) -> GitRef:
    return await remote.ref(ctx, await remote.repository(ctx, url=named.url), name=named.ref or "HEAD")


async def _tree(ctx: Context, named: GitAddress) -> Directory:
    return (await _ref(ctx, named)).tree()
