"""Bases for other machines: pushed to a registry or packed as archives on one, taken from there on the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import dagger
from dagger import dag

from baselard.oci.together import each
from pipeline import calls, checks, joined, share
from pipeline.calls import Call, Selection
from pipeline.clock import Clock
from pipeline.errors import BaselardError, UsageError
from pipeline.images import Build, title
from pipeline.model import Report, Suite
from pipeline.project import Base
from pipeline.references import parse_reference
from pipeline.report import directory
from pipeline.share import Account, Handed

FILE = "bases.json"
DIRECTORY = "bases"
"""Where the handed-over bases are within the directory that also holds the report."""

CACHE = "cache.json"
"""Beside the list: what it took to bring a cache along, which only who carried it knows."""


async def give(call: Call, selection: Selection, account: Account, tag: str, way: str = "") -> dagger.Directory:
    """Build what the selected examples start from and hand it over; the report says how, and never fails the call.

    Test tags begin with `tag`. Unless a way is chosen, the bases are pushed when there is a password, and become OCI
    archives when there is none.
    """
    chosen = way or ("registry" if account.password else "archive")
    share.check(chosen, account)
    wanted = checks.meant(calls.selected(call.project, selection), call.project.bases)
    report = await checks.check_all("test-examples", checks.bases_of(wanted, call.images), call.options, call.clock)
    place = "-".join(filter(None, [tag, call.platform.replace("/", "-")]))
    built = {name: meant for name, meant in wanted.items() if not _broken(report, name)}
    bases = [await call.images.base(*meant) for meant in built.values()]
    named = [(base, f"{place}-{number}") for number, base in enumerate(bases)]
    given = await each(named, lambda one: share.give(chosen, one[0], account, one[1], call.clock))
    handed = dict(zip(built, given, strict=True))
    report = replace(report, seconds=call.clock.now(), outputs=_outputs(handed))
    return directory.render(joined.of_platform(report, call.platform)).with_directory(DIRECTORY, _listed(handed))


def _broken(report: Report, name: str) -> bool:
    return any(suite.name == checks.build_name(name) and suite.verdict.bad for suite in report.suites)


def _outputs(handed: dict[str, Handed]) -> dict[str, Any]:
    references = {name: _by_digest(one.reference) for name, one in handed.items()}
    first = next(iter(references.values()), "")
    digest = parse_reference(first).digest if first else ""
    return {"bases": references, "reference": first, "digest": digest}


def _by_digest(reference: str) -> str:
    return f"{parse_reference(reference).name}@{parse_reference(reference).digest}" if reference else ""


def _listed(handed: dict[str, Handed]) -> dagger.Directory:
    listed = json.dumps({name: one.entry for name, one in handed.items()}, indent=2) + "\n"
    folder = dag.directory().with_new_file(FILE, listed)
    for one in handed.values():
        if one.file:
            folder = folder.with_file(one.archive, one.file)
    return folder


@dataclass
class Taking:
    """The images that another machine handed over, by base and target, and the time that taking them took."""

    bases: dagger.Directory
    listed: Mapping[str, Handed]
    account: Account
    platform: str
    clock: Clock
    suites: list[Suite] = field(default_factory=list)

    async def given(self, base: Base, target: str, build: Build) -> dagger.Container:
        """The base as it arrived. BaselardError for one that was not handed over."""
        name = title(base, target)
        if name not in self.listed:
            there = ", ".join(self.listed) or "nothing"
            raise BaselardError(f"its base {name} was not handed over; in --bases there is {there}")
        handed = self.listed[name]
        if handed.archive:
            handed = replace(handed, file=self.bases.file(handed.archive))
        taken = await share.timed(name, handed, share.take(handed, build, self.account, self.platform), self.clock)
        self.suites.append(taken.suite)
        return taken.container


async def take(bases: dagger.Directory, account: Account, platform: str, clock: Clock) -> Taking:
    """Read the list of what was handed over. BaselardError when it is missing or broken."""
    if not await bases.glob(FILE):
        raise UsageError(f"--bases holds no {FILE}: give it the directory `{DIRECTORY}` that hand-over made")
    try:
        carried = json.loads(await bases.file(CACHE).contents()) if await bases.glob(CACHE) else {}
        listed = dict(json.loads(await bases.file(FILE).contents()))
        handed = {name: _handed({**dict(entry), **carried}) for name, entry in listed.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{FILE} in --bases is not what hand-over wrote: {error}") from error
    return Taking(bases, handed, account, platform, clock)


def _handed(entry: dict[str, Any]) -> Handed:
    """An entry of the list; what it was shared by is told by what it holds."""
    known = "registry" if entry.get("reference") else "archive" if entry.get("archive") else ""
    return Handed(**{"share": known, **entry})
