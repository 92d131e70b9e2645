"""Signing statements and checking signatures, by openssl in a container: keys never leave their Secret on the engine.

ECDSA P-256 with SHA-256, as cosign's own keys have it, or Ed25519 (RFC 8032), as those of an exported cache.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import dagger
from dagger import dag

from pipeline import debian, spans
from pipeline.errors import UsageError
from pipeline.proof import keys
from pipeline.proof.bundle import Claim, SignedStatement, pre_authentication
from pipeline.proof.keys import PublicKey
from pipeline.proof.trust import Trust

_INSTALL = debian.install("openssl")
_PUBLIC = """\
set -eu
case $(head -n 1 /key) in *SIGSTORE*)
  echo 'it is in the form of `cosign generate-key-pair`, which cosign alone reads' >&2; exit 1 ;;
esac
openssl pkey -in /key -passin pass: -pubout -outform DER -out /tmp/public
openssl base64 -A -in /tmp/public
"""
_SIGN = """\
set -eu
for encoded in *.message; do
  openssl base64 -d -A -in "$encoded" -out /tmp/message
  openssl pkeyutl -sign $HOW -inkey /key -passin pass: -in /tmp/message -out /tmp/signature
  printf '%s %s\\n' "${encoded%.message}" "$(openssl base64 -A -in /tmp/signature)"
done
"""
# Each line of `asked`: a number, the message's, the signature's and the key's files, and openssl's own flags.
_CHECK = """\
set -eu
while read -r number message signature key how; do
  openssl base64 -d -A -in "$message" -out /tmp/message
  openssl base64 -d -A -in "$signature" -out /tmp/signature
  if openssl pkeyutl -verify $how -pubin -inkey "$key" -in /tmp/message -sigfile /tmp/signature >&2
  then echo "$number"; fi
done <asked
"""


class Signer(Protocol):
    """A signer of statements: whom one has to trust for them to hold, and a sentence that names them."""

    @property
    def trust(self) -> Trust: ...
    @property
    def told(self) -> str: ...

    async def sign(self, payloads: Sequence[bytes]) -> list[bytes]:
        """A bundle around each of these statements, in their order."""


@dataclass(frozen=True)
class KeySigner:
    """A private key's owner: its public half, and how signatures of texts are made, in their order."""

    public: PublicKey
    signatures: Callable[[Sequence[bytes]], Awaitable[list[bytes]]]

    @property
    def trust(self) -> Trust:
        return Trust((self.public,))

    @property
    def told(self) -> str:
        return f"by the key {self.public.name}"

    async def sign(self, payloads: Sequence[bytes]) -> list[bytes]:
        made = await self.signatures([pre_authentication(one) for one in payloads]) if payloads else []
        return [
            SignedStatement(one, signature, self.public.name).body
            for one, signature in zip(payloads, made, strict=True)
        ]


async def signer(secret: dagger.Secret) -> KeySigner:
    """Who signs with this key; UsageError when it is no private key that can be used here."""
    printed = await _ran(_with_key(secret, {}), _PUBLIC)
    public = keys.of_der(base64.b64decode(printed), "--signing-key")
    return KeySigner(public, partial(_signatures, secret, public))


async def _signatures(secret: dagger.Secret, public: PublicKey, texts: Sequence[bytes]) -> list[bytes]:
    messages = {f"{at}.message": encoded(message(public, one)) for at, one in enumerate(texts)}
    with spans.task("sign", folded=True):
        printed = await _ran(_with_key(secret, messages), f"HOW='{_how(public)}'\n{_SIGN}")
    made = dict(line.split() for line in printed.splitlines())
    return [base64.b64decode(made[str(at)]) for at in range(len(texts))]


async def fitting(trusted: Sequence[PublicKey], signed: Sequence[Claim]) -> list[bool]:
    """Of each of these, whether one of the keys made its signature. One that names its key is asked of that alone."""
    asked = [
        (at, key)
        for at, one in enumerate(signed)
        for key, candidate in enumerate(trusted)
        if one.key in ("", candidate.name)
    ]
    if not asked:
        return [False] * len(signed)
    files = {f"{key}.pem": one.pem for key, one in enumerate(trusted)}
    files |= {f"{at}.signature": encoded(signed[at].signature) for at, _ in asked}
    files |= {f"{at}-{key}.message": encoded(message(trusted[key], signed[at].text)) for at, key in asked}
    lines = [f"{at} {at}-{key}.message {at}.signature {key}.pem {_how(trusted[key])}\n" for at, key in asked]
    with spans.task("check signatures", folded=True):
        printed = await _ran(_with_files({**files, "asked": "".join(lines)}), _CHECK)
    good = {int(line) for line in printed.split()}
    return [at in good for at in range(len(signed))]


def message(key: PublicKey, text: bytes) -> bytes:
    """The part of a text that is signed: of ECDSA's its hash, since a list of packages has megabytes."""
    return hashlib.sha256(text).digest() if key.prehashed else text


def _how(key: PublicKey) -> str:
    return "-pkeyopt digest:sha256" if key.prehashed else "-rawin"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def held(files: Mapping[str, str]) -> dagger.Directory:
    """A directory of these files, for a program in a container to read."""
    directory = dag.directory()
    for name, text in files.items():
        directory = directory.with_new_file(name, text)
    return directory


def _with_files(files: Mapping[str, str]) -> dagger.Container:
    tools = dag.container().from_("debian:trixie-slim").with_exec(["sh", "-c", _INSTALL])
    return tools.with_mounted_directory("/work", held(files)).with_workdir("/work")


def _with_key(secret: dagger.Secret, files: Mapping[str, str]) -> dagger.Container:
    return _with_files(files).with_mounted_secret("/key", secret)


async def _ran(container: dagger.Container, script: str) -> str:
    try:
        return await container.with_exec(["sh", "-c", script]).stdout()
    except dagger.ExecError as error:
        said = error.stderr.strip().splitlines()
        reason = said[0] if said else f"exit code {error.exit_code}"
        raise UsageError(f"--signing-key: openssl cannot use this key ({reason}); make one by: {keys.MAKE}") from error
