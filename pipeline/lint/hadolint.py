"""Dockerfiles, by hadolint. A `.hadolint.yaml` at the root is honoured by hadolint itself."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType

import dagger

from baselard import dockerfile
from baselard.dockerfile.syntax.errors import DockerfileError
from pipeline.lint.finding import Finding, document
from pipeline.lint.tool import output
from pipeline.model import Location

# "Always tag the version of an image", "Using latest is prone to errors": said of images that come from elsewhere.
_ABOUT_TAGS = frozenset({"DL3006", "DL3007"})
Lines = Mapping[str, Set[int]]
"""Lines of Dockerfiles, by path."""


async def findings(tools: dagger.Container, texts: Mapping[str, str], substituted: Lines) -> list[Finding]:
    """Findings in these Dockerfiles, given by path with their texts.

    On `substituted` lines stands a FROM that is given what was just built: what its tag says does not matter.
    """
    if not texts:
        return []
    return parse(await output(tools, "hadolint", "--format", "json", "--no-fail", *texts), texts, substituted)


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
