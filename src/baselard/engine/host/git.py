"""The host's git, as the API's git fields use it: names of refs, checkouts, common ancestors.

git is asked in an environment of its own: no user's configuration, no hooks, no prompts; credentials by variables
alone, so that none shows in a command line or stays in a checkout. What a repository names is a stranger's word: its
submodules come from this machine's directories only where the repository itself was asked for as one of them.
"""

import base64
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.host import process

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(
    r"(?![-+])[^\x00-\x20\x7f:?*\[\\^~]+"
)  # git-check-ref-format(1); a sign would be an option or a force
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PROTOCOLS = "http:https:git:ssh"
_GITLINK = b"160000"
_DEEPEST = 16  # submodules in submodules: one may name itself
_VERSION = re.compile(r"refs/tags/v?([0-9]{1,18})\.([0-9]{1,18})(?:\.([0-9]{1,18}))?\Z")


@dataclass(frozen=True)
class Access:
    """A remote and how it is spoken to. ``token`` is a password, ``header`` a whole ``Authorization`` value.

    ``strange`` says of a directory of this machine that somebody else made what is in it (files/git_directory.py).
    """

    url: str
    username: str = ""
    token: str = ""
    header: str = ""
    agent: str = ""
    known_hosts: str = ""
    strange: bool = False


def run(arguments: Sequence[str | Path], access: Access, *, cwd: Path, file: bool = False) -> bytes:
    """Run git; what it wrote to stdout. Raises UserError with its own words, HostError where there is no git.

    With ``file`` it may read repositories of this machine, whoever names them.
    """
    with tempfile.TemporaryDirectory(prefix="baselard-git-") as own:
        known_hosts = Path(own, "known_hosts")
        known_hosts.write_text(access.known_hosts)
        done = process.run(("git", *arguments), cwd=cwd, env=_environment(access, known_hosts, file), check=False)
    if done.code:
        raise UserError(f"git: {access.url}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def is_local(url: str) -> bool:
    """Whether git takes ``url`` for a path of this machine (git-clone(1), "GIT URLS")."""
    before = url.partition("/")[0]
    return url.startswith("file://") or ":" not in before


def refs(access: Access, *, cwd: Path) -> dict[str, str]:
    """Every ref of the remote and the commit it leads to; annotated tags are followed."""
    found: dict[str, str] = {}
    said = run(
        ("ls-remote", "--quiet", *_served(access), "--", _url(access)), access, cwd=cwd, file=is_local(access.url)
    )
    for line in said.decode("utf-8", "surrogateescape").splitlines():
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
    """Have the commit that ``ref`` leads to, and its submodules, in the empty directory ``into``.

    Raises UserError for submodules that are directories of this machine, unless ``access`` is one too.
    """
    _fetch(access, (ref,), into=into, depth=depth, tags=tags)
    run(("checkout", "--quiet", "--detach", "FETCH_HEAD"), access, cwd=into)
    shallow = ("--depth", "1") if depth else ()
    _check_out_submodules(access, into, shallow, local=is_local(access.url) and not access.strange)


def common_ancestor(access: Access, one: str, other: str, *, cwd: Path) -> str:
    """The best commit that both lead back to. Raises UserError when there is none."""
    _fetch(access, (one, other), into=cwd, depth=0, tags=False)
    return run(("merge-base", "--", one, other), access, cwd=cwd).decode().strip()


def _fetch(access: Access, wanted: Sequence[str], *, into: Path, depth: int, tags: bool) -> None:
    if wrong := [ref for ref in wanted if not _REF.fullmatch(ref)]:
        raise UserError(f"git: {wrong[0]!r} is no name of a branch, tag or commit")
    run(("init", "--quiet", "."), access, cwd=into)
    run(("remote", "add", "--", "origin", _url(access)), access, cwd=into)
    options = (*(("--depth", str(depth)) if depth > 0 else ()), "--tags" if tags else "--no-tags", *_served(access))
    run(("fetch", "--quiet", *options, "--", "origin", *wanted), access, cwd=into, file=is_local(access.url))


def _url(access: Access) -> str:
    """The URL as an operand. Raises UserError for what is none."""
    if not access.url or access.url.startswith("-") or _CONTROL.search(access.url):
        raise UserError(f"git: {access.url!r} is no URL of a repository")
    return access.url


def _served(access: Access) -> tuple[str, ...]:
    """Have a strange directory's repository looked for there alone, where it was looked at (git-upload-pack(1))."""
    return ("--upload-pack", "git-upload-pack --strict") if access.strange else ()


def _check_out_submodules(
    access: Access, inside: Path, shallow: tuple[str, ...], *, local: bool, depth: int = 1
) -> None:
    """One level after the other, since each submodule's own URL says whether it is one of this machine."""
    if os.path.islink(f"{inside}/.gitmodules") or not os.path.isfile(f"{inside}/.gitmodules"):
        return
    if depth > _DEEPEST:
        raise UserError(f"git: {access.url}: submodules lie more than {_DEEPEST} deep in each other")
    run(("submodule", "update", "--quiet", "--init", *shallow), access, cwd=inside, file=local)
    for below in _checked_out(access, inside):
        url = run(("config", "--get", "remote.origin.url"), access, cwd=below).decode("utf-8", "surrogateescape")
        _check_out_submodules(access, below, shallow, local=local and is_local(url), depth=depth + 1)


def _checked_out(access: Access, inside: Path) -> Iterator[Path]:
    """The submodules that are there; git would look above one that is not."""
    root = Path(os.path.realpath(inside))
    for line in run(("ls-files", "--stage", "-z"), access, cwd=root).split(b"\0"):
        about, _, name = line.partition(b"\t")
        below = root / os.fsdecode(name)
        if about.startswith(_GITLINK) and os.path.lexists(f"{below}/.git") and os.path.realpath(below) == str(below):
            yield below


def _environment(access: Access, known_hosts: Path, file: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_", "XDG_"))}
    settings = [("safe.directory", "*"), ("advice.detachedHead", "false")]
    settings += [("core.hooksPath", os.devnull), ("core.fsmonitor", "false")]
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
        "HOME": os.devnull,  # curl looks for .netrc there, which is meant for what the user asks for
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TEMPLATE_DIR": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": f"file:{_PROTOCOLS}" if file else _PROTOCOLS,
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
    options = ["BatchMode=yes", f"StrictHostKeyChecking={'yes' if access.known_hosts else 'accept-new'}"]
    if access.known_hosts:
        options.append(f'UserKnownHostsFile="{known_hosts}"')
    return shlex.join(("ssh", *(word for option in options for word in ("-o", option))))
