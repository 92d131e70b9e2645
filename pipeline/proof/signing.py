"""Signing statements and checking signatures, by openssl in a container: keys never leave their Secret on the engine.

ECDSA P-256 with SHA-256, as cosign's own keys have it, or Ed25519 (RFC 8032), as those of an exported cache.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagger
from dagger import dag

from pipeline import spans
from pipeline.errors import UsageError
from pipeline.proof import keys
from pipeline.proof.bundle import SignedStatement, pre_authentication
from pipeline.proof.keys import PublicKey

_INSTALL = "apt-get update -qq && apt-get install -y -qq --no-install-recommends openssl >/dev/null"
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


@dataclass(frozen=True)
class Signer:
    """A private key, whose public half is known to be one that can be used."""

    secret: dagger.Secret
    public: PublicKey

    async def sign(self, payloads: Sequence[bytes]) -> list[SignedStatement]:
        """Each of these statements with a signature, in their order."""
        if not payloads:
            return []
        texts = map(pre_authentication, payloads)
        messages = {f"{at}.message": _message(self.public, one) for at, one in enumerate(texts)}
        with spans.task("sign", folded=True):
            printed = await _ran(_with_key(self.secret, messages), f"HOW='{_how(self.public)}'\n{_SIGN}")
        made = dict(line.split() for line in printed.splitlines())
        return [
            SignedStatement(one, base64.b64decode(made[str(at)]), self.public.name) for at, one in enumerate(payloads)
        ]


async def signer(secret: dagger.Secret | None) -> Signer | None:
    """Who signs with this key; UsageError when it is no private key that can be used here."""
    if secret is None:
        return None
    printed = await _ran(_with_key(secret, {}), _PUBLIC)
    return Signer(secret, keys.of_der(base64.b64decode(printed), "--signing-key"))


async def fitting(trusted: Sequence[PublicKey], signed: Sequence[SignedStatement]) -> list[bool]:
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
    files |= {f"{at}.signature": _encoded(signed[at].signature) for at, _ in asked}
    files |= {f"{at}-{key}.message": _message(trusted[key], signed[at].signed_text) for at, key in asked}
    lines = [f"{at} {at}-{key}.message {at}.signature {key}.pem {_how(trusted[key])}\n" for at, key in asked]
    with spans.task("check signatures", folded=True):
        printed = await _ran(_with_files({**files, "asked": "".join(lines)}), _CHECK)
    good = {int(line) for line in printed.split()}
    return [at in good for at in range(len(signed))]


def _message(key: PublicKey, text: bytes) -> str:
    """What openssl is given to sign or to check, in base64: a list of packages has megabytes, its hash 32 bytes."""
    return _encoded(hashlib.sha256(text).digest() if key.prehashed else text)


def _how(key: PublicKey) -> str:
    return "-pkeyopt digest:sha256" if key.prehashed else "-rawin"


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _with_files(files: Mapping[str, str]) -> dagger.Container:
    held = dag.directory()
    for name, text in files.items():
        held = held.with_new_file(name, text)
    tools = dag.container().from_("debian:trixie-slim").with_exec(["sh", "-c", _INSTALL])
    return tools.with_mounted_directory("/work", held).with_workdir("/work")


def _with_key(secret: dagger.Secret, files: Mapping[str, str]) -> dagger.Container:
    return _with_files(files).with_mounted_secret("/key", secret)


async def _ran(container: dagger.Container, script: str) -> str:
    try:
        return await container.with_exec(["sh", "-c", script]).stdout()
    except dagger.ExecError as error:
        said = error.stderr.strip().splitlines()
        reason = said[0] if said else f"exit code {error.exit_code}"
        raise UsageError(f"--signing-key: openssl cannot use this key ({reason}); make one by: {keys.MAKE}") from error
