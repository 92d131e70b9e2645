"""The host's git, as the API's git fields use it: names of refs, checkouts, common ancestors.

git is asked in an environment of its own: no user's configuration, no hooks, no prompts; credentials by variables
alone, so that none shows in a command line or stays in a checkout. What a repository names is a stranger's word: its
submodules come from this machine's directories only where the repository itself was asked for as one of them.
"""

import base64
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from baselard.engine.errors import UserError
from baselard.engine.host import process

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# git-check-ref-format(1); a sign in front would be an option, or force
_REF = re.compile(r"(?![-+])[^\x00-\x20\x7f:?*\[\\^~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_GITLINK = b"160000"
_DEEPEST = 16  # submodules in submodules: one may name itself
_PROTOCOL = re.compile(r"([a-zA-Z0-9]+)://")
_PROTOCOLS = ("http", "https", "git", "ssh")
_SCP = re.compile(r"[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:.*")
_NUMBER = r"(0|[1-9][0-9]{0,17})"
_VERSION = re.compile(rf"refs/tags/v{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)?)?\Z")
_TRANSLATED = {
    "authentication failed": "git authentication failed",
    "could not read username": "git authentication failed",
    "could not read password": "git authentication failed",
    "not a git repository": "not a git repository",
    "does not appear to be a git repository": "not a git repository",
}


@dataclass(frozen=True)
class Access:
    """A remote and how it is spoken to. ``token`` is a password, ``header`` a whole ``Authorization`` value.

    ``at`` is the address of the URL's host where this machine does not know its name.
    ``strange`` says of a directory of this machine that somebody else made what is in it (files/git_directory.py).
    """

    url: str
    username: str = ""
    token: str = ""
    header: str = ""
    agent: str = ""
    known_hosts: str = ""
    at: str = ""
    strange: bool = False


@dataclass(frozen=True)
class Refs:
    """A remote's refs by full name, each with its commit, and where symbolic ones lead, such as HEAD."""

    commits: Mapping[str, str]
    symbolic: Mapping[str, str] = field(default_factory=dict)


def is_url(text: str) -> bool:
    """Whether git would look for the repository ``text`` on another machine, by a protocol that is served."""
    protocol = _PROTOCOL.match(text)
    return protocol[1].lower() in _PROTOCOLS if protocol else bool(_SCP.fullmatch(text))


def host_of(url: str) -> str:
    """The host name of a repository's URL, "" where it has none."""
    return (urlsplit(url).hostname or "") if "://" in url else ""


def is_ssh(url: str) -> bool:
    """Whether the repository is spoken to by ssh."""
    return url.startswith("ssh://") or "://" not in url


def parse_url(text: str) -> str:
    """A repository's URL; ``host/path`` means https. Raises UserError for what names none, as a path of the host."""
    if is_url(text):
        return text.replace("ssh://", "ssh://git@", 1) if re.match(r"ssh://[^/@]+(/|$)", text) else text
    if protocol := _PROTOCOL.match(text):
        raise UserError(
            f'failed to parse Git URL: invalid protocol "{protocol[1]}": name http, https, ssh or git, or load a '
            "repository of this machine by Host.directory and asGit"
        )
    if text.startswith(("/", ".", "~")) or not text:
        raise UserError(
            f"failed to determine Git URL protocol: {text!r} is a path: load a repository of this machine by "
            "Host.directory and asGit"
        )
    return f"https://{text}"


def output(arguments: Sequence[str | Path], access: Access, *, cwd: Path, file: bool = False) -> bytes:
    """Run git; what it wrote to stdout. Raises UserError with its own words, HostError where there is no git.

    With ``file`` it may read repositories of this machine, whoever names them.
    """
    with tempfile.TemporaryDirectory(prefix="baselard-git-") as own:
        known_hosts = Path(own, "known_hosts")
        known_hosts.write_text(access.known_hosts)
        done = process.run(("git", *arguments), cwd=cwd, env=_environment(access, known_hosts, file), check=False)
    if done.code:
        raise UserError(_failure(access, done.code, done.stderr.decode(errors="replace").strip()))
    return done.stdout


def _failure(access: Access, code: int, message: str) -> str:
    reason = next((known for words, known in _TRANSLATED.items() if words in message.lower()), f"exit status {code}")
    return f"git error: {reason}: {access.url}: {message}"


def is_local(url: str) -> bool:
    """Whether git takes ``url`` for a path of this machine (git-clone(1), "GIT URLS")."""
    before = url.partition("/")[0]
    return url.startswith("file://") or ":" not in before


def refs(access: Access, *, cwd: Path) -> Refs:
    """The remote's refs and the commits they lead to; annotated tags are followed."""
    commits: dict[str, str] = {}
    symbolic: dict[str, str] = {}
    asking = ("ls-remote", "--quiet", "--symref", *_served(access), "--", _url(access))
    answer = output(asking, access, cwd=cwd, file=is_local(access.url))
    for line in answer.decode("utf-8", "surrogateescape").splitlines():
        commit, _, name = line.partition("\t")
        if commit.startswith("ref: "):
            symbolic[name] = commit.removeprefix("ref: ")
        else:
            commits[name.removesuffix("^{}")] = commit  # the line of a tag's target follows that of the tag
    return Refs(commits, symbolic)


def choose(known: Refs, name: str) -> tuple[str, str]:
    """The full name and the commit of the ref that ``name`` means. Raises UserError when there is none."""
    if _COMMIT.fullmatch(name):
        return name, name
    for full in (name, f"refs/{name.removeprefix('refs/')}", f"refs/heads/{name}", f"refs/tags/{name}"):
        if full in known.commits:
            return known.symbolic.get(full, full), known.commits[full]
    raise UserError(f'repository does not contain ref "{name}"')


def check_commit(text: str) -> str:
    """``text`` if it is a commit's whole name. Raises UserError otherwise."""
    if not _COMMIT.fullmatch(text):
        raise UserError(f'invalid commit SHA: "{text}"')
    return text


def latest_version(known: Refs) -> str:
    """The tag with the highest version by semver.org, ``v`` before it. Raises UserError when no tag is one."""
    versions = {name: _precedence(match) for name in known.commits if (match := _VERSION.match(name))}
    if not versions:
        raise UserError("no valid semver tags found: a tag such as v1.2.3 is one")
    return max(versions, key=lambda name: versions[name])


def _precedence(match: "re.Match[str]") -> tuple[object, ...]:
    """A key that sorts as semver.org, 11, has it: numbers below words, a prerelease below its release."""
    *numbers, before = match.groups()
    identifiers = before[1:].split(".") if before else []
    order = [
        (not identifier.isdigit(), int(identifier) if identifier.isdigit() else 0, identifier)
        for identifier in identifiers
    ]
    return (*(int(number or 0) for number in numbers), not before, order)


def check_out(access: Access, ref: str, *, into: Path, depth: int, tags: bool) -> None:
    """Have the commit that ``ref`` leads to, and its submodules, in the empty directory ``into``.

    Raises UserError for submodules that are directories of this machine, unless ``access`` is one too.
    """
    _fetch(access, (ref,), into=into, depth=depth, tags=tags)
    output(("checkout", "--quiet", "--detach", "FETCH_HEAD"), access, cwd=into)
    shallow = ("--depth", "1") if depth else ()
    _check_out_submodules(access, into, shallow, local=is_local(access.url) and not access.strange)


def make_repeatable(access: Access, url: str, *, into: Path) -> None:
    """Have nothing in a checked out repository tell when and where that was done; its remote is called ``url``.

    There are no logs then, and no index that knows the files' inodes and times.
    """
    output(("remote", "set-url", "origin", url), access, cwd=into)
    output(("read-tree", "HEAD"), access, cwd=into)
    if (into / ".gitmodules").exists():
        output(("submodule", "--quiet", "foreach", "--recursive", "git read-tree HEAD"), access, cwd=into)
    for logs in (into / ".git").rglob("logs"):
        if (logs.parent / "HEAD").exists():
            shutil.rmtree(logs)
            (logs.parent / "FETCH_HEAD").unlink(missing_ok=True)


def common_ancestor(commits: Sequence[tuple[Access, str]], *, cwd: Path) -> str:
    """The best commit that all lead back to, each in its repository. Raises UserError when there is none."""
    for access, commit in commits:
        _fetch(access, (commit,), into=cwd, depth=0, tags=False)
    base = output(("merge-base", "--", *(commit for _, commit in commits)), commits[0][0], cwd=cwd)
    return base.decode().strip()


def _fetch(access: Access, wanted: Sequence[str], *, into: Path, depth: int, tags: bool) -> None:
    """Have ``wanted`` in the repository ``into``, which is made if need be; its origin is the first it came from."""
    if wrong := [ref for ref in wanted if not _REF.fullmatch(ref)]:
        raise UserError(f"git: {wrong[0]!r} is not a name of a branch, tag or commit")
    if not (into / ".git").exists():
        output(("init", "--quiet", "."), access, cwd=into)
        output(("remote", "add", "--", "origin", _url(access)), access, cwd=into)
    options = (*(("--depth", str(depth)) if depth > 0 else ()), "--tags" if tags else "--no-tags", *_served(access))
    output(("fetch", "--quiet", *options, "--", _url(access), *wanted), access, cwd=into, file=is_local(access.url))


def _url(access: Access) -> str:
    """The URL as an operand. Raises UserError for what is none."""
    if not access.url or access.url.startswith("-") or _CONTROL.search(access.url):
        raise UserError(f"git: {access.url!r} is not the URL of a repository")
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
    output(("submodule", "update", "--quiet", "--init", *shallow), access, cwd=inside, file=local)
    for below in _checked_out(access, inside):
        url = output(("config", "--get", "remote.origin.url"), access, cwd=below).decode("utf-8", "surrogateescape")
        _check_out_submodules(access, below, shallow, local=local and is_local(url), depth=depth + 1)


def _checked_out(access: Access, inside: Path) -> Iterator[Path]:
    """The submodules that are there; git would look above one that is not."""
    root = Path(os.path.realpath(inside))
    for line in output(("ls-files", "--stage", "-z"), access, cwd=root).split(b"\0"):
        about, _, name = line.partition(b"\t")
        below = root / os.fsdecode(name)
        if about.startswith(_GITLINK) and os.path.lexists(f"{below}/.git") and os.path.realpath(below) == str(below):
            yield below


def _environment(access: Access, known_hosts: Path, file: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_", "XDG_"))}
    settings = [("safe.directory", "*"), ("advice.detachedHead", "false")]
    settings += [("core.hooksPath", os.devnull), ("core.fsmonitor", "false")]
    url = access.url
    if access.at:
        url = url.replace(host_of(url), access.at, 1)
        settings.append((f"url.{url}.insteadOf", access.url))
    if authorization := _authorization(access):
        settings.append((f"http.{url}.extraHeader", f"Authorization: {authorization}"))
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
        "GIT_ALLOW_PROTOCOL": ":".join((*_PROTOCOLS, "file") if file else _PROTOCOLS),
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
