"""The `# key=value` comments that open a Dockerfile: syntax, escape, check.

See "Parser directives" in the Dockerfile reference. A frontend other than Docker's own is another program: refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_

LINE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
KNOWN = ("syntax", "escape", "check")
FRONTEND = re.compile(
    r"(docker\.io/)?docker/dockerfile(-upstream)?(:(1(\.\d+){0,2}|latest|master|labs|\d[\w.]*-labs))?(@sha256:[0-9a-f]{64})?"
)


def read_directives(text: str, filename: str) -> Mapping[str, str]:
    """The directives by name, lower-case. Raises DockerfileError for a `syntax` that is not Docker's frontend 1.x."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        match = LINE.fullmatch(line.strip())
        if not match or match[1].lower() not in KNOWN:
            break
        found[match[1].lower()] = match[2]
        if match[1].lower() == "syntax" and not FRONTEND.fullmatch(match[2].split()[0]):
            raise DockerfileError(
                f"syntax={match[2]} names another frontend, a program this build cannot run; "
                "only docker/dockerfile:1 is built in",
                Place(filename, number, line.strip()),
            )
    return found


def apply_checks(directives: Mapping[str, str], warnings: tuple[Warning_, ...]) -> tuple[Warning_, ...]:
    """What `# check=` leaves of the warnings.

    `skip=A,B` (or `all`) drops rules; `error=true` makes the first one left a DockerfileError.
    """
    options = dict(part.strip().partition("=")[::2] for part in directives.get("check", "").split(";"))
    skipped = {rule.strip().lower() for rule in options.get("skip", "").split(",")}
    left = tuple(w for w in warnings if "all" not in skipped and w.rule.lower() not in skipped)
    if left and options.get("error", "").strip().lower() == "true":
        raise DockerfileError(f"{left[0].message} (a warning, made an error by check=error=true)", left[0].place)
    return left
