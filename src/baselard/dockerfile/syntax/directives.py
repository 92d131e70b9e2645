"""The `# key=value` comments that open a Dockerfile: syntax, escape, check.

See "Parser directives" in the Dockerfile reference. A frontend other than Docker's own is another program: refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_
from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError

LINE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
KNOWN = ("syntax", "escape", "check")
# The frontend's published tags: releases of its first major version, and channels (docs.docker.com, BuildKit frontend).
CHANNEL = re.compile(r"1(\.\d+){0,2}(-rc\d+)?(-(labs|experimental))?|(latest|master)(-labs)?|labs|experimental|stable")
FRONTENDS = ("docker/dockerfile", "docker/dockerfile-upstream")


def read_directives(text: str, filename: str) -> Mapping[str, str]:
    """The directives by name, lower-case. Raises DockerfileError for a `syntax` that is not Docker's frontend 1.x."""
    directives: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        match = LINE.fullmatch(line.strip())
        if not match or match[1].lower() not in KNOWN:
            break
        directives[match[1].lower()] = match[2]
        if match[1].lower() == "syntax" and not is_dockers(match[2].split()[0]):
            raise DockerfileError(
                f"syntax={match[2]} names another frontend, a program this build cannot run; "
                "only docker/dockerfile:1 is built in",
                Place(filename, number, line.strip()),
            )
    return directives


def is_dockers(frontend: str) -> bool:
    """Whether a reference means Docker's own frontend 1.x, from Docker Hub or a mirror, which may put a path before."""
    try:
        found = reference.parse(frontend)
    except InvalidReferenceError:
        return False
    mirrored = found.registry != reference.DEFAULT_REGISTRY and found.repository.endswith(
        tuple(f"/{one}" for one in FRONTENDS)
    )
    return (found.repository in FRONTENDS or mirrored) and CHANNEL.fullmatch(found.tag or "latest") is not None


def apply_checks(directives: Mapping[str, str], warnings: tuple[Warning_, ...]) -> tuple[Warning_, ...]:
    """The warnings that `# check=` leaves.

    `skip=A,B` (or `all`) drops rules; `error=true` makes the first one left a DockerfileError.
    """
    options = dict(part.strip().partition("=")[::2] for part in directives.get("check", "").split(";"))
    skipped = {rule.strip().lower() for rule in options.get("skip", "").split(",")}
    left = tuple(w for w in warnings if "all" not in skipped and w.rule.lower() not in skipped)
    if left and options.get("error", "").strip().lower() == "true":
        raise DockerfileError(f"{left[0].message} (a warning, made an error by check=error=true)", left[0].place)
    return left
