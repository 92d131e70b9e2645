"""What ``init`` finds in a repository: Dockerfiles, what they start from, and which of them are bases."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from baselard import dockerfile
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.engine.files import bounded
from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError
from pipeline import conventions
from pipeline.conventions import BASE_DOCKERFILES, DOCKERFILES, EXAMPLES, GOSSFILES


@dataclass(frozen=True)
class FoundDockerfile:
    """A Dockerfile at ``path``, relative to the repository; ``froms`` are repositories without tag or digest."""

    path: str
    froms: tuple[str, ...]
    stages: tuple[str, ...]
    tested: bool

    @property
    def folder(self) -> str:
        """Where it lies; ``.`` at the root."""
        return str(PurePosixPath(self.path).parent)


def examples(root: Path) -> list[FoundDockerfile]:
    """Those where examples are by convention."""
    return [_read(root, path) for pattern in EXAMPLES for path in _dockerfiles(root, (pattern,))]


def bases(root: Path) -> list[FoundDockerfile]:
    """The one that convention has, else all one or two levels below that are no examples, the lowest first."""
    for name in BASE_DOCKERFILES:
        if (root / name).is_file():
            return [_read(root, root / name)]
    known = {one.path for one in examples(root)}
    others = [_read(root, path) for path in _dockerfiles(root, ("*", "*/*"))]
    return _lowest_first([one for one in others if one.path not in known and "node_modules" not in one.path])


def name_of(base: FoundDockerfile, everything: Sequence[FoundDockerfile]) -> str:
    """What others call this base in FROM: the most usual where there is one base, else what ends as its folder does.

    One that nobody starts from is called as what it starts from, but for the last part. Empty when nothing tells.
    """
    used = Counter(name for one in everything for name in one.froms if one != base)
    if base.path in BASE_DOCKERFILES:
        children = Counter(name for one in everything if one != base for name in set(one.froms))
        return children.most_common(1)[0][0] if children else ""
    known = (name for name, _ in used.most_common() if name.rsplit("/", 1)[-1] == _last(base))
    beside = (f"{name.rsplit('/', 1)[0]}/{_last(base)}" for name in base.froms if "/" in name)
    return next(known, next(beside, ""))


def names(bases: Sequence[FoundDockerfile], everything: Sequence[FoundDockerfile]) -> list[str]:
    """What each base is called; where there are several, one that nobody names alone is called by its place."""
    told = [name_of(base, everything) for base in bases]
    if len(bases) == 1:
        return told
    return [name if name and told.count(name) == 1 else _by_place(base) for name, base in zip(told, bases, strict=True)]


def _by_place(base: FoundDockerfile) -> str:
    """A name that no other Dockerfile has: its folders, and what its own name says."""
    parts = [*PurePosixPath(base.folder).parts, conventions.dockerfile_name(PurePosixPath(base.path).name) or ""]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def _dockerfiles(root: Path, folders: Sequence[str]) -> list[Path]:
    """Those of folders that may be looked into: the one with the usual name, else all that have names of their own."""
    by_folder: defaultdict[Path, list[Path]] = defaultdict(list)
    for folder in folders:
        for path in (*root.glob(f"{folder}/*ockerfile*"), *root.glob(f"{folder}/*ontainerfile*")):
            if path.is_file() and conventions.dockerfile_name(path.name) is not None:
                by_folder[path.parent].append(path)
    plain = {place: [path for path in paths if path.name in DOCKERFILES] for place, paths in by_folder.items()}
    return sorted(path for place, paths in by_folder.items() for path in sorted(plain[place])[:1] or paths)


def _last(one: FoundDockerfile) -> str:
    return conventions.dockerfile_name(PurePosixPath(one.path).name) or PurePosixPath(one.folder).name


def _lowest_first(found: Sequence[FoundDockerfile]) -> list[FoundDockerfile]:
    """Each after those it starts from; only those that another one starts from, or that start from another one."""
    parents = {one.path: [other for other in found if other != one and _starts_from(one, other)] for one in found}
    related = [one for one in found if parents[one.path] or any(one in others for others in parents.values())]
    ordered: list[FoundDockerfile] = []
    while related:
        ready = [one for one in related if all(parent not in related for parent in parents[one.path])] or related
        ordered += ready
        related = [one for one in related if one not in ready]
    return ordered or list(found)


def _starts_from(one: FoundDockerfile, other: FoundDockerfile) -> bool:
    return any(name.rsplit("/", 1)[-1] == _last(other) for name in one.froms)


def _read(root: Path, path: Path) -> FoundDockerfile:
    relative = str(path.relative_to(root))
    text = bounded.read(path).decode(errors="replace")
    tested = any(file.is_file() for pattern in GOSSFILES for file in path.parent.glob(pattern))
    try:
        froms = dict.fromkeys(_repository(one.reference) for one in conventions.froms(text, relative) if not one.copied)
        stages = tuple(stage.name for stage in dockerfile.parse(text, relative).stages if stage.name)
    except DockerfileError:
        return FoundDockerfile(relative, (), (), tested)  # lint and test will say what is wrong with it
    return FoundDockerfile(relative, tuple(froms), stages, tested)


def _repository(text: str) -> str:
    """The repository that a reference names; what is none stays as it is."""
    try:
        return replace(reference.parse(text), tag="", digest="").familiar
    except InvalidReferenceError:
        return text
