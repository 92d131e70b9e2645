"""Signed statements as sigstore's bundles: an envelope of DSSE, and which key it is for.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md,
https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from baselard.oci import text
from pipeline.proof.statement import MEDIA_TYPE as STATEMENT

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_FAMILY = "application/vnd.dev.sigstore.bundle"


@dataclass(frozen=True)
class Claim:
    """Bytes with a signature of them, and the name of the key (see ``keys``), if it is named."""

    text: bytes
    signature: bytes
    key: str = ""


@dataclass(frozen=True)
class SignedStatement:
    """What is in a bundle: the statement's bytes, a signature of them, and the name of the key (see ``keys``).

    ``certified`` is the whole bundle, where a certificate takes the place of a key.
    """

    payload: bytes
    signature: bytes
    key: str = ""
    certified: bytes = b""

    @property
    def claim(self) -> Claim:
        """What the signature is of: DSSE's pre-authentication encoding."""
        return Claim(pre_authentication(self.payload), self.signature, self.key)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the statement."""
        return hashlib.sha256(self.payload).digest()

    @property
    def body(self) -> bytes:
        document = {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": self.key}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": base64.b64encode(self.payload).decode(),
                "payloadType": STATEMENT,
                # No "keyid": verifiers take a signature for another's whose name of the key is not in their own form.
                "signatures": [{"sig": base64.b64encode(self.signature).decode()}],
            },
        }
        return json.dumps(document, separators=(",", ":")).encode()


def pre_authentication(payload: bytes) -> bytes:
    """PAE of a statement: type and content, each after its length."""
    return b"DSSEv1 %d %b %d %b" % (len(STATEMENT), STATEMENT.encode(), len(payload), payload)


def is_bundle(media_type: str) -> bool:
    """Whether a referrer or its layer is a bundle, of whichever version."""
    return media_type.startswith(_FAMILY)


def read(body: bytes) -> SignedStatement:
    """What is in a bundle. Raises ValueError that says why there is nothing that can be checked here."""
    try:
        document = text.members(text.loads(body))
        material = text.members(document["verificationMaterial"])
        if "dsseEnvelope" not in document:
            raise ValueError("it signs bytes, not a statement")
        envelope: Any = text.members(document["dsseEnvelope"])
        if envelope["payloadType"] != STATEMENT:
            raise ValueError(f"it holds {envelope['payloadType']}, not {STATEMENT}")
        if len(envelope["signatures"]) != 1:
            raise ValueError(f"it has {len(envelope['signatures'])} signatures, not one")
        signature = envelope["signatures"][0]
        parts = _bytes(envelope["payload"]), _bytes(signature["sig"])
        if "publicKey" not in material:
            return SignedStatement(*parts, certified=body)
        return SignedStatement(*parts, str(text.members(material["publicKey"]).get("hint") or ""))
    except (TypeError, KeyError, RecursionError, UnicodeDecodeError, json.JSONDecodeError, binascii.Error) as error:
        raise ValueError(f"it is not a bundle: {error!r}") from error


def _bytes(encoded: Any) -> bytes:
    return base64.b64decode(encoded, validate=True)
