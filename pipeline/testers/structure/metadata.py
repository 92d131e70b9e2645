"""The image's configuration, and what the metadata test says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagger import dag

from baselard.oci import digests
from pipeline.archive import first_manifest
from pipeline.goss.run import SHELL, prepared
from pipeline.testers.structure.patterns import PatternCheck
from pipeline.testers.tester import Exam


async def configuration(exam: Exam) -> Mapping[str, Any]:
    """Its `config` of the OCI specification, whole: of the image without its files, as an archive."""
    archive = exam.image.with_rootfs(dag.directory().with_new_file("none", "")).as_tarball()
    unpacked = (
        prepared(exam.image.with_user("0"), exam.tools, exam.nonce)
        .with_mounted_file("/.goss-image.tar", archive)
        .with_exec([*SHELL, "-c", "/.goss/busybox tar -xf /.goss-image.tar -C /.goss-run/out"])
        .directory("/.goss-run/out")
    )

    async def member(name: str) -> str:
        return await unpacked.file(name).contents()

    _, text = await first_manifest(member)
    document = json.loads(await member(digests.blob_path(str(json.loads(text)["config"]["digest"]))))
    return document.get("config") or {}


def environment(config: Mapping[str, Any]) -> dict[str, str]:
    """Its variables."""
    return dict(one.partition("=")[::2] for one in config.get("Env") or ())


def problems(wanted: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str | PatternCheck]:
    """What does not hold, and what a pattern is still to decide."""
    env, labels = environment(config), config.get("Labels") or {}
    for one in wanted.get("envVars") or ():
        yield from _value("variable", one, env)
    for one in wanted.get("labels") or ():
        yield from _value("label", one, labels)
    yield from (f"variable {one['key']} is set" for one in wanted.get("unboundEnvVars") or () if one["key"] in env)
    for key, name in (("entrypoint", "Entrypoint"), ("cmd", "Cmd")):
        there = config.get(name) or []
        if key in wanted and wanted[key] != there:
            yield f"{key} is {json.dumps(there)}, not {json.dumps(wanted[key])}"
    for key, name in (("workdir", "WorkingDir"), ("user", "User")):
        if wanted.get(key) and wanted[key] != config.get(name, ""):
            yield f"{key} is {config.get(name, '')!r}, not {wanted[key]!r}"
    ports = [port.partition("/")[0] for port in config.get("ExposedPorts") or ()]
    yield from _listed("port", ports, wanted.get("exposedPorts") or (), wanted.get("unexposedPorts") or ())
    volumes = list(config.get("Volumes") or ())
    yield from _listed("volume", volumes, wanted.get("volumes") or (), wanted.get("unmountedVolumes") or ())


def _value(kind: str, wanted: Mapping[str, Any], there: Mapping[str, str]) -> Iterator[str | PatternCheck]:
    key, value = wanted["key"], wanted.get("value") or ""
    if key not in there:
        yield f"{kind} {key} is not there"
    elif wanted.get("isRegex"):
        yield PatternCheck(
            value, there[key], wanted=True, said=f"{kind} {key} is {there[key]!r}, which {value!r} does not match"
        )
    elif value != there[key]:
        yield f"{kind} {key} is {there[key]!r}, not {value!r}"


def _listed(kind: str, there: Sequence[str], wanted: Sequence[str], unwanted: Sequence[str]) -> Iterator[str]:
    yield from (f"{kind} {one} is not there" for one in wanted if one not in there)
    yield from (f"{kind} {one} is there" for one in unwanted if one in there)
