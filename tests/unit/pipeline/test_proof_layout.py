"""An archive's index.json with what refers to its image. Judge: OCI image spec, image-layout.md and descriptor.md."""

from typing import Any

import pytest

from baselard.oci import digests
from baselard.oci.media_types import OCI_MANIFEST
from pipeline.errors import BaselardError
from pipeline.proof import layout
from pipeline.proof.evidence import Described, Kept, manifest
from pipeline.proof.statement import PROVENANCE, Statement

IMAGE: dict[str, Any] = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "1" * 64, "size": 3}
ALONE = {"schemaVersion": 2, "manifests": [IMAGE]}


def statement(*, signed):
    made = Statement("acme/base", IMAGE["digest"], PROVENANCE, {})
    subject = Described(IMAGE["digest"], IMAGE["mediaType"], IMAGE["size"])
    return Kept(manifest(subject, made, made.body, signed=signed), made.body)


@pytest.mark.parametrize("signed", [True, False])
def test_the_image_comes_first_with_its_platform_and_name_then_what_refers_to_it(signed):
    one = statement(signed=signed)
    image, other = layout.with_statements(ALONE, [one], "linux/arm64/v8", "dev")["manifests"]
    assert image["platform"] == {"os": "linux", "architecture": "arm64", "variant": "v8"}
    assert image["annotations"] == {"org.opencontainers.image.ref.name": "dev"}
    assert (other["digest"], other["size"]) == (digests.of_bytes(one.encoded), len(one.encoded))
    assert other["artifactType"] == one.manifest["artifactType"]
    assert "platform" not in other


def test_an_index_is_taken_apart_again():
    whole = layout.with_statements(ALONE, [statement(signed=True), statement(signed=False)], "linux/amd64", "x")
    foreign = {**IMAGE, "digest": "sha256:" + "3" * 64, "artifactType": "text/plain"}
    alone, others = layout.split({**whole, "manifests": [*whole["manifests"], foreign]})
    assert [one["digest"] for one in alone["manifests"]] == [IMAGE["digest"]]
    assert others == [one["digest"] for one in whole["manifests"][1:]]
    assert layout.split(ALONE) == (ALONE, [])


@pytest.mark.parametrize("count", [0, 2])
def test_an_archive_of_no_image_or_of_several_is_refused(count):
    with pytest.raises(BaselardError, match=f"holds {count} images; one can be pushed"):
        layout.split({"manifests": [IMAGE] * count})
