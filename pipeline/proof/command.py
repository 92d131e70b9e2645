"""Signing by a command that has the key elsewhere: a key management service's, in an image that has its client."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import dagger
from dagger import dag

from pipeline import spans
from pipeline.errors import ConfigError, UsageError
from pipeline.project import Project
from pipeline.proof import settings, signing
from pipeline.proof.bundle import Claim
from pipeline.proof.keys import PublicKey
from pipeline.proof.signing import KeySigner

# The messages are base64 for want of a way to write other files; every shell's image can decode it.
_SIGN = """\
mkdir /tmp/signatures
for encoded in /work/*.message; do
  name=${encoded##*/}
  base64 -d <"$encoded" >/tmp/message
  sh -c "$1" </tmp/message >/tmp/signature || exit
  base64 </tmp/signature >"/tmp/signatures/${name%.message}"
done
"""
_SIGNATURES = "/tmp/signatures"  # noqa: S108  # a container's own
_TRIED = b"baselard signs statements by this key\n"


@dataclass(frozen=True)
class SigningCommand:
    """A command, and a container that it runs in."""

    text: str
    place: str
    container: dagger.Container


async def signer(project: Project) -> KeySigner:
    """The signer by the configured command. UsageError where it fails, or makes signatures of another key."""
    config = project.config
    place = config.place(("sign", "command"))
    keys = await settings.public_keys(project, ("sign", "key"), config.sign.key)
    if len(keys) != 1:
        raise ConfigError(f"{config.place(('sign', 'key'))}: {config.sign.key} holds {len(keys)} keys, not one")
    container = dag.container().from_(config.sign.image)
    for name, secret in (await project.given(config.sign.secrets, f"{place}: sign.command")).items():
        container = container.with_secret_variable(name, secret)
    made = KeySigner(keys[0], partial(signatures, SigningCommand(config.sign.command, place, container), keys[0]))
    await made.signatures([_TRIED])
    return made


async def signatures(command: SigningCommand, key: PublicKey, texts: Sequence[bytes]) -> list[bytes]:
    """The command's signature of each text. UsageError where that is no signature by this key."""
    messages = {f"{at}.message": signing.encoded(signing.message(key, one)) for at, one in enumerate(texts)}
    with spans.task("sign", folded=True):
        printed = await _ran(command, messages)
    made = [_plain(one) for one in printed]
    claims = [Claim(text, one) for text, one in zip(texts, made, strict=True)]
    if not all(await signing.fitting([key], claims)):
        raise UsageError(f"{command.place}: what sign.command printed is not a signature by sign.key")
    return made


async def _ran(command: SigningCommand, messages: dict[str, str]) -> list[bytes]:
    """The bytes that the command printed for each of these messages."""
    held = signing.held(messages)
    ran = command.container.with_mounted_directory("/work", held).with_exec(["sh", "-c", _SIGN, "sh", command.text])
    try:
        made = ran.directory(_SIGNATURES)
        return [base64.b64decode(await made.file(str(at)).contents()) for at in range(len(messages))]
    except dagger.ExecError as error:
        said = [*error.stderr.strip().splitlines(), f"exit code {error.exit_code}"][0]
        raise UsageError(f"{command.place}: sign.command failed: {said}") from error


def _plain(printed: bytes) -> bytes:
    """A signature that may be printed as it is, or in base64."""
    try:
        return base64.b64decode(b"".join(printed.split()), validate=True) or printed
    except binascii.Error:
        return printed
