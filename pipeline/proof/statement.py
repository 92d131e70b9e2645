"""A statement about one image: in-toto's Statement v1, as bytes and back.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baselard.oci import text
from baselard.oci.digests import Digest, parse
from baselard.oci.errors import InvalidDigestError

TYPE = "https://in-toto.io/Statement/v1"
MEDIA_TYPE = "application/vnd.in-toto+json"

PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SPDX = "https://spdx.dev/Document"
CYCLONEDX = "https://cyclonedx.org/bom"
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""What cosign attaches when it signs an image: a statement that says nothing but the digest."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "provenance": (PROVENANCE,),
    "test-result": (TEST_RESULT,),
    "sbom": (SPDX, CYCLONEDX),
    "signature": (SIGNATURE,),
}
"""By the word that people write, the predicate types that it may be."""


@dataclass(frozen=True)
class Statement:
    """One claim. ``name`` is the repository, ``digest`` that of the manifest or index which the claim is about."""

    name: str
    digest: str
    predicate_type: str
    predicate: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return kind(self.predicate_type)

    @property
    def body(self) -> bytes:
        """The same bytes for the same statement."""
        subject = parse(self.digest)
        document = {
            "_type": TYPE,
            "subject": [{"name": self.name, "digest": {subject.algorithm: subject.hex}}],
            "predicateType": self.predicate_type,
            "predicate": self.predicate,
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def kind(predicate_type: str) -> str:
    """What people call a predicate type; the type itself where there is no word for it."""
    return next((word for word, types in KINDS.items() if predicate_type in types), predicate_type)


def read(body: bytes, about: str) -> Statement:
    """The statement in ``body`` about the image ``about``, a digest. Raises ValueError that says why it is none."""
    try:
        document = text.members(text.loads(body))
        if document["_type"] != TYPE:
            raise ValueError(f"it is of the type {document['_type']}, not {TYPE}")
        subjects = _subjects(document["subject"])
        predicate = text.members(document.get("predicate") or {})
        found = Statement(subjects.get(about, ""), about, str(document["predicateType"]), predicate)
    except (TypeError, KeyError, RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"it is not an in-toto statement: {error!r}") from error
    if about not in subjects:
        raise ValueError(f"it is about {', '.join(subjects) or 'nothing'}, not about {about}")
    return found


def _subjects(listed: Any) -> dict[str, str]:
    """The name of each subject by its digest; one may have several digests."""
    found = {}
    for one in listed:
        for algorithm, value in text.members(one["digest"]).items():
            try:
                found[str(parse(str(Digest(algorithm, str(value)))))] = str(one.get("name", ""))
            except InvalidDigestError:
                continue  # gitCommit and the like: not an image's
    return found
