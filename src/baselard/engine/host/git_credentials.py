"""The user's own means to sign in to a git server: git's credential helpers, and after them .netrc, as with Dagger."""

import netrc
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from baselard.engine.errors import HostError
from baselard.engine.host import caller, process
from baselard.engine.host.caller import Caller

_USERS_OWN = re.compile(r"GIT_(ASKPASS|SSH|SSH_COMMAND|SSL_.*|HTTP_.*|PROXY_.*|CONFIG_.*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a line end would begin another attribute (git-credential(1))
_PATIENCE = 30.0  # seconds, as Dagger's client waits


@dataclass(frozen=True)
class Login:
    """A user's name and password."""

    username: str
    password: str


def environment(user: Caller) -> dict[str, str]:
    """The environment in which git heeds that user's settings and asks nobody."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {name: os.environ[name] for name in filter(_USERS_OWN.fullmatch, os.environ)}
    return env | ({"HOME": user.home} if user.uid is not None else {}) | {"GIT_TERMINAL_PROMPT": "0"}


def of_url(url: str) -> Login | None:
    """What the user signs in to the server of an HTTP URL with; None where nothing is known."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or _CONTROL.search(url):
        return None
    user = caller.invoking_user(os.environ)
    host = parts.netloc.rpartition("@")[2]
    return _from_helper(user, {"protocol": parts.scheme, "host": host, "path": parts.path.strip("/")}) or _from_netrc(
        user, host
    )


def _from_helper(user: Caller, about: Mapping[str, str]) -> Login | None:
    """git is asked at the root: a directory that somebody else made could name a program in its settings."""
    asked = "".join(f"{name}={value}\n" for name, value in about.items() if value) + "\n"
    env = environment(user) | {"GIT_ASKPASS": ""}
    argv = (*user.argv(), "git", "credential", "fill")
    try:
        done = process.run(argv, cwd=Path("/"), env=env, stdin=asked.encode(), check=False, timeout=_PATIENCE)
    except (HostError, TimeoutError):
        return None
    told = dict(line.partition("=")[::2] for line in done.stdout.decode(errors="replace").splitlines())
    if done.code or not told.get("username") or not told.get("password"):
        return None
    return Login(told["username"], told["password"])


def _from_netrc(user: Caller, host: str) -> Login | None:
    try:
        known = netrc.netrc(f"{user.home}/.netrc").authenticators(host)
    except (OSError, ValueError, netrc.NetrcParseError):
        return None
    return Login(known[0], known[2]) if known and known[2] else None
