"""What a repository looks like that says nothing: where its base, its examples and their tests are.

`discover` goes by it on an engine's directories, `baselard init` on files. It imports no SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from baselard import dockerfile

CONFIG = "baselard.yaml"
BASE_DOCKERFILES = ("Dockerfile", "image/Dockerfile")
EXAMPLES = ("examples/*", "docs/cookbooks/*")
GOSS = "goss.yaml"
GOSS_WAIT = "goss_wait.yaml"
GOSSFILES = (GOSS, "goss/*.yaml")
"""Below an example: all of these, so that none is silently ignored."""


@dataclass(frozen=True)
class From:
    """One FROM that names an image from outside, as written, at a line of the Dockerfile."""

    reference: str
    line: int


def froms(text: str, path: str, build_args: Mapping[str, str] = MappingProxyType({})) -> tuple[From, ...]:
    """The outside images that a Dockerfile starts from; DockerfileError when it does not parse."""
    found = dockerfile.base_references(text, path, build_args=build_args)
    return tuple(From(one.reference, one.line) for one in found if not one.is_stage and one.reference != "scratch")


def matches(path: str, pattern: str) -> bool:
    """Whether a path fits; a `*` stays within one part of it."""
    pure = PurePosixPath(path)
    return len(pure.parts) == len(PurePosixPath(pattern).parts) and pure.match(pattern)


def beside(path: str, name: str) -> str:
    """The path of a file's neighbour."""
    return str(PurePosixPath(path).parent / name)
