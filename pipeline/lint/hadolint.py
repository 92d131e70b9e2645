"""Dockerfiles, by hadolint, each by the nearest of hadolint's files of rules above it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import PurePosixPath
from types import MappingProxyType

import dagger

from baselard import dockerfile
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline.lint.finding import Finding, document
from pipeline.lint.tool import output
from pipeline.model import Location

# "Always tag the version of an image", "Using latest is prone to errors": said of images that come from elsewhere.
_ABOUT_TAGS = frozenset({"DL3006", "DL3007"})
NAMES = (".hadolint.yaml", ".hadolint.yml")
"""Its files of rules, the one that it takes where there are both first."""
Lines = Mapping[str, Set[int]]
"""Lines of Dockerfiles, by path."""


async def findings(
    tools: dagger.Container, texts: Mapping[str, str], substituted: Lines, rules: Collection[str] = ()
) -> list[Finding]:
    """Findings in these Dockerfiles, given by path with their texts; `rules` are the files of rules there are.

    On `substituted` lines stands a FROM that is given what was just built: what its tag says does not matter.
    """
    groups: dict[str, list[str]] = {}
    for path in texts:
        groups.setdefault(nearest(path, rules), []).append(path)
    printed = await each(groups, lambda file: _printed(tools, file, groups[file]))
    return [finding for text in printed for finding in parse(text, texts, substituted)]


async def _printed(tools: dagger.Container, rules: str, paths: Sequence[str]) -> str:
    options = ["--config", rules] if rules else []
    return await output(tools, "hadolint", "--format", "json", "--no-fail", *options, *paths)


def nearest(path: str, rules: Collection[str]) -> str:
    """The file of rules in the Dockerfile's directory, or in the closest one above that has any; else nothing."""
    beside = (str(parent / name) for parent in PurePosixPath(path).parents for name in NAMES)
    return next((file for file in beside if file in rules), "")


def parse(printed: str, texts: Mapping[str, str], substituted: Lines = MappingProxyType({})) -> list[Finding]:
    """hadolint's JSON as findings."""
    return [
        _finding(item, texts.get(item["file"], ""))
        for item in document("hadolint", printed)
        if item["code"] not in _ABOUT_TAGS or int(item["line"]) not in substituted.get(item["file"], ())
    ]


def _finding(item: Mapping[str, str], text: str) -> Finding:
    place = Location(item["file"], int(item["line"]), int(item["column"]))
    code, severity, message = item["code"], item["level"], item["message"]
    if code == "DL1000" and _parses(text, place.path):
        # Known of 2.15: an instruction after a heredoc, a tag on localhost:PORT/NAME.
        said = f"not linted: hadolint 2.15 cannot read this file, which docker can: {' '.join(message.split())}"
        return Finding(place, code, "style", said, link(code))
    return Finding(place, code, severity, " ".join(message.split()), link(code))


def _parses(text: str, path: str) -> bool:
    try:
        dockerfile.parse(text, path)
    except DockerfileError:
        return False
    return True


def link(code: str) -> str:
    """The page that explains a rule."""
    if code.startswith("SC"):
        return f"https://www.shellcheck.net/wiki/{code}"
    return f"https://github.com/hadolint/hadolint/wiki/{code}"
