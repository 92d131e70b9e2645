"""Image references: parsed and normalised by the rules of github.com/distribution/reference."""

import re
from dataclasses import dataclass, replace

from baselard.oci import digests
from baselard.oci.errors import InvalidDigestError, InvalidReferenceError

DEFAULT_REGISTRY = "docker.io"
_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?")
_PATH_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Reference:
    """``registry/repository[:tag][@digest]``; ``tag`` and ``digest`` are empty when not written."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository, without tag or digest."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        return self.name + self._ending

    @property
    def familiar(self) -> str:
        """The shortest form, as docker shows it: no docker.io/, no library/, no ``:latest``."""
        name = self.name.removeprefix(f"{DEFAULT_REGISTRY}/")
        one = name.removeprefix("library/")
        short = self if self.tag != "latest" or self.digest else replace(self, tag="")
        return (one if name != self.name and "/" not in one else name) + short._ending

    @property
    def _ending(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def target(self) -> str:
        """The name that a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    @property
    def is_local(self) -> bool:
        """Whether the registry is on this machine and so may be spoken to in plain HTTP."""
        host = self.registry.rsplit(":", 1)[0] if not self.registry.endswith("]") else self.registry
        return host in ("localhost", "[::1]") or host.startswith("127.") or host.endswith(".localhost")

    @property
    def api_url(self) -> str:
        """The base URL of the registry; plain HTTP on this very machine, as docker and Dagger have it."""
        host = "registry-1.docker.io" if self.registry == DEFAULT_REGISTRY else self.registry
        return f"{'http' if self.is_local else 'https'}://{host}"

    def with_digest(self, digest: str) -> "Reference":
        return replace(self, digest=digest)


def parse(text: str) -> Reference:
    """Read a reference such as ``debian:trixie-slim`` or ``ghcr.io/a/b@sha256:…``, as it is written.

    Raises InvalidReferenceError that says which part is wrong.
    """
    name, at, digest = text.partition("@")
    if at:
        _check_digest(text, digest)
    name, tag = _split_tag(name)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _invalid(text, f"the tag {tag!r} may hold at most 128 of A-Z a-z 0-9 _ . - and begins with none of . -")
    registry, repository = _split_registry(name)
    _check(text, registry, repository)
    return Reference(registry, repository, tag or "", digest)


def _check_digest(text: str, digest: str) -> None:
    try:
        digests.parse(digest)
    except InvalidDigestError as error:
        raise _invalid(text, str(error)) from error


def _split_tag(name: str) -> tuple[str, str | None]:
    head, colon, tail = name.rpartition(":")
    if not colon or "/" in tail:
        return name, None
    return head, tail


def is_host(first: str) -> bool:
    """Whether the first part of a name means a registry: it has a dot, a port or upper case, or is localhost."""
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    registry, repository = (first, rest) if slash and is_host(first) else (DEFAULT_REGISTRY, name)
    if registry in (DEFAULT_REGISTRY, "index.docker.io"):
        return DEFAULT_REGISTRY, repository if "/" in repository else f"library/{repository}"
    return registry, repository


def _check(text: str, registry: str, repository: str) -> None:
    if repository != repository.lower():
        raise _invalid(text, f"the repository must be lower case: {repository.lower()!r}")
    if not _DOMAIN.fullmatch(registry):
        raise _invalid(text, f"{registry!r} is not a registry's host name")
    if not _PATH.fullmatch(repository):
        raise _invalid(text, f"{repository!r} is not a repository's name")
    if len(repository) > _LONGEST_NAME:
        raise _invalid(text, f"the name is longer than {_LONGEST_NAME} characters")


def _invalid(text: str, problem: str) -> InvalidReferenceError:
    return InvalidReferenceError(f"image reference {text!r}: {problem}")
