"""Image names in docker's normalised form (distribution/reference), and the names of extra build contexts."""

from __future__ import annotations

from collections.abc import Iterable

from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError

SCRATCH = "scratch"


def familiar(name: str) -> str:
    """The shortest form that docker shows: no docker.io/, no library/, no `:latest`.

    Raises ValueError, in docker's words, for a text that is no reference.
    """
    try:
        return reference.parse(name).familiar
    except InvalidReferenceError as error:
        hint = ": repository name must be lowercase" if _is_reference(name.lower()) and name != name.lower() else ""
        raise ValueError(f"invalid reference format{hint}") from error


def _is_reference(name: str) -> bool:
    try:
        reference.parse(name)
    except InvalidReferenceError:
        return False
    return True


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
