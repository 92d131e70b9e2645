"""Modules in git repositories: ``github.com/OWNER/REPO[/PATH][@REF]`` or ``URL[#REF[:PATH]]``.

Such a repository is fetched with its user's own git settings, or private ones could not be: credentials, proxies, other
names of URLs. All else in these settings would be at the beck of what the repository holds (filters that its
attributes name, hooks, submodules), so it is switched off, and the files are checked out without any of them. git runs
as the user, also where the engine is root by sudo.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import ProcessError, UserError
from baselard.engine.host import caller, git_credentials, process
from baselard.engine.host.caller import Caller
from baselard.engine.store import cachedir, deep

_HOSTED = re.compile(
    r"(?P<site>(?:github\.com|gitlab\.com|bitbucket\.org)/[^/@]+/[^/@]+)(?P<path>/[^@]*)?(?:@(?P<ref>.+))?"
)
_URL = re.compile(r"(?P<site>(?:https?|ssh|git|file)://[^#]+|git@[^#]+)(?:#(?P<ref>[^:]*)(?::(?P<path>.*))?)?")
_REF = re.compile(r"(?![-+])[^\x00-\x20\x7f:?*\[\\^~]*")  # git-check-ref-format(1)
_PROTOCOLS = "http:https:git:ssh:file"
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "fetch.recurseSubmodules": "false",
    "maintenance.auto": "false",
    "gc.auto": "0",
    "init.templateDir": "",
}
_NO_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
}


@dataclass(frozen=True)
class RemoteModule:
    """A repository, a branch, tag or commit of it (empty: its default branch), and a path in it."""

    url: str
    ref: str = ""
    path: str = ""


def is_remote(text: str) -> bool:
    """Whether ``text`` names a repository rather than a directory."""
    return bool(_HOSTED.fullmatch(text) or _URL.fullmatch(text)) and not Path(text).exists()


def parse(text: str) -> RemoteModule:
    """The parts of a remote module's name."""
    if hosted := _HOSTED.fullmatch(text):
        return RemoteModule(f"https://{hosted['site']}", hosted["ref"] or "", (hosted["path"] or "").strip("/"))
    if url := _URL.fullmatch(text):
        return RemoteModule(url["site"], url["ref"] or "", (url["path"] or "").strip("/"))
    raise UserError(f"{text} is neither a directory nor a git repository")


def fetch(text: str, cache: Path) -> Path:
    """The module's directory in a checkout below ``cache``. Raises UserError with git's own words.

    A full commit is fetched once; a branch or tag anew every time, since it may have moved.
    """
    remote = parse(text)
    pinned = bool(re.fullmatch(r"[0-9a-f]{40}", remote.ref))
    name = hashlib.sha256(f"{remote.url}\n{remote.ref}".encode()).hexdigest()[:16]
    target = cache / "git" / name
    if not (pinned and target.exists()):
        _check_out(remote, target)
    if not (target / remote.path).is_dir():
        raise UserError(f"{text}: there is no directory {remote.path} in it")
    return target / remote.path


def _check_out(remote: RemoteModule, target: Path) -> None:
    if not _REF.fullmatch(remote.ref):
        raise UserError(f"{remote.ref!r} is not a name of a branch, tag or commit")
    cachedir.require(target.parent)
    user = caller.invoking_user(os.environ)
    work = Path(tempfile.mkdtemp(dir=target.parent))
    if user.uid is not None:
        os.chown(work, user.uid, user.gid)
    try:
        _git(("init", "--quiet", "."), work, user, settings=False)
        operands = ("--", remote.url, remote.ref or "HEAD")
        _git(("fetch", "--quiet", "--depth=1", "--no-tags", *operands), work, user, settings=True)
        _git(("checkout", "--quiet", "FETCH_HEAD"), work, user, settings=False)
    except ProcessError as error:
        deep.remove(work, ignore_errors=True)
        raise UserError(f"{remote.url} cannot be fetched: {error}") from None
    work.chmod(0o755)
    deep.remove(target, ignore_errors=True)
    work.rename(target)


def _git(arguments: Sequence[str], work: Path, user: Caller, *, settings: bool) -> None:
    """Run git in ``work``, with what of the user's settings fetches, or without any."""
    env = git_credentials.environment(user)
    if not settings:
        env = {name: value for name, value in env.items() if not name.startswith("GIT_CONFIG_")} | _NO_SETTINGS
    env |= {"GIT_ALLOW_PROTOCOL": _PROTOCOLS}
    bound = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    process.run([*user.argv(), "git", *bound, *arguments], cwd=work, env=env)
