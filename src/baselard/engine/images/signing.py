"""Signs what results travel by, and tells whose signature it bears: Ed25519 (RFC 8032), by this machine's openssl.

A key of two halves, so that whoever only reads needs no secret: a pull request's run verifies with what everybody may
know. OpenSSL is there wherever CA certificates are, Debian's depend on it.
"""

import base64
import binascii
import contextlib
import os
import re
from collections.abc import Iterator, Sequence

from baselard.engine.errors import UserError
from baselard.engine.files import bounded
from baselard.engine.host import process
from baselard.oci.image_config import Pairs

_ANNOTATION = "dev.baselard.cache.signature"
_PEM = re.compile(r"-----BEGIN ([A-Z ]*KEY)-----.*?-----END \1-----", re.DOTALL)


def keys(text: str, name: str) -> tuple[str, ...]:
    """The keys that the setting ``name`` gives: PEM itself, or the path of a file that holds it.

    Raises UserError for anything else.
    """
    if "-----BEGIN" not in text:
        try:
            text = bounded.read(text).decode()
        except (OSError, ValueError) as error:
            raise UserError(f"{name}: neither a key in PEM nor a file that holds one: {error}") from error
    found = tuple(match[0] + "\n" for match in _PEM.finditer(text))
    if not found:
        raise UserError(f"{name}: there is no key in PEM; make one by: openssl genpkey -algorithm ed25519")
    return found


def annotations(key: str, name: str) -> Pairs:
    """The annotations of a manifest when ``key`` vouches for the exported cache whose list has the digest ``name``."""
    return ((_ANNOTATION, sign(key, _vouched(name))),) if key else ()


def require(trusted: Sequence[str], said: Pairs, name: str) -> None:
    """See that one of the keys ``trusted`` made the signature among a manifest's annotations ``said``.

    Raises UserError when there is none, or another key made it.
    """
    signature = dict(said).get(_ANNOTATION, "")
    if not signature:
        raise UserError("the exported cache bears no signature, so anybody may have written it; nothing is taken of it")
    if not signed(trusted, _vouched(name), signature):
        raise UserError("the exported cache is signed by no key that is trusted here; nothing is taken of it")


def _vouched(name: str) -> bytes:
    """The text that a signature is of; it is never of anything else."""
    return f"baselard cache v1\n{name}\n".encode()


def sign(key: str, text: bytes) -> str:
    """The signature of ``text`` by the private key ``key``, in base64. Raises UserError for what is no such key."""
    with _file(key.encode()) as secret, _file(text) as message:
        done = process.run(
            ["openssl", "pkeyutl", "-sign", "-inkey", _path(secret), "-rawin", "-in", _path(message)],
            pass_fds=(secret, message),
            check=False,
        )
    if done.code:
        raise UserError(f"the key signs nothing: it is not a private key that openssl knows ({_reason(done.stderr)})")
    return base64.b64encode(done.stdout).decode()


def signed(known: Sequence[str], text: bytes, signature: str) -> bool:
    """Whether one of the keys ``known`` (public or private) made ``signature`` of ``text``.

    Raises UserError when one of them is none.
    """
    try:
        data = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(_signed(key, text, data) for key in known) if data else False


def _signed(key: str, text: bytes, signature: bytes) -> bool:
    public = () if "PRIVATE" in key.partition("\n")[0] else ("-pubin",)
    with _file(key.encode()) as place, _file(text) as message, _file(signature) as proof:
        paths = ["-rawin", "-in", _path(message), "-sigfile", _path(proof)]
        done = process.run(
            ["openssl", "pkeyutl", "-verify", *public, "-inkey", _path(place), *paths],
            pass_fds=(place, message, proof),
            check=False,
        )
        if done.code == 0:
            return True
        read = ["openssl", "pkey", *public, "-in", _path(place), "-noout"]
        if (broken := process.run(read, pass_fds=(place,), check=False)).code:
            raise UserError(f"the key verifies nothing: openssl cannot read it ({_reason(broken.stderr)})")
    return False


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[int]:
    """A file in memory: openssl takes a message of known length alone, and a key goes to no disk."""
    with os.fdopen(os.memfd_create("signing"), "w+b") as file:
        file.write(content)
        file.flush()
        yield file.fileno()


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _reason(said: bytes) -> str:
    return next(iter(said.decode(errors="replace").strip().splitlines()), "no reason given")
