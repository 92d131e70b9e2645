"""One run of the host's git about a remote, in an environment of its own.

There is no user's configuration in it, no hooks, no prompts; credentials come by variables alone, so that none shows in
a command line or stays in a checkout.
"""

import base64
import itertools
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from baselard.engine.errors import AuthenticationError, NoShallowError, UserError
from baselard.engine.host import process
from baselard.engine.host.process import Completed

PROTOCOLS = ("http", "https", "git", "ssh")
"""The protocols that repositories are asked for by."""


_TRANSLATED: dict[str, tuple[str, type[UserError]]] = {
    "authentication failed": ("git authentication failed", AuthenticationError),
    "could not read username": ("git authentication failed", AuthenticationError),
    "could not read password": ("git authentication failed", AuthenticationError),
    "not a git repository": ("not a git repository", UserError),
    "does not appear to be a git repository": ("not a git repository", UserError),
    "does not support shallow": ("shallow clone not supported", NoShallowError),
}


@dataclass(frozen=True)
class Access:
    """A remote and how it is spoken to. ``token`` is a password, ``header`` a whole ``Authorization`` value.

    ``names`` are addresses of hosts that this machine does not know by name, by these names. ``inside`` calls a
    function where these addresses are met, if that is not here.
    ``strange`` says of a directory of this machine that somebody else made what is in it (files/git_directory.py).
    """

    url: str
    username: str = ""
    token: str = ""
    header: str = ""
    agent: str = ""
    known_hosts: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    strange: bool = False
    inside: Callable[[Callable[[], Completed]], Completed] | None = None

    def toward(self, url: str) -> "Access":
        """The same for ``url``: from here and without names, where none of those elsewhere is its host's."""
        if not self.inside or host_of(url) in {*self.names, *self.names.values()}:
            return self
        return replace(self, names={}, inside=None)


def host_of(url: str) -> str:
    """The host name of a repository's URL, "" where it has none."""
    return (urlsplit(url).hostname or "") if "://" in url else ""


def output(arguments: Sequence[str | Path], access: Access, *, cwd: Path, file: bool = False) -> bytes:
    """Run git; what it wrote to stdout. Raises UserError with its own words, HostError where there is no git.

    With ``file`` it may read repositories of this machine, whoever names them.
    """
    with tempfile.TemporaryDirectory(prefix="baselard-git-") as own:
        known_hosts = Path(own, "known_hosts")
        known_hosts.write_text(access.known_hosts)
        environment = _environment(access, known_hosts, file)
        run = partial(process.run, ("git", *arguments), cwd=cwd, env=environment, check=False)
        done = access.inside(run) if access.inside else run()
    if done.code:
        raise _failure(access, done.code, done.stderr.decode(errors="replace").strip())
    return done.stdout


def _failure(access: Access, code: int, message: str) -> UserError:
    reason, kind = next(
        (known for words, known in _TRANSLATED.items() if words in message.lower()), (f"exit status {code}", UserError)
    )
    return kind(f"git error: {reason}: {access.url}: {message}")


def _environment(access: Access, known_hosts: Path, file: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_", "XDG_"))}
    settings = [("safe.directory", "*"), ("advice.detachedHead", "false")]
    settings += [("core.hooksPath", os.devnull), ("core.fsmonitor", "false")]
    settings += _renamed(access)
    if authorization := _authorization(access):
        settings.append((f"http.{_site(access)}.extraHeader", f"Authorization: {authorization}"))
    numbered = {f"GIT_CONFIG_KEY_{i}": name for i, (name, _) in enumerate(settings)}
    numbered |= {f"GIT_CONFIG_VALUE_{i}": value for i, (_, value) in enumerate(settings)}
    certificates = {name: os.environ[name] for name in ("GIT_SSL_CAINFO",) if name in os.environ}
    return {
        **kept,
        **certificates,
        **_unproxied(access),
        **numbered,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "HOME": os.devnull,  # curl looks for .netrc there, which is meant for what the user asks for
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TEMPLATE_DIR": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": ":".join((*PROTOCOLS, "file") if file else PROTOCOLS),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": _ssh(access, known_hosts),
        **({"SSH_AUTH_SOCK": access.agent} if access.agent else {}),
    }


def _renamed(access: Access) -> Iterator[tuple[str, str]]:
    """Settings that put addresses in place of names, in the remote's URL and in those of its submodules."""
    user = _authority(access.url)[0]
    for name, address in access.names.items():
        for protocol, who, end in itertools.product(PROTOCOLS, {"", user}, "/:"):
            yield f"url.{protocol}://{who}{address}{end}.insteadOf", f"{protocol}://{who}{name}{end}"


def _unproxied(access: Access) -> dict[str, str]:
    """Variables by which no proxy of this machine is asked for what it does not know by name."""
    if not access.names:
        return {}
    variables = ("no_proxy", "NO_PROXY")
    known = next(filter(None, map(os.environ.get, variables)), "")
    return dict.fromkeys(variables, ",".join(filter(None, (known, *access.names.values()))))


def _site(access: Access) -> str:
    """The beginning of the URLs of all of the host's repositories: submodules may be there, as on a Dagger engine."""
    host = host_of(access.url)
    where = _authority(access.url)[1].replace(host, access.names.get(host, host), 1)
    return f"{access.url.partition('://')[0]}://{where}/"


def _authority(url: str) -> tuple[str, str]:
    """Who speaks, with the sign that ends it, and the host with its port, as they stand in a URL."""
    user, at, where = urlsplit(url).netloc.rpartition("@")
    return user + at, where


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
