"""Paths inside an image, always with forward slashes."""

from __future__ import annotations

import itertools
import posixpath
import re

ESCAPED = "\\]^-"  # what is not itself in a bracket


def absolute(workdir: str, path: str) -> str:
    """`path` seen from `workdir`, cleaned; never above the root."""
    joined = posixpath.normpath(posixpath.join("/", workdir, path))
    return "/" + joined.lstrip("/")


def destination(workdir: str, path: str) -> str:
    """A COPY's destination: absolute, keeping the trailing slash that makes it a directory."""
    is_directory = path in ("", ".") or path.endswith(("/", "/."))
    clean = absolute(workdir, path)
    return clean + "/" if is_directory and clean != "/" else clean


def relative(path: str) -> str:
    """A source path relative to the root of its tree, "." for the root itself; it cannot leave the tree."""
    return absolute("/", path).lstrip("/") or "."


def has_wildcards(pattern: str) -> bool:
    """Whether Go's filepath.Match would treat the pattern as more than a name."""
    return re.search(r"(?:^|[^\\])(?:\\\\)*[*?\[]", pattern) is not None


def unescape(name: str) -> str:
    """A literal pattern's name: the escapes of filepath.Match removed."""
    return re.sub(r"\\(.)", r"\1", name)


def split_wildcards(pattern: str) -> tuple[str, str]:
    """The name of the directory that a relative pattern looks into, and the part from its first wildcard on.

    Docker follows links on the way to that directory and none below it. Without wildcards there is no second part.
    """
    parts = pattern.split("/")
    plain = list(itertools.takewhile(lambda part: not has_wildcards(part), parts))
    return unescape("/".join(plain)), "/".join(parts[len(plain) :])


def as_glob(pattern: str) -> str:
    """A pattern for the API's globs that matches what filepath.Match does.

    `**` crosses no directories there, and neither an exclamation mark nor spaces around the pattern mean anything.
    """
    flat = re.sub(r"\s\Z", r"[\g<0>]", re.sub(r"\*+", "*", pattern))
    return re.sub(r"\A(?=[!\s])", "./", flat)


def unfollowed(name: str) -> str:
    """A pattern with wildcards that matches a name as it stands, so that no link in it is followed."""
    return re.sub(r"\A\\?(.)", lambda match: f"[{chr(92) * (match[1] in ESCAPED)}{match[1]}]", name)
