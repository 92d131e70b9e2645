"""Images from elsewhere in Dockerfiles, found and moved. A move is tried on the text and judged by reading it again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from baselard.dockerfile.syntax.errors import DockerfileError
from pipeline import lock
from pipeline.conventions import CONFIG, From, froms
from pipeline.project import Base, Example, Project, base_of
from pipeline.references import parse_reference
from pipeline.stale.pins import Pin


@dataclass(frozen=True)
class Reading:
    """A Dockerfile as one build reads it: with these arguments and named contexts, `foreign` are others' images."""

    path: str
    args: Mapping[str, str] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    foreign: tuple[From, ...] = ()
    lock: Mapping[str, str] = field(default_factory=dict)

    def froms(self, text: str) -> tuple[From, ...]:
        """The images of a text in this Dockerfile's place. Raises DockerfileError."""
        return froms(text, self.path, self.args, self.contexts)

    def pins(self) -> Iterator[Pin]:
        for one in self.foreign:
            place = self.path if one.line else CONFIG
            yield image(lock.locked(self.lock, one.reference), place, one.line)


def of_project(project: Project) -> list[Reading]:
    """Every Dockerfile as its bases and examples read it; one that a variant reads in no other way comes once."""
    bases = [_reading(base, [one for one in project.bases if one is not base]) for base in project.bases]
    examples = [_reading(example, project.bases) for example in project.examples]
    found: list[Reading] = []
    for one in (replace(reading, lock=project.lock) for reading in (*bases, *examples)):
        if one not in found:
            found.append(one)
    return found


def _reading(build: Base | Example, bases: Sequence[Base]) -> Reading:
    foreign = tuple(one for one in build.froms if not base_of(one.reference, bases))
    path = build.dockerfile
    return Reading(path, dict(build.settings.build_args), tuple(build.settings.contexts), foreign)


def image(written: str, path: str, line: int, kind: str = "image") -> Pin:
    """An image as a pin. Raises UsageError for what is no reference."""
    named = parse_reference(written)
    tag = named.tag or ("" if named.digest else "latest")
    name = replace(named, tag=tag, digest="").familiar
    return Pin(kind, path, line, name, named.digest, movable=bool(tag))


def moved(text: str, reading: Reading, moves: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text with these references, as read, in the place of others; and what could not be moved, and why."""
    problems: list[str] = []
    for one in reading.foreign:
        if one.line and one.reference in moves:
            candidate = _moved(text, reading, one, moves)
            text = candidate or text
            problems += [] if candidate else [_stuck(reading, one)]
    return text, problems


def _stuck(reading: Reading, one: From) -> str:
    digest = parse_reference(one.reference).digest
    return f"{reading.path}:{one.line}: {digest[:19]} is not written here; change the build argument that has it"


def _moved(text: str, reading: Reading, wanted: From, moves: Mapping[str, str]) -> str | None:
    """The digest changes where it makes this image the new one, and no other image than those that move as well."""
    new = moves[wanted.reference]
    if (number := _number(reading.froms(text), wanted.line, new)) is not None:
        return text  # by an argument that another line has, too
    number = _number(reading.froms(text), wanted.line, wanted.reference)
    old, digest = parse_reference(wanted.reference).digest, parse_reference(new).digest
    before = reading.froms(text)
    for at in _places(text, old, wanted.line):
        candidate = text[:at] + digest + text[at + len(old) :]
        try:
            after = reading.froms(candidate)
        except DockerfileError:
            continue
        if number is not None and after[number].reference == new and _allowed(before, after, moves):
            return candidate
    return None


def _number(found: Sequence[From], line: int, reference: str) -> int | None:
    fitting = (number for number, one in enumerate(found) if one.line == line and one.reference == reference)
    return next(fitting, None)


def _allowed(before: Sequence[From], after: Sequence[From], moves: Mapping[str, str]) -> bool:
    pairs = zip(before, after, strict=True)
    return all(new.reference in (old.reference, moves.get(old.reference)) for old, new in pairs)


def _places(text: str, word: str, line: int) -> list[int]:
    """Where a word stands, the first at or after a line first, then those before it, the nearest first."""
    start = sum(len(one) for one in text.splitlines(keepends=True)[: line - 1])
    found = [match.start() for match in re.finditer(re.escape(word), text)]
    return [at for at in found if at >= start] + [at for at in reversed(found) if at < start]
