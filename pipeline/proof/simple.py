"""The signature that podman, skopeo and CRI-O look for, and cosign before 3: at a tag called by the image's digest.

https://github.com/containers/image/blob/main/docs/containers-policy.json.5.md ("sigstoreSigned"),
https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baselard.oci import digests
from baselard.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from pipeline.proof import signing
from pipeline.proof.bundle import Claim, SignedStatement
from pipeline.proof.evidence import Evidence
from pipeline.proof.signing import KeySigner
from pipeline.proof.statement import SIGNATURE, Statement
from pipeline.registry.client import AwaitedRepository

STYLE = "simple-signing"
_MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
_ANNOTATION = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_NO_CONFIG = {"architecture": "", "os": "", "config": {}}


@dataclass(frozen=True)
class SignedDigest(SignedStatement):
    """A signature of a text that names an image's digest, and the statement that says the same."""

    text: bytes = b""

    @property
    def claim(self) -> Claim:
        return Claim(self.text, self.signature)


async def read(repository: AwaitedRepository, digest: str) -> list[Evidence]:
    """The signatures of an image that are at its tag, whoever made them."""
    answer = await repository.manifest(tag(digest))
    layers = json.loads(answer.body).get("layers") or () if answer else ()
    wanted = [layer for layer in layers if layer.get("mediaType") == _MEDIA_TYPE]
    return [await _one(repository, number, layer) for number, layer in enumerate(wanted)]


async def _one(repository: AwaitedRepository, number: int, layer: Mapping[str, Any]) -> Evidence:
    name = f"{layer['digest']}/{number}"  # two who sign the same text share its digest
    annotations = layer.get("annotations") or {}
    text = await repository.blob(str(layer["digest"]))
    if text is None:
        return Evidence(name, problem="it is listed, but not there")
    if _CERTIFICATE in annotations:
        return Evidence(name, problem="it is signed with a certificate in cosign's old form, which is not judged here")
    try:
        critical = json.loads(text)["critical"]
        about = Statement(
            critical["identity"]["docker-reference"], critical["image"]["docker-manifest-digest"], SIGNATURE, {}
        )
        signature = base64.b64decode(annotations[_ANNOTATION], validate=True)
        return Evidence(name, about.body, SignedDigest(about.body, signature, text=text))
    except (TypeError, KeyError, ValueError, RecursionError) as error:
        return Evidence(name, problem=f"it is not a signature as cosign writes it: {error!r}")


def payload(name: str, digest: str) -> bytes:
    """The text that is signed: that the image of this digest is one of the repository ``name``."""
    said = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": said, "optional": None}, separators=(",", ":")).encode()


def tag(digest: str) -> str:
    """The tag at which the signatures of an image are."""
    return f"{digest.replace(':', '-')}.sig"


async def sign(repository: AwaitedRepository, name: str, digest: str, signer: KeySigner) -> bool:
    """Add this signer's signature beside those of others; False when it is there already."""
    text = payload(name, digest)
    answer = await repository.manifest(tag(digest))
    layers = list(json.loads(answer.body).get("layers") or ()) if answer else []
    if any(await signing.fitting([signer.public], _signatures(layers, text))):
        return False
    (signature,) = await signer.signatures([text])
    layers.append(
        {
            "mediaType": _MEDIA_TYPE,
            "digest": await repository.put_blob(text),
            "size": len(text),
            "annotations": {_ANNOTATION: base64.b64encode(signature).decode()},
        }
    )
    config = json.dumps({**_NO_CONFIG, "rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in layers]}})
    described = {
        "mediaType": OCI_CONFIG,
        "digest": await repository.put_blob(config.encode()),
        "size": len(config),
    }
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": layers}
    await repository.put_manifest(tag(digest), OCI_MANIFEST, json.dumps(document, separators=(",", ":")).encode())
    return True


def _signatures(layers: Sequence[Mapping[str, Any]], text: bytes) -> list[Claim]:
    """Those of this text; what is no signature is none."""
    found = []
    for layer in layers:
        if layer.get("digest") != digests.of_bytes(text):
            continue
        try:
            said = base64.b64decode(str((layer.get("annotations") or {}).get(_ANNOTATION, "")), validate=True)
        except binascii.Error:
            continue
        found.append(Claim(text, said))
    return found
