"""Where an image comes from: SLSA's provenance v1.

https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from baselard.oci import digests

BUILDER = "https://github.com/baselard/baselard"
BUILD_TYPE = f"{BUILDER}/blob/main/docs/how-to/proof.md#of-an-image"
INDEX_TYPE = f"{BUILDER}/blob/main/docs/how-to/proof.md#of-an-index"
SOURCE = "source"
"""The name of the material that is the repository itself."""
_REF = re.compile(r"@(refs/.*|[0-9a-f]{40})$")


@dataclass(frozen=True)
class Origin:
    """The commit that was built. ``repository`` is an address; each is empty where nobody said it."""

    repository: str = ""
    ref: str = ""
    commit: str = ""

    def dependency(self) -> list[dict[str, Any]]:
        """The source as a material, if anything is known of it."""
        if not self.repository and not self.commit:
            return []
        uri = f"git+{self.repository}" + (f"@{self.ref}" if self.ref else "") if self.repository else ""
        return [{"name": SOURCE, **_given(uri=uri), **_given(digest=_given(gitCommit=self.commit))}]


@dataclass(frozen=True)
class Material:
    """An image, a file or a revision of git that went into the build; an image made on the spot says so."""

    name: str
    uri: str = ""
    digest: str = ""
    note: str = ""
    commit: str = ""

    def dependency(self) -> dict[str, Any]:
        digest = {"gitCommit": self.commit} if self.commit else {}
        if self.digest:
            parsed = digests.parse(self.digest)
            digest = {parsed.algorithm: parsed.hex}
        note = {"baselard_note": self.note} if self.note else {}
        return {"name": self.name, **_given(uri=self.uri, digest=digest, annotations=note)}


@dataclass(frozen=True)
class BuildRun:
    """One call that built: its name, and when it started and ended (ISO 8601, UTC)."""

    invocation: str
    started: str
    finished: str


@dataclass(frozen=True)
class BuildRecipe:
    """What was asked for: a stage of a Dockerfile of the source, for one platform."""

    dockerfile: str
    context: str
    target: str
    platform: str
    build_args: Mapping[str, str]


def of_image(origin: Origin, recipe: BuildRecipe, materials: Sequence[Material], run: BuildRun) -> dict[str, Any]:
    """The predicate of one platform's image."""
    asked = {
        "source": origin.repository,
        "ref": origin.ref,
        "dockerfile": recipe.dockerfile,
        "context": recipe.context,
        "target": recipe.target,
        "platform": recipe.platform,
        "buildArgs": _public(recipe.build_args),
    }
    return _predicate(BUILD_TYPE, _given(**asked), [*origin.dependency(), *_listed(materials)], run)


def of_index(origin: Origin, children: Sequence[Material], run: BuildRun) -> dict[str, Any]:
    """The predicate of an index: it is made of the images, and says so; theirs say where they come from."""
    asked = {"source": origin.repository, "ref": origin.ref, "platforms": [one.name for one in children]}
    return _predicate(INDEX_TYPE, _given(**asked), [*origin.dependency(), *_listed(children)], run)


def file(name: str, content: bytes) -> Material:
    """A file of the source as a material."""
    return Material(name, digest=digests.of_bytes(content))


def image_uri(name: str, platform: str) -> str:
    """An image's address as package URLs have it (purl-spec, types/docker), as BuildKit writes its materials."""
    path, _, tag = name.rpartition(":")
    short = path.removeprefix("docker.io/library/").removeprefix("docker.io/")
    return f"pkg:docker/{short}@{tag}" + (f"?platform={quote(platform, safe='')}" if platform else "")


def source(predicate: Mapping[str, Any]) -> str:
    """The address of the repository that a provenance names; empty where it names none.

    Read as SLSA has it, so that another builder's is understood: the first material of git.
    """
    built = predicate.get("buildDefinition") or {}
    listed = built.get("resolvedDependencies") or ()
    if built.get("buildType") in (BUILD_TYPE, INDEX_TYPE):  # an ADD may have fetched others
        listed = [one for one in listed if one.get("name") == SOURCE]
    uris = [str(one.get("uri") or "") for one in listed]
    return next((_REF.sub("", uri.removeprefix("git+")) for uri in uris if uri.startswith("git+")), "")


def _predicate(
    kind: str, asked: Mapping[str, Any], materials: Sequence[Mapping[str, Any]], run: BuildRun
) -> dict[str, Any]:
    return {
        "buildDefinition": {
            "buildType": kind,
            "externalParameters": dict(asked),
            "internalParameters": {},
            "resolvedDependencies": list(materials),
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": _given(baselard=_version())},
            "metadata": {"invocationId": run.invocation, "startedOn": run.started, "finishedOn": run.finished},
        },
    }


def _listed(materials: Sequence[Material]) -> list[dict[str, Any]]:
    return [one.dependency() for one in materials]


def _public(args: Mapping[str, str]) -> dict[str, str]:
    """Build arguments without the values of those that docker's check takes for secrets."""
    from baselard.dockerfile.plan.checks import is_secret  # the parser and all instructions

    return {key: "(left out)" if is_secret(key) else str(value) for key, value in sorted(args.items())}


def _given(**members: Any) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value}


def _version() -> str:
    """This program's own; a checkout has it in its file, an engine has installed it."""
    file = Path(__file__).parents[2] / "pyproject.toml"
    if file.exists():
        return str(tomllib.loads(file.read_text())["project"]["version"])
    try:
        return metadata.version("baselard")
    except metadata.PackageNotFoundError:
        return ""
