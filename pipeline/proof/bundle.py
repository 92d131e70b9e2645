"""Signed statements as sigstore's bundles: an envelope of DSSE, and which key it is for.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md,
https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from baselard.oci import text
from pipeline.proof.statement import MEDIA_TYPE as STATEMENT

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_FAMILY = "application/vnd.dev.sigstore.bundle"


@dataclass(frozen=True)
class SignedStatement:
    """What is in a bundle: the statement's bytes, a signature of them, and the name of the key (see ``keys``)."""

    payload: bytes
    signature: bytes
    key: str

    @property
    def signed_text(self) -> bytes:
        """What the signature is of: DSSE's pre-authentication encoding."""
        return pre_authentication(self.payload)

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
    """What is in a bundle of a key's. Raises ValueError that says why there is nothing that can be checked here."""
    try:
        document = text.members(text.loads(body))
        material = text.members(document["verificationMaterial"])
        if "dsseEnvelope" not in document:
            raise ValueError("it signs bytes, not a statement")
        envelope: Any = text.members(document["dsseEnvelope"])
        if "publicKey" not in material:
            raise ValueError("it is signed with a certificate, which is not checked here: only keys are")
        if envelope["payloadType"] != STATEMENT:
            raise ValueError(f"it holds {envelope['payloadType']}, not {STATEMENT}")
        if len(envelope["signatures"]) != 1:
            raise ValueError(f"it has {len(envelope['signatures'])} signatures, not one")
        signature = envelope["signatures"][0]
        key = str(text.members(material["publicKey"]).get("hint") or "")
        return SignedStatement(_bytes(envelope["payload"]), _bytes(signature["sig"]), key)
    except (TypeError, KeyError, RecursionError, UnicodeDecodeError, json.JSONDecodeError, binascii.Error) as error:
        raise ValueError(f"it is not a bundle: {error!r}") from error


def _bytes(encoded: Any) -> bytes:
    return base64.b64decode(encoded, validate=True)
