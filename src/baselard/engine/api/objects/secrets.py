"""Secrets: by handle in a session, by identity in keys, in plaintext only where a command needs it."""

import hashlib
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.api.objects.serving import shows
from baselard.engine.errors import EngineError, UserError
from baselard.engine.files import bounded
from baselard.engine.host import caller, process
from baselard.engine.run.containers.command import SecretRef

_SHOWN = 4
_VAULTS = frozenset({"op", "vault", "libsecret", "gcp", "aws+sm", "aws+ps"})


@shows("name", "uri")
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
    _hashes: dict[bytes, str] = field(default_factory=dict)
    _used: set[bytes] = field(default_factory=set)

    def set(self, name: str, plaintext: bytes) -> Secret:
        """A secret under a name; in keys it counts by a slow hash of its plaintext."""
        identity = self._hashed(plaintext)
        handle = f"name:{name}:{identity}"
        self._known[handle] = lambda: plaintext
        return Secret(SecretRef(identity, handle), name=name)

    def from_uri(self, uri: str, cache_key: str = "") -> Secret:
        """The secret at ``env://NAME``, ``file://PATH`` or ``cmd://COMMAND``.

        In keys it counts by ``cache_key`` or else by a slow hash of its plaintext. Raises UserError at once for a
        scheme that Dagger does not know; a lookup that fails is told when the plaintext is needed.
        """
        fetch = self._provider(uri)
        if cache_key:
            identity = f"key:{cache_key}"
        else:
            identity, fetch = self._looked_up(fetch)
        handle = f"uri:{uri}:{identity}"
        self._known[handle] = fetch
        return Secret(SecretRef(identity, handle), uri=uri)

    def plaintext(self, handle: str) -> bytes:
        """The bytes of a secret. Raises UserError when this session has none of that handle, or it cannot be had."""
        if handle not in self._known:
            raise UserError("this secret was not given to this session; set it, or load it by its URI, first")
        plaintext = self._known[handle]()
        self._used.add(plaintext)
        return plaintext

    def texts(self) -> tuple[bytes, ...]:
        """Every plaintext that this session has come to know."""
        return tuple({*self._hashes, *self._used})

    def _looked_up(self, fetch: Callable[[], bytes]) -> tuple[str, Callable[[], bytes]]:
        """The part for keys, and the very plaintext it was made of; one that is not there is like nothing else."""
        try:
            plaintext = fetch()
        except EngineError:
            return f"missing:{uuid.uuid4()}", fetch
        return self._hashed(plaintext), lambda: plaintext

    def _hashed(self, plaintext: bytes) -> str:
        """Salted with the store's own salt and slow to make (scrypt, RFC 7914): who has the store cannot guess it."""
        if plaintext not in self._hashes:
            slow = hashlib.scrypt(plaintext, salt=self.salt, n=1 << 12, r=8, p=1, dklen=32)
            self._hashes[plaintext] = f"hash:{slow.hex()}"
        return self._hashes[plaintext]

    def _provider(self, uri: str) -> Callable[[], bytes]:
        scheme, colon, rest = uri.partition("://")
        if not colon:
            raise UserError(f'parse "{uri}": malformed id: write it like env://NAME, file://PATH or cmd://COMMAND')
        if scheme in _VAULTS:
            return _from_vault(scheme)
        providers = {"env": _from_env, "file": self._from_file, "cmd": self._from_command}
        if scheme not in providers:
            raise UserError(f'unsupported secret provider: "{scheme}"; env, file and cmd are served')
        return providers[scheme](rest)

    def _from_file(self, path: str) -> Callable[[], bytes]:
        def fetch() -> bytes:
            try:
                with (self.workdir / Path(path).expanduser()).open("rb") as file:  # a pipe is as good as a file
                    data = file.read(bounded.SMALL + 1)
            except OSError as error:
                reason = (error.strerror or "").lower()
                raise UserError(f'failed to read secret file "{path}": open {path}: {reason}') from error
            except (RuntimeError, ValueError) as error:  # there is no such user, or no such name can be
                raise UserError(f'failed to read secret file "{path}": {error}') from error
            if len(data) > bounded.SMALL:
                raise UserError(f'failed to read secret file "{path}": it has more than {bounded.SMALL >> 20} MiB')
            return data

        return fetch

    def _from_command(self, command: str) -> Callable[[], bytes]:
        user = caller.invoking_user(os.environ)
        env = {**os.environ, "HOME": user.home}

        def fetch() -> bytes:
            done = process.run((*user.argv(), "sh", "-c", command), cwd=self.workdir, env=env, check=False)
            if done.code:
                message = done.stderr.decode(errors="replace").strip()
                raise UserError(f'failed to run secret command "{command}": exit status {done.code}: {message}')
            return done.stdout

        return fetch


def _from_env(name: str) -> Callable[[], bytes]:
    def fetch() -> bytes:
        value = os.environb.get(os.fsencode(name))
        if value is None:
            shown = name if len(name) < _SHOWN else name[: _SHOWN - 1] + "..."  # it may be the secret itself
            raise UserError(f'secret env var not found: "{shown}" is not set where the engine was started')
        return value

    return fetch


def _from_vault(scheme: str) -> Callable[[], bytes]:
    def fetch() -> bytes:
        raise UserError(
            f"secrets of {scheme}:// are not served by the embedded engine: use cmd:// with that store's own program, "
            "which prints the secret"
        )

    return fetch
