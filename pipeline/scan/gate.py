"""Scanning images: their packages listed, looked up and judged; a report with a suite for each image."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagger

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import spans
from pipeline.calls import Call
from pipeline.config.config import ScanSettings
from pipeline.discovery import choose
from pipeline.errors import BaselardError
from pipeline.failures import case_of
from pipeline.model import Phase, Report
from pipeline.project import Base, Example
from pipeline.proof import sbom
from pipeline.references import parse_reference
from pipeline.scan import packages, policy, scanner, telling
from pipeline.scan.scanner import NotRunError, Scanner
from pipeline.scan.telling import Scan
from pipeline.share import Account


@dataclass(frozen=True)
class ScannedImage:
    """An image to scan: its name in reports, and how to get it."""

    name: str
    get: Callable[[], Awaitable[dagger.Container]]


def of_target(call: Call, base: Base, target: str) -> ScannedImage:
    """A target of a base, built here."""
    name = f"{base.title(target)} ({call.platform})" if call.platform else base.title(target)
    return ScannedImage(name, partial(call.images.base, base, target))


def of_example(call: Call, example: Example) -> ScannedImage:
    """An example, built here."""
    return ScannedImage(example.name, partial(call.images.example, example))


def of_reference(call: Call, reference: str, account: Account) -> ScannedImage:
    """An image of a registry, for the platform of the call. Raises UsageError."""
    parsed = parse_reference(reference)

    async def pulled() -> dagger.Container:
        empty = dagger.dag.container(platform=dagger.Platform(call.platform) if call.platform else None)
        signed_in = await replace(account, repository=parsed.name).login(empty)
        return await signed_in.from_(reference).sync()

    return ScannedImage(reference, pulled)


def chosen(
    call: Call,
    account: Account,
    targets: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    references: Sequence[str] | None = None,
) -> list[ScannedImage]:
    """The images that a call names; every target of every base if it names none. Raises UsageError."""
    project = call.project
    named = [choose.base(project, target) for target in targets or ()]
    if not (targets or only or references):
        named = choose.targets(project)
    tested = choose.examples(project, only) if only else ()
    return [
        *(of_target(call, *target) for target in named),
        *(of_example(call, example) for example in tested),
        *(of_reference(call, reference, account) for reference in references or ()),
    ]


@dataclass(frozen=True)
class Scanned:
    """The report of a scan, and the same for programs."""

    report: Report
    document: dict[str, Any]


async def scanned(call: Call, images: Sequence[ScannedImage], database: dagger.Directory | None = None) -> Scanned:
    """Look every image's packages up, and judge what is known of them. UsageError for what is set wrongly.

    A ``database`` takes the place of the one that the settings name.
    """
    config, settings = call.project.config, _settings(call)
    try:
        ready: Scanner | str = await scanner.scanner(call.project, settings, database, call.options.nonce)
    except NotRunError as error:
        ready = str(error)
    scans = await each(images, lambda image: _scan(call, ready, image))
    return Scanned(telling.report(config, settings, scans, call.clock), telling.document(settings, scans))


async def before_publishing(call: Call, per_platform: Sequence[Call]) -> Report:
    """The scan of every target on each platform."""
    targets = choose.targets(call.project)
    return (await scanned(call, [of_target(on, *target) for on in per_platform for target in targets])).report


def _settings(call: Call) -> ScanSettings:
    return call.project.config.scan or ScanSettings()


async def _scan(call: Call, ready: Scanner | str, image: ScannedImage) -> Scan:
    if isinstance(ready, str):
        return Scan(image.name, problem=ready)
    phases: list[Phase] = []
    with spans.of(image.name):
        try:
            with call.clock.span("build", phases):
                container = await (await image.get()).sync()
        except (BaselardError, DockerfileError, dagger.QueryError) as error:
            return Scan(image.name, unbuilt=await case_of("build", error))
        try:
            with call.clock.span("scan", phases):
                looked_up = await _looked_up(call, ready, image, container)
        except NotRunError as error:
            looked_up = Scan(image.name, problem=str(error))
        return replace(looked_up, phases=tuple(phases))


async def _looked_up(call: Call, ready: Scanner, image: ScannedImage, container: dagger.Container) -> Scan:
    """The scan of an image that was built. Raises NotRunError."""
    listed = packages.of_spdx(await _list(call, container))
    answer = await scanner.look_up(ready, listed) if listed else None
    if answer is None or not answer.looked_up:
        raise NotRunError("nothing in it is a package that a database of vulnerabilities is for")
    installed = {(package.name, package.version): package.installed for package in listed}
    today = datetime.now(UTC).date()
    rulings = [
        policy.rule(known, installed.get((known.package, known.version), frozenset()), _settings(call), today)
        for known in answer.vulnerabilities
    ]
    return Scan(
        image.name,
        database=ready.database,
        looked_up=answer.looked_up,
        passed_over=tuple(package for package in listed if (package.name, package.version) in answer.passed_over),
        rulings=tuple(sorted(rulings, key=telling.order)),
    )


async def _list(call: Call, container: dagger.Container) -> dict[str, Any]:
    """The list that syft writes, in the step in which a publish has it written. Raises NotRunError."""
    forms = call.project.config.publish.sbom
    made = sbom.listed(container, forms if "spdx" in forms else ("spdx",))
    try:
        return await sbom.written(made, sbom.FORMS["spdx"])
    except dagger.QueryError as error:
        reason = (error.stderr if isinstance(error, dagger.ExecError) else str(error)).strip().splitlines()
        raise NotRunError(f"{sbom.PACKAGE} lists no packages: {(reason or ['it ended'])[-1]}") from error
