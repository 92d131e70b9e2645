"""Paths inside an image, always with forward slashes."""

from __future__ import annotations

import posixpath
import re


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
