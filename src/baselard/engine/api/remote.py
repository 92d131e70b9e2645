"""Sources from elsewhere: git repositories and downloads."""

import contextlib
import fnmatch
import hashlib
import os
import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.objects.git_repository import GitRef, GitRepository
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.values import Socket
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import AuthenticationError, UserError
from baselard.engine.host import git, git_credentials
from baselard.engine.host.git import Refs
from baselard.engine.host.git_command import Access
from baselard.engine.ops.git import Remote
from baselard.engine.ops.http import Http, check_checksum
from baselard.engine.run.services.service import Service
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output

Strings = Sequence[str]
_NAME_MAX = 255  # bytes, of one name in a file system
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
Answer = TypeVar("Answer")


@field("Query.http")
async def http(
    ctx: Context,
    *,
    url: str,
    name: str = "",
    permissions: int = 0o600,
    checksum: str = "",
    auth_header: Secret | None = None,
    experimental_service_host: Service | None = None,
) -> File:
    """Downloaded at once, as Dagger does."""
    chosen = name or posixpath.basename(unquote(_split(url).path).rstrip("/")) or "index"
    if "/" in chosen or chosen in (".", "..") or _CONTROL.search(chosen):
        raise UserError(f"file name {chosen!r} must not contain a directory or a control character")
    if len(os.fsencode(chosen)) > _NAME_MAX:
        raise UserError(f"file name {chosen[:40]}… is longer than {_NAME_MAX} bytes")
    check_checksum(checksum)
    nonce = "" if checksum else ctx.session.nonce
    node = Http(
        url, chosen, permissions, checksum, nonce, auth_header.ref if auth_header else None, experimental_service_host
    )
    await ctx.result(node)
    return File(Output(node), f"/{chosen}")


@field("Query.git")
async def repository(
    ctx: Context,
    *,
    url: str,
    keep_git_dir: bool = True,
    ssh_known_hosts: str = "",
    ssh_auth_socket: Socket | None = None,
    http_auth_username: str = "",
    http_auth_token: Secret | None = None,
    http_auth_header: Secret | None = None,
    experimental_service_host: Service | None = None,
) -> GitRepository:
    """Asked for its refs at once, as Dagger does."""
    where = git.parse_url(url)
    agent = ssh_auth_socket.path if ssh_auth_socket else "" if ctx.inside else os.environ.get("SSH_AUTH_SOCK", "")
    if git.is_ssh(where) and not agent:
        raise UserError(f"{url}: SSH URLs are not supported without an SSH socket: pass one, or set SSH_AUTH_SOCK")
    remote = Remote(
        where,
        http_auth_username,
        http_auth_token.ref if http_auth_token else None,
        http_auth_header.ref if http_auth_header else None,
        agent if git.is_ssh(where) else "",
        ssh_known_hosts,
        host=experimental_service_host,
    )
    try:
        return await _known(ctx, GitRepository(remote, keep_git_dir))
    except AuthenticationError:
        if not (own := await _signed_in(ctx, remote)):
            raise
        return await _known(ctx, GitRepository(own, keep_git_dir))


async def _signed_in(ctx: Context, remote: Remote) -> Remote | None:
    """The remote with what this machine's user signs in with, who is asked for nobody else: no module, no program."""
    if remote.token or remote.header or ctx.frame or ctx.inside:
        return None
    login = await ctx.in_thread(git_credentials.of_url, remote.url)
    if not login:
        return None
    name = hashlib.sha256(login.password.encode()).hexdigest()
    token = await ctx.in_thread(ctx.session.secrets.set, name, login.password.encode())
    return replace(remote, username=login.username, token=token.ref)


@field("Directory.asGit")
async def as_git(ctx: Context, directory: Directory) -> GitRepository:
    return await _known(ctx, GitRepository(Remote(source=directory.output, source_path=directory.path)))


async def _known(ctx: Context, repository: GitRepository) -> GitRepository:
    """The repository, whose refs are known to be had. Raises UserError when they are not."""
    await _refs(ctx, repository)
    return repository


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
    return await _ref(ctx, repository, git.check_commit(id))


@field("GitRepository.latestVersion")
async def latest_version(ctx: Context, repository: GitRepository) -> GitRef:
    return await _ref(ctx, repository, git.latest_version(await _refs(ctx, repository)))


@field("GitRepository.branches")
async def branches(ctx: Context, repository: GitRepository, *, patterns: Strings = ()) -> list[str]:
    return _names(await _refs(ctx, repository), "refs/heads/", patterns)


@field("GitRepository.tags")
async def tags(ctx: Context, repository: GitRepository, *, patterns: Strings = ()) -> list[str]:
    return _names(await _refs(ctx, repository), "refs/tags/", patterns)


@field("GitRef.commonAncestor")
async def common_ancestor(ctx: Context, ref: GitRef, *, other: GitRef) -> GitRef:
    """Of commits in one repository, or in two."""

    def ask(accesses: Sequence[Access], cwd: Path) -> str:
        return git.common_ancestor(list(zip(accesses, (ref.commit, other.commit), strict=True)), cwd=cwd)

    commit = await _asked(ctx, [ref.repository, other.repository], ask)
    return GitRef(ref.repository, commit, commit)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise UserError(f"{url}: {error}") from None


async def _asked(
    ctx: Context, repositories: Sequence[GitRepository], ask: Callable[[list[Access], Path], Answer]
) -> Answer:
    """The answers of ``ask`` about the repositories; it gets how each is spoken to, and an empty directory."""
    remotes = [repository.remote for repository in repositories]
    values = [[await ctx.value(output) for output in remote.inputs] for remote in remotes]

    def work(worker: Worker) -> Answer:
        with contextlib.ExitStack() as stack:
            every = zip(remotes, values, strict=True)
            accesses = [stack.enter_context(remote.reached(worker, needed)) for remote, needed in every]
            return ask(accesses, stack.enter_context(worker.store.temp_dir()))

    return await ctx.in_thread(work, ctx.session.worker)


async def _refs(ctx: Context, repository: GitRepository) -> Refs:
    """The repository's refs, asked for once in a session."""
    known, key = ctx.session.host_seen, ("", ("git", repository.remote))
    if key not in known:
        known[key] = await _asked(ctx, [repository], lambda accesses, cwd: git.refs(accesses[0], cwd=cwd))
    found: Refs = known[key]
    return found


async def _ref(ctx: Context, repository: GitRepository, name: str) -> GitRef:
    return GitRef(repository, *git.choose(await _refs(ctx, repository), name))


def _names(known: Refs, kind: str, patterns: Strings) -> list[str]:
    """Short names; a pattern may begin anywhere after a slash of the full one, as with ls-remote."""
    names = sorted(name for name in known.commits if name.startswith(kind))
    wanted = [f"*/{pattern}" for pattern in patterns or ("*",)]
    chosen = (name for name in names if any(fnmatch.fnmatchcase(f"/{name}", pattern) for pattern in wanted))
    return [name.removeprefix(kind) for name in chosen]
