"""Findings of ``init`` in a repository: Dockerfiles, what they start from, and which of them are bases or examples."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from baselard import dockerfile
from baselard.cli.tagged import Tagged, by_directory
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError
from pipeline import conventions
from pipeline.conventions import BASE_DOCKERFILES, DOCKERFILES, EXAMPLES, GOSSFILES
from pipeline.on_disk import DiskTree

_DEEPEST = 5  # directories down
_ELSEWHERE = {"node_modules", "vendor", "venv", "dist", "target", "__pycache__"} | {
    *("test", "tests", "__tests__", "spec", "testdata", "test-fixtures", "fixtures", "e2e")
}
"""Directories whose Dockerfiles are others' or for tests; those that begin with a dot are left out as well."""
_WINDOWS = re.compile(r"mcr\.microsoft\.com/windows/|\b(windowsservercore|nanoserver|servercore)\b")
"""Shows a reference to be of Windows, on which nothing here can build."""


@dataclass(frozen=True)
class FoundDockerfile:
    """A Dockerfile at ``path``, relative to the repository.

    ``froms`` are repositories without tag or digest, ``tagged`` the same with their tags. ``name`` and ``tag`` are what
    its place in the repository says, see `baselard.cli.tagged`.
    """

    path: str
    froms: tuple[str, ...]
    stages: tuple[str, ...]
    tested: bool
    text: str = ""
    tagged: tuple[Tagged, ...] = ()
    name: str = ""
    tag: str = ""

    @property
    def folder(self) -> str:
        """Where it lies; ``.`` at the root."""
        return str(PurePosixPath(self.path).parent)

    @property
    def last(self) -> str:
        """Its name: from its file's, else its directory's; empty at the root."""
        return conventions.dockerfile_name(PurePosixPath(self.path).name) or PurePosixPath(self.folder).name

    @property
    def chosen(self) -> str:
        """The entry of ``examples.paths`` for it: its directory where it is the one there, else itself."""
        return self.folder if PurePosixPath(self.path).name in DOCKERFILES else self.path


@dataclass(frozen=True)
class Found:
    """The bases, the lowest first, the examples, and the Dockerfiles that are neither."""

    bases: tuple[FoundDockerfile, ...]
    examples: tuple[FoundDockerfile, ...]
    others: tuple[FoundDockerfile, ...]

    @property
    def everything(self) -> tuple[FoundDockerfile, ...]:
        """All of them."""
        return self.bases + self.examples + self.others


def found(root: Path, own: str = "") -> Found:
    """The Dockerfiles below ``root``, whose images are called ``own`` if they are not told apart by more than tags.

    A base is the one that convention has, or one of a hierarchy: what others start from, what lies beside that and
    starts from it, and what a layout of tags names. Where nothing starts from anything, all are bases that are no
    examples by convention.
    """
    read = _named(asyncio.run(_read_all(root)), own)
    foreign = [one for one in read if any(_WINDOWS.search(":".join(told)) for told in one.tagged)]
    everything = [one for one in read if one not in foreign]
    usual = [one for name in BASE_DOCKERFILES for one in everything if one.path == name][:1]
    told = [one for one in everything if is_usual(one)]
    rest = [one for one in everything if one not in usual + told]
    parents = {one.path: [base for base in rest if base is not one and starts_from(one, base)] for one in rest}
    above = [base for base in rest if any(base in others for others in parents.values())]
    beside = [one for one in rest if _neighbours(one, [*parents[one.path], *_parents(one, usual, everything)])]
    bases = [*usual, *(one for one in rest if one in above or one in beside or one.name)]
    bases = bases or [one for one in rest if not parents[one.path]]
    started = [one for one in rest if one not in bases and (parents[one.path] or _parents(one, usual, everything))]
    examples = [*told, *started]
    others = [*(one for one in rest if one not in bases and one not in examples), *foreign]
    return Found(tuple(_lowest_first(bases)), tuple(examples), tuple(others))


def is_usual(one: FoundDockerfile) -> bool:
    """Whether it is an example by convention."""
    return any(conventions.matches(one.folder, pattern) for pattern in EXAMPLES)


def starts_from(one: FoundDockerfile, base: FoundDockerfile) -> bool:
    """Whether a FROM of the one ends as the other is called."""
    if base.name:
        return (base.name, base.tag) in one.tagged
    return any(name.rsplit("/", 1)[-1] == base.last for name in one.froms if "/" in name)


def used_name(base: FoundDockerfile, found: Sequence[FoundDockerfile]) -> str:
    """Its name in others' FROM: the most usual where it is the one of convention, else what ends as it does.

    A layout of tags comes before that. One that nobody starts from is called as what it starts from, but for the last
    part. Empty when nothing tells.
    """
    if base.name:
        return base.name
    others = [one for one in found if one.path != base.path]
    if base.path in BASE_DOCKERFILES:
        ranked = Counter(name for one in others if is_usual(one) for name in set(one.froms)).most_common(1)
        return ranked[0][0] if ranked else ""
    used = Counter(name for one in others for name in one.froms if "/" in name)
    known = (name for name, _ in used.most_common() if name.rsplit("/", 1)[-1] == base.last)
    ours = {other.last for other in others if other.last != base.last}
    beside = (name.rsplit("/", 1) for name in base.froms if "/" in name)
    return next(known, next((f"{place}/{base.last}" for place, last in beside if last in ours), ""))


def _parents(
    one: FoundDockerfile, usual: Sequence[FoundDockerfile], everything: Sequence[FoundDockerfile]
) -> list[FoundDockerfile]:
    """The base of convention if this starts from what examples call it."""
    return [base for base in usual if used_name(base, everything) in one.froms]


def _neighbours(one: FoundDockerfile, parents: Sequence[FoundDockerfile]) -> bool:
    """Whether it lies beside one of what it starts from: an image of the same collection, not a user of it."""
    place = PurePosixPath(one.folder).parent
    return any(PurePosixPath(base.folder).parent == place or base.folder == one.folder for base in parents)


def _named(everything: Sequence[FoundDockerfile], own: str) -> list[FoundDockerfile]:
    """The same, with what a layout of tags says of each."""
    used = {told for one in everything for told in one.tagged}
    told = by_directory({one.path: one.folder for one in everything}, used, own)
    return [
        replace(one, name=told[one.path][0], tag=told[one.path][1]) if one.path in told else one for one in everything
    ]


def _lowest_first(bases: Sequence[FoundDockerfile]) -> Iterator[FoundDockerfile]:
    """Each after those it starts from."""
    left = list(bases)
    while left:
        parents = {one.path: [base for base in left if base is not one and starts_from(one, base)] for one in left}
        ready = [one for one in left if not parents[one.path]] or left
        yield from ready
        left = [one for one in left if one not in ready]


# --- reading ----------------------------------------------------------------------------------------------------------


async def _read_all(root: Path) -> list[FoundDockerfile]:
    tree = DiskTree(root.resolve())
    read = [(path, await tree.text(path)) for path in _paths(root)]
    return [_parsed(root, path, text) for path, text in read if text is not None and conventions.may_be(path, text)]


def _paths(root: Path) -> Iterator[str]:
    """Everything that has a Dockerfile's name, the highest first."""
    for folder, names, files in os.walk(root):
        place = Path(folder).relative_to(root)
        names[:] = sorted(name for name in names if _may_hold(name) and len(place.parts) < _DEEPEST)
        yield from (str(place / file) for file in sorted(files) if conventions.dockerfile_name(file) is not None)


def _may_hold(name: str) -> bool:
    return not name.startswith(".") and name not in _ELSEWHERE


def _parsed(root: Path, path: str, text: str) -> FoundDockerfile:
    tested = any(file.is_file() for pattern in GOSSFILES for file in (root / path).parent.glob(pattern))
    try:
        tagged = dict.fromkeys(_parted(one.reference) for one in conventions.froms(text, path) if not one.copied)
        stages = tuple(stage.name for stage in dockerfile.parse(text, path).stages if stage.name)
    except DockerfileError:
        return FoundDockerfile(path, (), (), tested, text)  # lint and test will say what is wrong with it
    return FoundDockerfile(path, tuple(dict.fromkeys(name for name, _ in tagged)), stages, tested, text, tuple(tagged))


def _parted(text: str) -> Tagged:
    """The repository that a reference names, and its tag; what is none stays as it is."""
    try:
        one = reference.parse(text)
    except InvalidReferenceError:
        return text, ""
    return replace(one, tag="", digest="").familiar, one.tag
