"""How ``init`` names bases: as FROMs do, else by the git remote and the directory, always as registries have names."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from baselard.cli import found
from baselard.cli.found import FoundDockerfile
from baselard.engine.errors import EngineError
from baselard.engine.host import process
from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError
from pipeline import conventions

_REGISTRIES = {"github.com": "ghcr.io", "gitlab.com": "registry.gitlab.com"}
_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>[^/].*)")  # git's other way to write ssh://


def names(bases: Sequence[FoundDockerfile], everything: Sequence[FoundDockerfile], root: Path) -> dict[str, str]:
    """A valid name for each base by its path; of several none has another's.

    Empty for a single one where nothing tells, neither a FROM nor a remote.
    """
    place = published(remote(root))
    given = {base.path: _used(base, everything) or _made(base, bases, place) for base in bases}
    if len(bases) == 1:
        return given
    shared = Counter((given[one.path], one.tag) for one in bases)
    return {
        one.path: _by_place(one, place) if shared[given[one.path], one.tag] > 1 else given[one.path] for one in bases
    }


def own(root: Path) -> str:
    """The own name of a repository: as its remote is, else as its directory."""
    return published(remote(root)).rpartition("/")[2] or slug(root.name)


def remote(root: Path) -> str:
    """The URL of the git remote, `origin` first; empty where there is none."""
    try:
        listed = process.run(("git", "-C", root, "remote"), check=False).stdout.decode(errors="replace").split()
        name = "origin" if "origin" in listed else next(iter(listed), "")
        argv = ("git", "-C", root, "remote", "get-url", name)
        return process.run(argv, check=False).stdout.decode(errors="replace").strip() if name else ""
    except EngineError:
        return ""


def place(url: str) -> tuple[str, str]:
    """The host of a git URL, and the repository's path there; empty for what is no URL of a host."""
    scp = _SCP.fullmatch(url)
    host, path = (scp["host"], scp["path"]) if scp else (urlsplit(url).hostname or "", urlsplit(url).path)
    return host, path.strip("/").removesuffix(".git")


def published(url: str) -> str:
    """Where images of a repository usually go, such as ``ghcr.io/owner/name``; empty for what is no URL of a host."""
    host, path = place(url)
    parts = [word for part in path.split("/") if (word := slug(part))]
    return "/".join([_REGISTRIES.get(host, host), *parts]) if "." in host and parts else ""


def _used(base: FoundDockerfile, everything: Sequence[FoundDockerfile]) -> str:
    name = found.used_name(base, everything)
    try:
        return name if name and reference.parse(name) else ""
    except InvalidReferenceError:
        return ""


def _made(base: FoundDockerfile, bases: Sequence[FoundDockerfile], place: str) -> str:
    """The repository's own name for a single base, else one beside it for each."""
    if len(bases) == 1:
        return place
    return f"{place.rpartition('/')[0]}/{slug(base.last)}" if place and base.last else _by_place(base, place)


def _by_place(base: FoundDockerfile, place: str) -> str:
    """A name that no other Dockerfile has: its folders, and what its own name says; beside the repository's own."""
    named = conventions.dockerfile_name(PurePosixPath(base.path).name) or ""
    owner, own = place.rpartition("/")[0], slug(f"{base.folder}-{named}") or place.rpartition("/")[2] or "base"
    return f"{owner}/{own}" if owner else own


def slug(text: str) -> str:
    """A part of a reference (distribution's grammar): lower case, digits, single separators between them."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
