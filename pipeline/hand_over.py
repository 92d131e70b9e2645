"""Bases for other machines: pushed to a registry or packed as archives on one, taken from there on the others."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import dagger
from dagger import dag

from pipeline import calls, checks, joined
from pipeline.calls import Call, Selection
from pipeline.discover import Base
from pipeline.errors import BaselardError, UsageError
from pipeline.images import Given, title
from pipeline.model import Report
from pipeline.references import parse
from pipeline.report import directory
from pipeline.share import Account, push_dated
from pipeline.together import each

FILE = "bases.json"
DIRECTORY = "bases"
"""Where the handed-over bases are within the directory that also holds the report."""

_Give: TypeAlias = Callable[[int, dagger.Container], Awaitable["Handed"]]


@dataclass(frozen=True)
class Handed:
    """One base on its way: a reference with digest, or an archive in a file beside the list."""

    reference: str = ""
    archive: str = ""
    file: dagger.File | None = None

    @property
    def entry(self) -> dict[str, str]:
        """How the list names it."""
        return {"archive": self.archive} if self.archive else {"reference": self.reference}


async def give(call: Call, selection: Selection, account: Account, tag: str) -> dagger.Directory:
    """Build what the selected examples start from and hand it over; the report says how, and never fails the call.

    With a password the bases are pushed under test tags that begin with `tag`; without one they become OCI archives.
    """
    wanted = checks.meant(calls.selected(call.project, selection), call.project.bases)
    report = await checks.run("test-examples", checks.bases_of(wanted, call.images), call.options, call.clock)
    place = "-".join(filter(None, [tag, call.platform.replace("/", "-")]))
    way = _by_registry(account, place) if account.password else _archived
    built = {name: meant for name, meant in wanted.items() if not _broken(report, name)}
    bases = [await call.images.base(*meant) for meant in built.values()]
    handed = dict(zip(built, await each(list(enumerate(bases)), lambda one: way(*one)), strict=True))
    report = replace(report, seconds=call.clock.now(), outputs=_outputs(handed))
    return directory.render(joined.of_platform(report, call.platform)).with_directory(DIRECTORY, _listed(handed))


def _broken(report: Report, name: str) -> bool:
    return any(suite.name == checks.build_name(name) and suite.verdict.bad for suite in report.suites)


def _by_registry(account: Account, tag: str) -> _Give:
    async def push(number: int, built: dagger.Container) -> Handed:
        reference = await push_dated(built, account, f"{tag}-{number}")
        return Handed(reference=str(replace(reference, tag="")))

    return push


async def _archived(number: int, built: dagger.Container) -> Handed:
    return Handed(archive=f"{number}.tar", file=built.as_tarball())


def _outputs(handed: dict[str, Handed]) -> dict[str, Any]:
    references = {name: one.reference for name, one in handed.items()}
    first = next(iter(references.values()), "")
    digest = parse(first).digest if first else ""
    return {"bases": references, "reference": first, "digest": digest}


def _listed(handed: dict[str, Handed]) -> dagger.Directory:
    listed = json.dumps({name: one.entry for name, one in handed.items()}, indent=2) + "\n"
    found = dag.directory().with_new_file(FILE, listed)
    for one in handed.values():
        if one.file:
            found = found.with_file(one.archive, one.file)
    return found


async def take(bases: dagger.Directory, account: Account, platform: str = "") -> Given:
    """What another machine handed over, by base and target. BaselardError when the list is missing or broken."""
    if not await bases.glob(FILE):
        raise UsageError(f"--bases holds no {FILE}: give it the directory `{DIRECTORY}` that hand-over made")
    try:
        listed = dict(json.loads(await bases.file(FILE).contents()))
        taken = {name: _taken(bases, dict(entry), account, platform) for name, entry in listed.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{FILE} in --bases is not what hand-over wrote: {error}") from error

    def given(base: Base, target: str) -> dagger.Container:
        if title(base, target) not in taken:
            there = ", ".join(taken) or "nothing"
            raise BaselardError(f"its base {title(base, target)} was not handed over; in --bases there is {there}")
        return taken[title(base, target)]

    return given


def _taken(bases: dagger.Directory, entry: dict[str, str], account: Account, platform: str) -> dagger.Container:
    empty = dag.container(platform=dagger.Platform(platform) if platform else None)
    if "archive" in entry:
        return empty.import_(bases.file(entry["archive"]))
    return replace(account, repository=entry["reference"]).login(empty).from_(entry["reference"])
