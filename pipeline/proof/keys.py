"""Public keys: as PEM has them, and what bundles call them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from pipeline.errors import UsageError

# What a key's DER begins with (RFC 5480, section 2; RFC 8410, section 4): its kind. The point follows.
_ECDSA = "ECDSA P-256"
_KINDS = {
    bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"): _ECDSA,
    bytes.fromhex("302a300506032b6570032100"): "Ed25519",
}
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)-----END \1-----")
MAKE = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signing.key"


@dataclass(frozen=True)
class PublicKey:
    """One key that may have signed, in the form of X.509 (SubjectPublicKeyInfo, DER)."""

    der: bytes

    @property
    def prehashed(self) -> bool:
        """Whether a signature is of the text's SHA-256: of ECDSA's it is, of Ed25519's not."""
        return next(kind for start, kind in _KINDS.items() if self.der.startswith(start)) == _ECDSA

    @property
    def name(self) -> str:
        """What bundles call it: cosign's way, the digest of the key in base64."""
        return base64.b64encode(hashlib.sha256(self.der).digest()).decode()

    @property
    def pem(self) -> str:
        encoded = base64.b64encode(self.der).decode()
        lines = [encoded[at : at + 64] for at in range(0, len(encoded), 64)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def public(text: str, place: str) -> tuple[PublicKey, ...]:
    """The public keys in ``text``; UsageError, naming the place, when there is none or one that cannot be used."""
    found = []
    for label, content in _PEM.findall(text):
        if label != "PUBLIC KEY":
            raise UsageError(f"{place}: it holds a {label}; write the public half: openssl pkey -in KEY -pubout")
        found.append(of_der(_decoded(content, place), place))
    if not found:
        raise UsageError(f"{place}: there is no public key in PEM; make one by: openssl pkey -in signing.key -pubout")
    return tuple(found)


def of_der(der: bytes, place: str) -> PublicKey:
    """The key; UsageError when it is of a kind that cosign or this program does not sign with."""
    if not any(der.startswith(start) for start in _KINDS):
        raise UsageError(f"{place}: only keys of {' and '.join(_KINDS.values())} are known here; make one by: {MAKE}")
    return PublicKey(der)


def _decoded(content: str, place: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except binascii.Error as error:
        raise UsageError(f"{place}: the key is not base64: {error}") from error
