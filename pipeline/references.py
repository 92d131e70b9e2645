"""Image references, normalised as Docker does it (distribution/reference)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.errors import BaselardError

_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}")


@dataclass(frozen=True)
class Reference:
    """A parsed reference. `tag` and `digest` are empty when not written."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """Registry and path, without tag or digest."""
        return f"{self.domain}/{self.path}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Read a reference such as `debian:trixie-slim` or `ghcr.io/a/b@sha256:…`; BaselardError when malformed."""
    rest, _, digest = text.partition("@")
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        head, tag = rest, ""
    domain, path = _split(head)
    problem = _problem(path, tag, digest, has_tag=bool(colon and head != rest), has_digest="@" in text)
    if problem:
        raise BaselardError(f"{text!r} is not an image reference: {problem}")
    return Reference(domain, path, tag, digest)


def _split(name: str) -> tuple[str, str]:
    """Docker's rule: the first part is a registry if it has a dot or a port, or is localhost."""
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return first, rest
    return "docker.io", name if slash else f"library/{name}"


def _problem(path: str, tag: str, digest: str, *, has_tag: bool, has_digest: bool) -> str:
    if path != path.lower():
        return f"upper case is not allowed in a repository; write {path.lower()!r}"
    if not _PATH.fullmatch(path):
        return f"{path!r} is not a repository path"
    if has_tag and not _TAG.fullmatch(tag):
        return f"{tag!r} is not a tag (letters, digits, '_', '.', '-', at most 128, not starting with '.' or '-')"
    if has_digest and not _DIGEST.fullmatch(digest):
        return f"{digest!r} is not a digest"
    return ""
