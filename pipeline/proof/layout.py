"""Statements within an OCI archive, beside the image that they are about: for a registry that is elsewhere, or later.

An image layout's index.json may list any manifests (OCI image spec, image-layout.md): the image, and what refers to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dagger
from dagger import dag

from baselard.oci import digests
from baselard.oci.media_types import OCI_MANIFEST
from pipeline.errors import BaselardError
from pipeline.proof import evidence
from pipeline.proof.evidence import Kept

NAME = "org.opencontainers.image.ref.name"
_PACK = """\
set -eu
mkdir /layout
tar -C /layout -xf /image.tar
cp -r /more/. /layout/
tar -C /layout -cf /packed.tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner .
"""
# A name may be written in two ways; through a file, since a list of packages is nothing to show to people.
_READ = 'tar -xOf /image.tar "$1" "./$1" >/member 2>/dev/null || test -s /member'
Index = Mapping[str, Any]


def with_statements(index: Index, statements: Sequence[Kept], platform: str, name: str) -> dict[str, Any]:
    """An archive's index.json that lists its one image, by platform and name, and then what refers to it."""
    (image,) = index["manifests"]
    parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    image = {**image, "platform": parts, "annotations": {**(image.get("annotations") or {}), NAME: name}}
    return {**index, "manifests": [image, *(_descriptor(one) for one in statements)]}


def _descriptor(one: Kept) -> dict[str, Any]:
    described = {"mediaType": OCI_MANIFEST, "digest": digests.of_bytes(one.encoded), "size": len(one.encoded)}
    return {**described, **{key: one.manifest[key] for key in ("artifactType", "annotations") if key in one.manifest}}


def split(index: Index) -> tuple[dict[str, Any], list[str]]:
    """The index.json of the image alone, and the digests of the manifests of what refers to it.

    BaselardError where there is not one image.
    """
    images = [one for one in index["manifests"] if not one.get("artifactType")]
    if len(images) != 1:
        raise BaselardError(f"the archive holds {len(images)} images; one can be pushed with what is said about it")
    others = [str(one["digest"]) for one in index["manifests"] if evidence.is_statement(str(one.get("artifactType")))]
    return {**index, "manifests": images}, others


async def carrying(archive: dagger.File, statements: Sequence[Kept], platform: str, name: str) -> dagger.File:
    """The archive with these statements in it."""
    index = json.loads(await _member(archive, "index.json"))
    more = dag.directory().with_new_file("index.json", json.dumps(with_statements(index, statements, platform, name)))
    for body in [evidence.EMPTY, *(part for one in statements for part in (one.body, one.encoded))]:
        more = more.with_new_file(digests.blob_path(digests.of_bytes(body)), body.decode())
    return _packed(archive, more)


async def opened(archive: dagger.File) -> tuple[dagger.File, list[Kept]]:
    """The archive with the image alone, and the statements that were in it."""
    index = json.loads(await _member(archive, "index.json"))
    alone, others = split(index)
    found = []
    for digest in others:
        document = json.loads(await _member(archive, digests.blob_path(digest)))
        body = await _member(archive, digests.blob_path(str(document["layers"][0]["digest"])))
        found.append(Kept(document, body.encode()))
    more = dag.directory().with_new_file("index.json", json.dumps(alone))
    return (_packed(archive, more) if others else archive), found


def _packed(archive: dagger.File, more: dagger.Directory) -> dagger.File:
    held = _beside(archive).with_mounted_directory("/more", more)
    return held.with_exec(["sh", "-c", _PACK]).file("/packed.tar")


async def _member(archive: dagger.File, name: str) -> str:
    ran = _beside(archive).with_exec(["sh", "-c", _READ, "sh", name])
    try:
        return await ran.file("/member").contents()
    except dagger.ExecError as error:
        raise BaselardError(f"this is not an OCI archive: there is no {name} in it") from error


def _beside(archive: dagger.File) -> dagger.Container:
    return dag.container().from_("debian:trixie-slim").with_mounted_file("/image.tar", archive)
