"""The layout of a repository that says nothing: where its base, its examples and their tests are.

`discover` goes by it on an engine's directories, `baselard init` on files. It imports no SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from types import MappingProxyType

from baselard import dockerfile

CONFIG = "baselard.yaml"
IMAGE_CONTEXT = "docker-image://"
"""What the value of a named context begins with that is an image, as in buildx."""

DOCKERFILES = ("Dockerfile", "Containerfile")
BASE_DOCKERFILES = ("Dockerfile", "image/Dockerfile", "Containerfile", "image/Containerfile")
EXAMPLES = ("examples/*", "docs/cookbooks/*")
GOSS = "goss.yaml"
GOSS_WAIT = "goss_wait.yaml"
GOSSFILES = (GOSS, "goss/*.yaml")
"""Below an example: all of these, so that none is silently ignored."""
BASIC = "basic"
TESTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "goss": GOSSFILES,
        "container-structure-test": ("*structure-test*.yaml", "*structure-test*.yml"),
        "script": ("test.sh", "tests/*.bats"),
        "pytest": ("test_*.py", "*_test.py", "tests/test_*.py", "tests/*_test.py"),
    }
)
"""By tester, the files of an example that are its tests."""
ASKED_FOR = ("script", "pytest")
"""Whose files are tests only where the settings say so: a script that is there may be for another machine."""


# What is no Dockerfile itself though its name begins or ends like one: ignore rules, templates, what editors leave.
_OTHERWISE = {"dockerignore", "template", "tmpl", "tpl", "j2", "jinja", "jinja2", "in", "erb", "mustache"} | {
    *("bak", "orig", "rej", "old", "swp", "md", "sh", "yaml", "yml", "json")
}
_FROM = re.compile(r"^[ \t]*FROM[ \t]", re.IGNORECASE | re.MULTILINE)
_NAMED = re.compile(r"(?:Docker|Container)file\.(?P<behind>[^.].*)|(?P<before>.+)\.(?:[Dd]ocker|[Cc]ontainer)file")


@dataclass(frozen=True)
class From:
    """One image from outside that a Dockerfile starts from, or only copies from, as written; `line` is where.

    It is 0 for an image that the configuration gives as a named context.
    """

    reference: str
    line: int
    copied: bool = False


def froms(
    text: str, path: str, build_args: Mapping[str, str] = MappingProxyType({}), contexts: tuple[str, ...] = ()
) -> tuple[From, ...]:
    """The outside images that a Dockerfile reads, but for those that a context stands for.

    Raises DockerfileError when it does not parse.
    """
    references = dockerfile.image_references(text, path, build_args=build_args, contexts=contexts)
    outside = (one for one in references if not one.is_stage and one.context is None and one.reference != "scratch")
    return tuple(From(one.reference, one.line, one.copied) for one in outside)


def dockerfile_name(file: str) -> str | None:
    """The rest of a Dockerfile's name: `web` of `web.dockerfile` and of `Dockerfile.web`.

    Empty for `Dockerfile` and `Containerfile`; None for a file that is none.
    """
    if file in DOCKERFILES:
        return ""
    match = _NAMED.fullmatch(file)
    name = match and (match["behind"] or match["before"])
    return name if name and name.rpartition(".")[2] not in _OTHERWISE and not name.endswith("~") else None


def may_be(path: str, text: str) -> bool:
    """Whether a file of a Dockerfile's name is one: with a name of its own (`Dockerfile.py`) it may be a program."""
    return PurePosixPath(path).name in DOCKERFILES or _FROM.search(text) is not None


def matches(path: str, pattern: str) -> bool:
    """Whether a path fits; a `*` stays within one part of it."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def beside(path: str, name: str) -> str:
    """The path of a file's neighbour."""
    return str(PurePosixPath(path).parent / name)
