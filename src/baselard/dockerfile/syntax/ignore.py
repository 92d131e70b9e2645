"""`.dockerignore` text → patterns (moby/patternmatcher/ignorefile)."""

from __future__ import annotations

import posixpath

from e2b_dockerfile_utils import PatternMatcher

from baselard.dockerfile.syntax.errors import DockerfileError, Place

ROOT_IGNORE = ".dockerignore"


def read_ignore(text: str, filename: str = ".dockerignore") -> tuple[str, ...]:
    """The cleaned patterns in order; `!` marks an exception. Raises DockerfileError with the line of a bad one."""
    patterns = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        pattern = line.strip()
        if not pattern or line.startswith("#"):
            continue
        try:
            PatternMatcher([pattern])
        except ValueError as error:
            raise DockerfileError(str(error), Place(filename, number, pattern)) from None
        patterns.append(_clean(pattern))
    return tuple(patterns)


def _clean(pattern: str) -> str:
    negated = pattern.startswith("!")
    path = posixpath.normpath(pattern.removeprefix("!").strip())
    return ("!" if negated else "") + (path.lstrip("/") or path)


def ignore_files(dockerfile: str) -> tuple[str, str]:
    """Where patterns may stand, first wins: beside the Dockerfile under its name, then at the context's root."""
    return f"{dockerfile}.dockerignore", ROOT_IGNORE
