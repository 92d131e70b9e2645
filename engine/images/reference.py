"""Image references: parsed and normalised by the rules of github.com/distribution/reference."""

import re
from dataclasses import dataclass, replace

from engine.errors import UserError

_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?\Z")
_PATH_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}\Z|sha512:[a-f0-9]{128}\Z")
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Reference:
    """``registry/repository[:tag][@digest]``, all parts spelled out (``docker.io/library/debian:latest``)."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository, without tag or digest."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def target(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    @property
    def is_local(self) -> bool:
        """Whether the registry is on this machine and so may be spoken to in plain HTTP."""
        host = self.registry.rsplit(":", 1)[0] if not self.registry.endswith("]") else self.registry
        return host in ("localhost", "[::1]") or host.startswith("127.") or host.endswith(".localhost")

    def with_digest(self, digest: str) -> "Reference":
        return replace(self, digest=digest)


def parse(text: str) -> Reference:
    """Read a reference as ``docker pull`` would; no tag and no digest means ``:latest``.

    Raises UserError that says which part is wrong.
    """
    name, at, digest = text.partition("@")
    if at and not _DIGEST.match(digest):
        raise UserError(f"image reference {text!r}: {digest!r} is not a digest; write sha256: and 64 hex digits")
    name, tag = _split_tag(name)
    if tag is not None and not _TAG.match(tag):
        raise UserError(f"image reference {text!r}: the tag {tag!r} may hold at most 128 of A-Z a-z 0-9 _ . -")
    registry, repository = _split_registry(name)
    _check(text, registry, repository)
    return Reference(registry, repository, tag if tag is not None else ("" if at else "latest"), digest)


def _split_tag(name: str) -> tuple[str, str | None]:
    head, colon, tail = name.rpartition(":")
    if not colon or "/" in tail:
        return name, None
    return head, tail


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    looks_like_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    registry, repository = (first, rest) if slash and looks_like_host else ("docker.io", name)
    if registry in ("docker.io", "index.docker.io"):
        return "docker.io", repository if "/" in repository else f"library/{repository}"
    return registry, repository


def _check(text: str, registry: str, repository: str) -> None:
    if repository != repository.lower():
        raise UserError(f"image reference {text!r}: the repository must be lower case: {repository.lower()!r}")
    if not _DOMAIN.match(registry):
        raise UserError(f"image reference {text!r}: {registry!r} is not a registry's host name")
    if not _PATH.match(repository):
        raise UserError(f"image reference {text!r}: {repository!r} is not a repository's name")
    if len(repository) > _LONGEST_NAME:
        raise UserError(f"image reference {text!r}: the name is longer than {_LONGEST_NAME} characters")
