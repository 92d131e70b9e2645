"""The host's git, as the API's git fields use it: names of refs, checkouts, common ancestors.

git is asked in an environment of its own: no user's configuration, no prompts; credentials by variables alone, so
that none shows in a command line or stays in a checkout.
"""

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.host import process

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_VERSION = re.compile(r"refs/tags/v?(\d+)\.(\d+)(?:\.(\d+))?\Z")


@dataclass(frozen=True)
class Access:
    """A remote and how it is spoken to. ``token`` is a password, ``header`` a whole ``Authorization`` value."""

    url: str
    username: str = ""
    token: str = ""
    header: str = ""
    agent: str = ""
    known_hosts: str = ""


def run(arguments: Sequence[str | Path], access: Access, *, cwd: Path) -> bytes:
    """Run git; what it wrote to stdout. Raises UserError with its own words, HostError where there is no git."""
    known_hosts = cwd / ".known_hosts"
    if access.known_hosts:
        known_hosts.write_text(access.known_hosts)
    try:
        done = process.run(("git", *arguments), cwd=cwd, env=_environment(access, known_hosts), check=False)
    finally:
        known_hosts.unlink(missing_ok=True)
    if done.code:
        raise UserError(f"git: {access.url}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def refs(access: Access, *, cwd: Path) -> dict[str, str]:
    """Every ref of the remote and the commit it leads to; annotated tags are followed."""
    found: dict[str, str] = {}
    for line in run(("ls-remote", "--quiet", access.url), access, cwd=cwd).decode().splitlines():
        commit, _, name = line.partition("\t")
        found[name.removesuffix("^{}")] = commit  # the line of a tag's target follows that of the tag
    return found


def choose(known: Mapping[str, str], name: str) -> tuple[str, str]:
    """The full name and the commit of the ref that ``name`` means. Raises UserError when there is none."""
    for full in (name, f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}"):
        if full in known:
            return full, known[full]
    if _COMMIT.fullmatch(name):
        return name, name
    raise UserError(f"git: there is no branch, tag or commit {name!r}")


def latest_version(known: Mapping[str, str]) -> str:
    """The tag with the highest version. Raises UserError when no tag is one."""
    versions = {name: found.groups(default="0") for name in known if (found := _VERSION.match(name))}
    if not versions:
        raise UserError("git: no tag is a version such as v1.2.3")
    return max(versions, key=lambda name: tuple(map(int, versions[name])))


def check_out(access: Access, ref: str, *, into: Path, depth: int, tags: bool) -> None:
    """Have the commit that ``ref`` leads to, and its submodules, in the empty directory ``into``."""
    _fetch(access, (ref,), into=into, depth=depth, tags=tags)
    run(("checkout", "--quiet", "--detach", "FETCH_HEAD"), access, cwd=into)
    if (into / ".gitmodules").exists():
        shallow = ("--depth", "1") if depth else ()
        run(("submodule", "update", "--quiet", "--init", "--recursive", *shallow), access, cwd=into)


def common_ancestor(access: Access, one: str, other: str, *, cwd: Path) -> str:
    """The best commit that both lead back to. Raises UserError when there is none."""
    _fetch(access, (one, other), into=cwd, depth=0, tags=False)
    return run(("merge-base", one, other), access, cwd=cwd).decode().strip()


def _fetch(access: Access, wanted: Sequence[str], *, into: Path, depth: int, tags: bool) -> None:
    run(("init", "--quiet", "."), access, cwd=into)
    run(("remote", "add", "origin", access.url), access, cwd=into)
    shallow = ("--depth", str(depth)) if depth > 0 else ()
    run(("fetch", "--quiet", *shallow, "--tags" if tags else "--no-tags", "origin", *wanted), access, cwd=into)


def _environment(access: Access, known_hosts: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_"))}
    settings = [("safe.directory", "*"), ("protocol.file.allow", "always"), ("advice.detachedHead", "false")]
    if authorization := _authorization(access):
        settings.append((f"http.{access.url}.extraHeader", f"Authorization: {authorization}"))
    numbered = {f"GIT_CONFIG_KEY_{i}": name for i, (name, _) in enumerate(settings)}
    numbered |= {f"GIT_CONFIG_VALUE_{i}": value for i, (_, value) in enumerate(settings)}
    certificates = {name: os.environ[name] for name in ("GIT_SSL_CAINFO",) if name in os.environ}
    return {
        **kept,
        **certificates,
        **numbered,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": _ssh(access, known_hosts),
        **({"SSH_AUTH_SOCK": access.agent} if access.agent else {}),
    }


def _authorization(access: Access) -> str:
    if access.header:
        return access.header
    if not access.token:
        return ""
    user = access.username or "x-access-token"
    return "Basic " + base64.b64encode(f"{user}:{access.token}".encode()).decode()


def _ssh(access: Access, known_hosts: Path) -> str:
    if access.known_hosts:
        return f"ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known_hosts}"
    return "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"
