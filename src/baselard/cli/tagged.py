"""Names that a layout tells: Dockerfiles whose directories are the tags of an image, as others write it in FROM.

Two layouts are known. One has a directory for each image (`php/8.4/Dockerfile` is the `acme/php:8.4` of a FROM): what
lies beside it in the same way belongs to the same owner. In the other all are tags of the repository's own image
(`debian/trixie/scm/Dockerfile` is `buildpack-deps:trixie-scm` in a repository of that name, or `docker-` and that).
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

_AFFIX = re.compile(r"^docker-(library-)?|-docker(-images?)?$|-images?$")
LATEST = "latest"  # which is the first Dockerfile's of a name anyway
Tagged = tuple[str, str]
"""A repository and a tag."""


def by_directory(folders: Mapping[str, str], used: Collection[Tagged], own: str) -> dict[str, Tagged]:
    """The name of each Dockerfile that a layout names; `folders` are theirs by path, `own` is the repository.

    `used` is what FROMs ask for. What two Dockerfiles would be is neither, and a name of which some FROM asks for a tag
    that no directory has is none of theirs.
    """
    images = {(name.rsplit("/", 1)[-1], tag): name for name, tag in used if tag}
    names = {own, _AFFIX.sub("", own)}
    parts = {path: PurePosixPath(folder).parts for path, folder in folders.items()}
    owners: dict[tuple[str, ...], str] = {}
    places: dict[tuple[str, ...], str] = {}
    for one in parts.values():
        for cut, tag in _tags(one):
            if cut and "/" in (name := images.get((one[cut - 1], tag), "")):
                owners[one[: cut - 1]] = name.rpartition("/")[0]
            for name in filter(None, [images.get((last, tag), "") for last in names]):
                places[one[:cut]] = name
    found = {path: told for path, one in parts.items() if (told := _told(one, owners, places))}
    shared = Counter(found.values())
    lacking = {name for name, tag in used if tag and tag != LATEST and (name, tag) not in shared}
    return {path: told for path, told in found.items() if shared[told] == 1 and told[0] not in lacking}


def _tags(parts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each way to take the last parts of a directory for a tag, the shortest tag first."""
    return ((cut, "-".join(parts[cut:])) for cut in reversed(range(len(parts))))


def _told(
    parts: tuple[str, ...], owners: Mapping[tuple[str, ...], str], places: Mapping[tuple[str, ...], str]
) -> Tagged | None:
    for cut, tag in _tags(parts):
        if cut and (owner := owners.get(parts[: cut - 1])):
            return f"{owner}/{parts[cut - 1]}", tag
        if place := places.get(parts[:cut]):
            return place, tag
    return None
