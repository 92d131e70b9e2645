"""Image names in docker's normalised form (distribution/reference), and the names of extra build contexts."""

from __future__ import annotations

import re
from collections.abc import Iterable

SCRATCH = "scratch"
DEFAULT_DOMAIN = "docker.io"
COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
DOMAIN = rf"(?:{LABEL}(?:\.{LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
REFERENCE = re.compile(
    rf"(?P<name>(?:{DOMAIN}/)?{COMPONENT}(?:/{COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)


def familiar(reference: str) -> str:
    """The shortest form that docker shows: no docker.io/, no library/, no `:latest`.

    Raises ValueError, in docker's words, for a text that is no reference.
    """
    match = REFERENCE.fullmatch(_without_default_domain(reference))
    if not match:
        upper = reference != reference.lower() and REFERENCE.fullmatch(reference.lower())
        raise ValueError("invalid reference format" + (": repository name must be lowercase" if upper else ""))
    tag = f":{match['tag']}" if match["tag"] and (match["tag"] != "latest" or match["digest"]) else ""
    return match["name"] + tag + (f"@{match['digest']}" if match["digest"] else "")


def _without_default_domain(reference: str) -> str:
    domain, slash, rest = reference.partition("/")
    if slash and domain in (DEFAULT_DOMAIN, "index.docker.io"):
        reference = rest
    one, slash, rest = reference.partition("/")
    return rest if slash and one == "library" and "/" not in rest else reference


def context_key(name: str) -> str:
    """The form in which `--build-context` names are compared; a name that is no reference stands for itself."""
    try:
        return familiar(name)
    except ValueError:
        return name


def find_context(name: str, known: Iterable[str], platform: str = "") -> str | None:
    """The key among `known` that a FROM, a `--from` or a stage called `name` refers to.

    As in docker, `name::os/arch` is preferred over `name` when building for that platform.
    """
    keys = {key if "::" not in key else _platform_key(key): key for key in known}
    normal = {context_key(key) if "::" not in key else key: original for key, original in keys.items()}
    wanted = context_key(name)
    return normal.get(f"{wanted}::{platform}") or normal.get(wanted)


def _platform_key(key: str) -> str:
    name, _, platform = key.partition("::")
    return f"{context_key(name)}::{platform}"
