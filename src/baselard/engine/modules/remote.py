"""Modules in git repositories: ``github.com/OWNER/REPO[/PATH][@REF]`` or ``URL[#REF[:PATH]]``."""

import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import ProcessError, UserError
from baselard.engine.host import process

_HOSTED = re.compile(
    r"(?P<site>(?:github\.com|gitlab\.com|bitbucket\.org)/[^/@]+/[^/@]+)(?P<path>/[^@]*)?(?:@(?P<ref>.+))?"
)
_URL = re.compile(r"(?P<site>(?:https?|ssh|git|file)://[^#]+|git@[^#]+)(?:#(?P<ref>[^:]*)(?::(?P<path>.*))?)?")


@dataclass(frozen=True)
class Remote:
    """A repository, a branch, tag or commit of it (empty: its default branch), and a path in it."""

    url: str
    ref: str = ""
    path: str = ""


def is_remote(text: str) -> bool:
    """Whether ``text`` names a repository rather than a directory."""
    return bool(_HOSTED.fullmatch(text) or _URL.fullmatch(text)) and not Path(text).exists()


def parse(text: str) -> Remote:
    """The parts of a remote module's name."""
    if hosted := _HOSTED.fullmatch(text):
        return Remote(f"https://{hosted['site']}", hosted["ref"] or "", (hosted["path"] or "").strip("/"))
    if url := _URL.fullmatch(text):
        return Remote(url["site"], url["ref"] or "", (url["path"] or "").strip("/"))
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


def _check_out(remote: Remote, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        process.run(["git", "init", "--quiet", work])
        process.run(["git", "-C", work, "fetch", "--quiet", "--depth=1", "--", remote.url, remote.ref or "HEAD"])
        process.run(["git", "-C", work, "checkout", "--quiet", "FETCH_HEAD"])
    except ProcessError as error:
        shutil.rmtree(work, ignore_errors=True)
        raise UserError(f"{remote.url} cannot be fetched: {error}") from None
    work.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    work.rename(target)
