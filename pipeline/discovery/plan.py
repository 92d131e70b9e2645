"""A plan: what a call would build, from what, how it would test that, and under which names it would publish it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pipeline.config.config import BaseSettings, ExampleSettings, TestSettings
from pipeline.conventions import BASIC, GOSS_WAIT, From
from pipeline.project import UNNAMED, Base, Example, Project, base_of
from pipeline.tags import naming
from pipeline.tags.events import Event


@dataclass(frozen=True)
class PlannedFrom:
    """An image that a build reads: its reference as written, the Dockerfile's line, and the planned base it means."""

    reference: str
    line: int
    base: str = ""


@dataclass(frozen=True)
class Planned:
    """One build. `test` has by tester what judges it: files, commands, stages; `tags` are those it is published under.

    `problem` says why it cannot be built.
    """

    name: str
    dockerfile: str
    context: str
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    platforms: Sequence[str] = ()
    sources: Sequence[PlannedFrom] = ()
    test: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tags: Sequence[str] = ()
    problem: str = ""
    note: str = ""

    @property
    def parent(self) -> str:
        """The planned base that it is shown below: the one of its last FROM."""
        return next((source.base for source in reversed(self.sources) if source.base), "")


@dataclass(frozen=True)
class Planning:
    """All builds of a repository: bases in the order in which they are built, then examples by name."""

    bases: tuple[Planned, ...]
    examples: tuple[Planned, ...]

    @property
    def problems(self) -> int:
        return sum(bool(example.problem) for example in self.examples)


def of(project: Project, ref: str = "") -> Planning:
    """The plan of a project, as published for a git ref; the default branch's unless one is given.

    UsageError when what would be published cannot be.
    """
    branch = project.config.publish.default_branch
    event = Event(ref or f"refs/heads/{branch}", default_branch=branch)
    published = () if naming.nameless(project) else naming.named(project, event)
    tags = {str(one) for one in published}
    bases = [_base(project, base, target, event, tags) for base in project.bases for target in base.targets]
    return Planning(tuple(bases), tuple(_example(project, example) for example in project.examples))


def _base(project: Project, base: Base, target: str, event: Event, published: set[str]) -> Planned:
    others = [one for one in project.bases if one is not base]
    names = naming.of_target(project, base, target, event) if published else ()
    return Planned(
        name=base.title(target),
        dockerfile=base.dockerfile,
        context=base.context,
        target=target,
        **_built(base.settings),
        platforms=project.config.publish.platforms,
        sources=_sources(base.froms, others),
        test=_test(base.tests_of(target), "", base.wait),
        tags=[str(name) for name in names],
        note="it is not published: it has no name" if base.name == UNNAMED and not base.settings.name else "",
    )


def _example(project: Project, example: Example) -> Planned:
    quarantine = example.settings.quarantine
    return Planned(
        name=example.name,
        dockerfile=example.dockerfile,
        context=example.context,
        target=example.settings.target,
        **_built(example.settings),
        platforms=example.settings.platforms,
        sources=_sources(example.froms, project.bases),
        test=_test(example.tests, example.directory, f"{example.directory}/{GOSS_WAIT}" if example.waits else ""),
        problem=example.problem,
        note=f"quarantined until {quarantine.until}: {quarantine.reason}" if quarantine else "",
    )


def _test(tests: Sequence[TestSettings], directory: str, wait: str = "") -> dict[str, list[str]]:
    """By tester, its files as the repository names them, then its commands or stages."""
    found: dict[str, list[str]] = {}
    for test in tests:
        files = [str(PurePosixPath(directory, name)) for name in test.files]
        waiting = [wait] if wait and test.tester == "goss" else []
        found.setdefault(test.tester, []).extend([*files, *waiting, *test.words])
    return found


def _built(settings: BaseSettings | ExampleSettings) -> dict[str, Any]:
    return {"args": settings.build_args, "contexts": settings.contexts, "secrets": tuple(settings.secrets)}


def _sources(froms: Sequence[From], bases: Sequence[Base]) -> tuple[PlannedFrom, ...]:
    meant = [base_of(from_.reference, bases) for from_ in froms]
    return tuple(
        PlannedFrom(from_.reference, from_.line, found[0].title(found[1]) if found else "")
        for from_, found in zip(froms, meant, strict=True)
    )


# --- for machines -----------------------------------------------------------------------------------------------------


def as_json(planning: Planning) -> str:
    """Two objects of builds by name; what is empty is left out."""
    builds = {"bases": planning.bases, "examples": planning.examples}
    return json.dumps({kind: {one.name: _entry(one) for one in ones} for kind, ones in builds.items()}, indent=2)


def _entry(planned: Planned) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(planned).items() if value and name != "name"}
    fields["sources"] = [{key: value for key, value in asdict(source).items() if value} for source in planned.sources]
    return {**fields, "test": planned.test if planned.test != {BASIC: []} else BASIC}


# --- for people -------------------------------------------------------------------------------------------------------


def as_tree(planning: Planning) -> str:
    """Each build below the base that it starts from, and at the end how many there are."""
    below: dict[str, list[Planned]] = {}
    for one in (*planning.bases, *planning.examples):
        below.setdefault(one.parent, []).append(one)
    bases = {base.name for base in planning.bases}
    lines = [line for root in below.get("", ()) for line in _lines(root, below, bases)]
    count = f"{_counted(len(planning.bases), 'base')}, {_counted(len(planning.examples), 'example')}"
    cannot = f"; {planning.problems} cannot be built" if planning.problems else ""
    return "\n".join([*lines, f"{count}{cannot}"])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _lines(root: Planned, below: Mapping[str, Sequence[Planned]], bases: set[str]) -> Iterator[str]:
    """A root and all that stands on it, without recursion: a chain may be of any length."""
    todo = [(root, "", "")]
    while todo:
        one, first, rest = todo.pop()
        children = below.get(one.name, ()) if one.name in bases else ()
        yield f"{first}{one.name}  {_about(one)}"
        for line in _more(one):
            yield f"{rest}{'│' if children else ' '}   {line}".rstrip()
        for number, child in enumerate(reversed(children)):
            corner, edge = ("└── ", "    ") if number == 0 else ("├── ", "│   ")
            todo.append((child, rest + corner, rest + edge))


def _about(planned: Planned) -> str:
    """Its Dockerfile, and what else its build takes."""
    words = [planned.dockerfile, *([f"target {planned.target}"] if planned.target else [])]
    beside = planned.dockerfile.rpartition("/")[0] or "."
    words += [f"context {planned.context}"] if planned.context != beside else []
    words += [f"{name}={value}" for name, value in planned.args.items()]
    words += [f"{name} is {value}" for name, value in planned.contexts.items()]
    words += [f"secret {name}" for name in planned.secrets]
    return ", ".join(words)


def _more(planned: Planned) -> Iterator[str]:
    if planned.problem:
        yield f"cannot be built: {planned.problem}"
        return
    read = dict.fromkeys(
        source.reference for source in planned.sources if source.base != planned.parent or not source.base
    )
    if read:
        yield f"from {', '.join(read)}"
    yield f"test {', '.join(word for tester, words in planned.test.items() for word in words or [tester])}"
    if planned.tags:
        yield f"tags {', '.join(planned.tags)}"
    if planned.note:
        yield planned.note
