"""What comes from elsewhere: git repositories, downloads, addresses of any kind."""

# ruff: noqa: PLR0913 -- resolvers take the arguments that the API has

import fnmatch
import functools
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from baselard.engine.api import host, image, secrets
from baselard.engine.api.objects.changeset import Changeset
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, Directory, File
from baselard.engine.api.objects.git_repository import GitRef, GitRepository
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.values import Address, Host, Socket
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import attributes, field
from baselard.engine.errors import UserError
from baselard.engine.files import reading
from baselard.engine.files.walking import Filter
from baselard.engine.host import git
from baselard.engine.ops.git import Remote
from baselard.engine.ops.http import Http
from baselard.engine.run.services.service import Forward, HostService
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output

Strings = Sequence[str]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
Answer = TypeVar("Answer")

attributes("GitRef", "ref", "commit")
attributes("Address", "value")


@field("Query.http", without=("experimentalServiceHost",))
def http(
    ctx: Context,
    *,
    url: str,
    name: str = "",
    permissions: int = 0o600,
    checksum: str = "",
    auth_header: Secret | None = None,
) -> File:
    chosen = name or unquote(posixpath.basename(urlsplit(url).path)) or "index"
    if "/" in chosen or chosen in (".", "..") or _CONTROL.search(chosen):
        raise UserError(f"file name {chosen!r} must not contain a directory or a control character")
    nonce = "" if checksum else ctx.session.nonce
    node = Http(url, chosen, permissions, checksum, nonce, auth_header.ref if auth_header else None)
    return File(Output(node), f"/{chosen}")


@field("Query.git", without=("experimentalServiceHost",))
def repository(
    ctx: Context,
    *,
    url: str,
    keep_git_dir: bool = True,
    ssh_known_hosts: str = "",
    ssh_auth_socket: Socket | None = None,
    http_auth_username: str = "",
    http_auth_token: Secret | None = None,
    http_auth_header: Secret | None = None,
) -> GitRepository:
    remote = Remote(
        _url(ctx, url),
        http_auth_username,
        http_auth_token.ref if http_auth_token else None,
        http_auth_header.ref if http_auth_header else None,
        ssh_auth_socket.path if ssh_auth_socket else "",
        ssh_known_hosts,
    )
    return GitRepository(remote, keep_git_dir)


@field("Directory.asGit")
def as_git(_ctx: Context, directory: Directory) -> GitRepository:
    return GitRepository(Remote(source=directory.output, source_path=directory.path))


@field("GitRepository.url")
def url(_ctx: Context, repository: GitRepository) -> str | None:
    return repository.remote.url or None


@field("GitRepository.head")
async def head(ctx: Context, repository: GitRepository) -> GitRef:
    return await _ref(ctx, repository, "HEAD")


@field("GitRepository.branch")
async def branch(ctx: Context, repository: GitRepository, *, name: str) -> GitRef:
    return await _ref(ctx, repository, f"refs/heads/{name.removeprefix('refs/heads/')}")


@field("GitRepository.tag")
async def tag(ctx: Context, repository: GitRepository, *, name: str) -> GitRef:
    return await _ref(ctx, repository, f"refs/tags/{name.removeprefix('refs/tags/')}")


@field("GitRepository.ref")
async def ref(ctx: Context, repository: GitRepository, *, name: str) -> GitRef:
    return await _ref(ctx, repository, name)


@field("GitRepository.commit")
async def commit(ctx: Context, repository: GitRepository, *, id: str) -> GitRef:
    return await _ref(ctx, repository, id)


@field("GitRepository.latestVersion")
async def latest_version(ctx: Context, repository: GitRepository) -> GitRef:
    return await _ref(ctx, repository, git.latest_version(await _refs(ctx, repository)))


@field("GitRepository.branches")
async def branches(ctx: Context, repository: GitRepository, *, patterns: Strings = ()) -> list[str]:
    return _names(await _refs(ctx, repository), "refs/heads/", patterns)


@field("GitRepository.tags")
async def tags(ctx: Context, repository: GitRepository, *, patterns: Strings = ()) -> list[str]:
    return _names(await _refs(ctx, repository), "refs/tags/", patterns)


@field("GitRepository.uncommitted")
async def uncommitted(ctx: Context, repository: GitRepository) -> Changeset:
    remote = repository.remote
    if remote.source is None:
        return Changeset(Directory(EMPTY), Directory(EMPTY))
    before = (await head(ctx, repository)).tree(keep=False, depth=1, tags=False)
    return Changeset(before, Directory(remote.source, remote.source_path).filter(Filter(exclude=(".git",))))


@field("GitRef.tree")
def tree(
    _ctx: Context, ref: GitRef, *, discard_git_dir: bool = False, depth: int = 1, include_tags: bool = False
) -> Directory:
    return ref.tree(keep=not discard_git_dir, depth=depth, tags=include_tags)


@field("GitRef.commonAncestor")
async def common_ancestor(ctx: Context, ref: GitRef, *, other: GitRef) -> GitRef:
    def ask(where: str, worker: Worker) -> str:
        with worker.store.temp_dir() as cwd:
            access = ref.repository.remote.access(worker, where)
            return git.common_ancestor(access, ref.commit, other.commit, cwd=cwd)

    found = await _asked(ctx, ref.repository, ask)
    return GitRef(ref.repository, found, found)


@field("Query.address")
def address(_ctx: Context, *, value: str) -> Address:
    return Address(value)


@field("Address.container")
async def address_container(ctx: Context, address: Address) -> Container:
    return await image.container_from(ctx, image.container(ctx), address=address.value)


@field("Address.directory")
async def address_directory(
    ctx: Context,
    address: Address,
    *,
    exclude: tuple[str, ...] = (),
    include: tuple[str, ...] = (),
    gitignore: bool = False,
    no_cache: bool = False,
) -> Directory:
    if _is_remote(address.value):
        found = await _path_in_git(ctx, address.value)
        return found.filter(Filter(tuple(include), tuple(exclude), gitignore))
    path = address.value.removeprefix("file://")
    return await host.directory(
        ctx, Host(), path=path, exclude=exclude, include=include, gitignore=gitignore, no_cache=no_cache
    )


@field("Address.file")
async def address_file(
    ctx: Context,
    address: Address,
    *,
    no_cache: bool = False,
    exclude: Strings = (),
    include: Strings = (),
    gitignore: bool = False,
) -> File:
    if _is_remote(address.value):
        found = await _path_in_git(ctx, address.value)
        return File(found.output, found.path)
    path = address.value.removeprefix("file://")
    if not (exclude or include or gitignore):
        return await host.file(ctx, Host(), path=path, no_cache=no_cache)
    above, name = posixpath.split(path)
    directory = await host.directory(
        ctx,
        Host(),
        path=above or ".",
        no_cache=no_cache,
        exclude=tuple(exclude),
        include=tuple(include),
        gitignore=gitignore,
    )
    return directory.file(name)


@field("Address.gitRepository")
def address_repository(ctx: Context, address: Address) -> GitRepository:
    return repository(ctx, url=address.value.partition("#")[0])


@field("Address.gitRef")
async def address_ref(ctx: Context, address: Address) -> GitRef:
    where, _, fragment = address.value.partition("#")
    return await _ref(ctx, repository(ctx, url=where), fragment.partition(":")[0] or "HEAD")


@field("Address.secret")
async def address_secret(ctx: Context, address: Address) -> Secret:
    return await secrets.secret(ctx, uri=address.value)


@field("Address.service")
def address_service(ctx: Context, address: Address) -> HostService:
    ctx.need_machine("a service of the host")
    parts = urlsplit(address.value)
    if parts.scheme not in ("tcp", "udp") or not parts.hostname or not parts.port:
        raise UserError(f"{address.value!r} is no service's address; write it like tcp://localhost:8080")
    return HostService(parts.hostname, (Forward(parts.port, parts.port, parts.scheme.upper()),))


@field("Address.socket")
def address_socket(ctx: Context, address: Address) -> Socket:
    return Socket(ctx.host_path(address.value.removeprefix("unix://")))


def _url(ctx: Context, text: str) -> str:
    """What git is asked for: a path of the host made absolute, a bare ``host/path`` made https."""
    if text.startswith("file://"):
        ctx.need_machine("a git repository of the host")
    if "://" in text or ("@" in text and ":" in text):
        return text
    if text.startswith(("/", ".", "~")) or (not ctx.inside and Path(ctx.host_path(text)).exists()):
        return ctx.host_path(text)
    return f"https://{text}"


def _is_remote(text: str) -> bool:
    return text.startswith(("https://", "http://", "git://", "ssh://", "git@")) or ".git#" in text


async def _path_in_git(ctx: Context, text: str) -> Directory:
    """``URL#ref:path``, as docker's build contexts are written."""
    found = await address_ref(ctx, Address(text))
    path = text.partition("#")[2].partition(":")[2]
    return found.tree(keep=False, depth=1, tags=False).directory(path)


async def _asked(ctx: Context, repository: GitRepository, ask: Callable[[str, Worker], Answer]) -> Answer:
    """What ``ask`` finds out about the repository; it gets what git has to be pointed at."""
    remote, worker = repository.remote, ctx.session.worker
    if remote.source is None:
        return await ctx.in_thread(ask, remote.url, worker)
    return await ctx.look(remote.source, lambda root: ask(reading.directory(root, remote.source_path), worker))


async def _refs(ctx: Context, repository: GitRepository) -> Mapping[str, str]:
    """The repository's refs, asked for once in a session."""
    known, key = ctx.session.host_seen, ("", ("git", repository.remote))

    def ask(where: str, worker: Worker) -> dict[str, str]:
        with worker.store.temp_dir() as cwd:
            return git.refs(repository.remote.access(worker, where), cwd=cwd)

    if key not in known:
        known[key] = await _asked(ctx, repository, ask)
    found: Mapping[str, str] = known[key]
    return found


async def _ref(ctx: Context, repository: GitRepository, name: str) -> GitRef:
    return GitRef(repository, *git.choose(await _refs(ctx, repository), name))


def _names(known: Mapping[str, str], kind: str, patterns: Strings) -> list[str]:
    names = sorted(name.removeprefix(kind) for name in known if name.startswith(kind))
    chosen = functools.partial(_matches, patterns=patterns)
    return [name for name in names if chosen(name)] if patterns else names


def _matches(name: str, patterns: Strings) -> bool:
    """As ls-remote matches: a pattern may begin anywhere after a slash."""
    return any(fnmatch.fnmatchcase(name, one) or fnmatch.fnmatchcase(name, f"*/{one}") for one in patterns)
