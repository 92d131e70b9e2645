"""All pins of a repository, and its files with those moved that are behind."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import lock
from pipeline.conventions import CONFIG
from pipeline.errors import UsageError
from pipeline.project import Project, SourceTree
from pipeline.stale import actions, asking, dockerfiles
from pipeline.stale.actions import Use
from pipeline.stale.asking import Sources
from pipeline.stale.dockerfiles import Reading
from pipeline.stale.pins import TOOLS, Newest, Pin, Standing

_LOST = "\N{REPLACEMENT CHARACTER}"  # stands where bytes are no text


@dataclass(frozen=True)
class Pinned:
    """A repository's files that name what is others', with their texts."""

    readings: tuple[Reading, ...]
    uses: Mapping[str, Sequence[Use]]
    texts: Mapping[str, str]
    lock: Mapping[str, str]
    scanner: Pin | None = None

    def pins(self) -> list[Pin]:
        """Images by Dockerfile, the images of this program's tools, actions by file."""
        images = [pin for reading in self.readings for pin in reading.pins()]
        used = [use.pin for uses in self.uses.values() for use in uses]
        tools = [dockerfiles.image(TOOLS, "baselard", 0, "tool"), *([self.scanner] if self.scanner else [])]
        return list(dict.fromkeys([*images, *tools, *used]))

    def written(self, pin: Pin) -> bool:
        """Whether the configuration itself holds the pin's digest."""
        return bool(pin.at) and pin.at in self.texts.get(CONFIG, "")


@dataclass(frozen=True)
class Update:
    """Files as they are and as they would be, by path, and what could not be moved, and why."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    problems: tuple[str, ...]

    def diff(self) -> str:
        """A unified diff; empty where nothing moves."""
        return "".join(
            line
            for path, text in self.after.items()
            for line in difflib.unified_diff(
                self.before.get(path, "").splitlines(keepends=True),
                text.splitlines(keepends=True),
                f"a/{path}",
                f"b/{path}",
            )
        )


async def read(project: Project, tree: SourceTree) -> Pinned:
    """Find all there is to look at. Raises UsageError for a file that cannot be read as what it is."""
    readings = dockerfiles.of_project(project)
    *listed, settings, locks = await each((*actions.FILES, CONFIG, lock.FILE), tree.glob)
    workflows = [path for paths in listed for path in paths]
    paths = list(dict.fromkeys([*(one.path for one in readings), *workflows, *settings, *locks]))
    texts = {path: text for path, text in zip(paths, await each(paths, tree.text), strict=True) if text is not None}
    for one in readings:
        _check(one, texts.get(one.path, ""))
    uses = {path: actions.uses(texts[path], path) for path in dict.fromkeys(workflows) if path in texts}
    return Pinned(tuple(readings), uses, texts, project.lock, _scanner(project))


def _scanner(project: Project) -> Pin | None:
    """The image of the scanner, where the configuration asks for it."""
    scan, document = project.config.scan, project.config.document
    if scan is None:
        return None
    written = "image" in document.value["scan"]
    place = (CONFIG, document.line_of(("scan", "image"))) if written else ("baselard", 0)
    return dockerfiles.image(lock.locked(project.lock, scan.image), *place, "tool")


def _check(reading: Reading, text: str) -> None:
    """Raise UsageError for a Dockerfile that cannot be read: what it starts from would be left out without a word."""
    try:
        reading.froms(text)
    except DockerfileError as error:
        if text:
            raise UsageError(str(error)) from error


async def outdated(pinned: Pinned, asked: Sources) -> tuple[Standing, ...]:
    """Each pin beside the newest there is."""
    return await asking.standings(pinned.pins(), asked)


def updated(pinned: Pinned, standings: Sequence[Standing], *, locking: bool = False) -> Update:
    """The files with every outdated pin at its newest; with `locking` a lock is begun where there is none."""
    behind = {one.pin: one.newest for one in standings if one.state == "outdated"}
    images = {name: _at(name, behind) for reading in pinned.readings for name in _behind(reading, behind)}
    texts, problems = dict(pinned.texts), list[str]()
    for reading in pinned.readings:
        if reading.path in texts:
            texts[reading.path], stuck = dockerfiles.moved(texts[reading.path], reading, images)
            problems += stuck
    for path, found in pinned.uses.items():
        texts[path] = actions.moved(texts[path], found, behind)
    if CONFIG in texts:
        texts[CONFIG] = _configured(texts[CONFIG], pinned.readings, images)
        if pinned.scanner and pinned.scanner in behind:
            texts[CONFIG] = texts[CONFIG].replace(pinned.scanner.at, behind[pinned.scanner].at)
    if locking or lock.FILE in texts:
        texts[lock.FILE] = _relocked(pinned, standings)
    after = {path: text for path, text in texts.items() if text != pinned.texts.get(path)}
    for path in [path for path, text in after.items() if _LOST in text]:
        del after[path]
        problems.append(f"{path} is not UTF-8, and stays as it is")
    return Update(pinned.texts, after, tuple(dict.fromkeys(problems)))


def _relocked(pinned: Pinned, standings: Sequence[Standing]) -> str:
    """The lock of all images that a tag alone names: at the newest, or as they were where nobody knows."""
    newest = {one.pin.name: one.newest.at for one in standings if one.pin.kind != "action"}
    bare = {one.reference for reading in pinned.readings for one in reading.foreign if "@" not in one.reference}
    if pinned.scanner and not pinned.written(pinned.scanner):
        bare.add(pinned.scanner.name)
    known = {lock.key(name): newest.get(dockerfiles.image(name, "", 0).name, "") for name in bare}
    images = {name: digest or pinned.lock.get(name, "") for name, digest in known.items()}
    return lock.render({name: digest for name, digest in images.items() if digest})


def _behind(reading: Reading, behind: Mapping[Pin, Newest]) -> list[str]:
    """The references of a Dockerfile, as read, that an outdated pin stands for, but for those that the lock holds."""
    return [
        one.reference
        for one, pin in zip(reading.foreign, reading.pins(), strict=True)
        if pin in behind and "@" in one.reference
    ]


def _at(reference: str, behind: Mapping[Pin, Newest]) -> str:
    """The reference as written, with the newest digest."""
    pin = dockerfiles.image(reference, "", 0)
    digest = next(new.at for known, new in behind.items() if (known.name, known.at) == (pin.name, pin.at))
    return reference.replace(pin.at, digest)


def _configured(text: str, readings: Sequence[Reading], images: Mapping[str, str]) -> str:
    """The configuration with images of named contexts moved."""
    for reading in readings:
        for one in reading.foreign:
            if not one.line and one.reference in images:
                text = text.replace(one.reference, images[one.reference])
    return text
