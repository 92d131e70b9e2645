"""Secrets: by handle in a session, by identity in keys, in plaintext only where a command needs it."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import EngineError, UserError
from baselard.engine.host import caller, process
from baselard.engine.run.containers.command import SecretRef

_PROVIDERS = ("env", "file", "cmd")
_KNOWN_ELSEWHERE = ("op", "vault", "libsecret", "gcp", "aws+sm", "aws+ps")


@dataclass(frozen=True)
class Secret:
    """The API's Secret. ``name`` is empty for one that came by URI, ``uri`` for one that was set."""

    ref: SecretRef
    name: str = ""
    uri: str = ""


@dataclass
class SecretStore:
    """The secrets of one session, in memory only (baselard.engine.run.worker.Secrets)."""

    workdir: Path
    salt: bytes
    _known: dict[str, Callable[[], bytes]] = field(default_factory=dict)

    def set(self, name: str, plaintext: bytes, *, namespace: str) -> Secret:
        """A secret under a name; in keys it counts by name and namespace alone, whatever its plaintext."""
        identity = f"name:{namespace}:{name}"
        handle = f"{identity}:{hashlib.sha256(self.salt + plaintext).hexdigest()}"
        self._known[handle] = lambda: plaintext
        return Secret(SecretRef(identity, handle), name=name)

    def from_uri(self, uri: str, cache_key: str = "") -> Secret:
        """The secret at ``env://NAME``, ``file://PATH`` or ``cmd://COMMAND``.

        In keys it counts by ``cache_key`` or else by a slow hash of its plaintext. Raises UserError at once for an
        unknown scheme; a lookup that fails is told when the plaintext is needed.
        """
        fetch = self._provider(uri)
        handle = f"uri:{uri}"
        self._known[handle] = fetch
        return Secret(SecretRef(self._identity(uri, cache_key, fetch), handle), uri=uri)

    def plaintext(self, handle: str) -> bytes:
        """The bytes of a secret. Raises UserError when this session has none of that handle, or it cannot be had."""
        if handle not in self._known:
            raise UserError("this secret was not given to this session; set it, or load it by its URI, first")
        return self._known[handle]()

    def _identity(self, uri: str, cache_key: str, fetch: Callable[[], bytes]) -> str:
        if cache_key:
            return f"key:{cache_key}"
        try:
            return "hash:" + hashlib.scrypt(fetch(), salt=self.salt, n=1 << 12, r=8, p=1, dklen=32).hex()
        except EngineError:
            return f"missing:{uri}"

    def _provider(self, uri: str) -> Callable[[], bytes]:
        scheme, colon, rest = uri.partition("://")
        if not colon:
            raise UserError(f"secret {uri!r} is no URI; write it like env://NAME, file://PATH or cmd://COMMAND")
        if scheme not in _PROVIDERS:
            raise UserError(f"unsupported secret provider: {scheme!r}; {_way_out(scheme)}")
        return {"env": _from_env, "file": self._from_file, "cmd": self._from_command}[scheme](rest)

    def _from_file(self, path: str) -> Callable[[], bytes]:
        def fetch() -> bytes:
            try:
                return (self.workdir / Path(path).expanduser()).read_bytes()
            except (OSError, RuntimeError) as error:
                raise UserError(f"secret file {path!r} cannot be read: {error}") from error

        return fetch

    def _from_command(self, command: str) -> Callable[[], bytes]:
        user = caller.invoking_user(os.environ)
        env = {**os.environ, "HOME": user.home}
        return lambda: process.run((*user.argv(), "sh", "-c", command), cwd=self.workdir, env=env).stdout


def _from_env(name: str) -> Callable[[], bytes]:
    def fetch() -> bytes:
        value = os.environb.get(os.fsencode(name))
        if value is None:
            raise UserError(f"secret env var not found: {name!r} is not set where the engine was started")
        return value

    return fetch


def _way_out(scheme: str) -> str:
    if scheme in _KNOWN_ELSEWHERE:
        return "use cmd:// with that store's own program, which prints the secret"
    return "env, file and cmd are served"
