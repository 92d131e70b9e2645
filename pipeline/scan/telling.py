"""A scan as cases of a report, and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.clock import Clock
from pipeline.config.config import FILE, Config, IgnoreSettings, ScanSettings
from pipeline.model import Case, Location, Phase, Report, Suite, Verdict
from pipeline.scan import policy
from pipeline.scan.answers import SEVERITIES
from pipeline.scan.packages import ListedPackage
from pipeline.scan.policy import Ruled, Ruling

# Packages of distributions: without a database for these, most of an image was not looked at.
_OF_DISTRIBUTIONS = ("deb", "apk", "rpm", "alpm", "portage")
_NAMED = 5  # that a sentence lists


@dataclass(frozen=True)
class Scan:
    """The outcome for one image. ``problem`` is why nothing was looked up, ``unbuilt`` why there is no image."""

    name: str
    problem: str = ""
    unbuilt: Case | None = None
    database: str = ""
    looked_up: int = 0
    passed_over: tuple[ListedPackage, ...] = ()
    rulings: tuple[Ruled, ...] = ()
    phases: tuple[Phase, ...] = ()

    @property
    def lacking(self) -> str:
        """Why a pass would say too much: nothing was looked up, or nothing of a distribution was."""
        kinds = Counter(package.kind for package in self.passed_over if package.kind in _OF_DISTRIBUTIONS)
        told = " and ".join(f"{number} packages of the kind {kind}" for kind, number in kinds.items())
        return self.problem or (f"no database was asked about its {told}" if told else "")


def order(ruled: Ruled) -> tuple[int, str, str]:
    """The worst first; those of unknown severity before all others."""
    vulnerability = ruled.vulnerability
    weight = SEVERITIES.index(vulnerability.severity) if vulnerability.severity else len(SEVERITIES)
    return -weight, vulnerability.package, vulnerability.id


def report(config: Config, settings: ScanSettings, scans: Sequence[Scan], clock: Clock) -> Report:
    """A suite for each image, and one for entries of the ignore list that name nothing which was found."""
    suites = [Suite(f"{scan.name} scanned", tuple(_cases(config, settings, scan)), scan.phases) for scan in scans]
    if idle := _idle(settings, scans):
        suites.append(Suite("scan.ignore", tuple(_noted_idle(config, settings, entry) for entry in idle)))
    return Report("scan", tuple(suites), clock.started, clock.now())


def _idle(settings: ScanSettings, scans: Sequence[Scan]) -> list[IgnoreSettings]:
    """Known only where every image was looked at."""
    if any(scan.lacking or scan.unbuilt for scan in scans):
        return []
    return policy.unused(settings.ignore, (ruled for scan in scans for ruled in scan.rulings))


def _noted_idle(config: Config, settings: ScanSettings, entry: IgnoreSettings) -> Case:
    where = f" in {entry.package}" if entry.package else ""
    told = f"was not found{where}: where no image has it, the entry can go"
    return Case(entry.id, Verdict.NOTED, message=told, place=_place(config, settings, entry))


def _cases(config: Config, settings: ScanSettings, scan: Scan) -> Iterator[Case]:
    if scan.unbuilt:
        yield scan.unbuilt
        return
    failing = [ruled for ruled in scan.rulings if ruled.ruling is Ruling.FAILS]
    yield from (_failed(config, settings, ruled) for ruled in failing)
    if scan.lacking:
        told = f"did not run: {scan.lacking}"
        if settings.required:
            yield Case("scan", Verdict.ERROR, message=f"{told}; with scan.required: false it is skipped then")
        else:
            yield Case("scan", Verdict.SKIPPED, message=told)
        return
    looked_up = f"{scan.looked_up} packages looked up in {scan.database}"
    known = (
        f"{len(failing)} of {len(scan.rulings)} known vulnerabilities fail"
        if scan.rulings
        else "nothing is known of them"
    )
    yield Case("database", Verdict.PASSED, message=f"{looked_up}: {known}")
    yield from _noted(config, settings, scan)


def _failed(config: Config, settings: ScanSettings, ruled: Ruled) -> Case:
    places = [_place(config, settings, entry) for entry in ruled.entries]
    over = "".join(f"; ignored until {entry.until}, which is over: {entry.reason}" for entry in ruled.entries)
    place = places[0] if places else None
    message = f"{_told(ruled)}{over}"
    return Case(_title(ruled), Verdict.FAILED, message=message, detail=ruled.vulnerability.summary, place=place)


def _told(ruled: Ruled) -> str:
    """In what, how severe, and whether there is a fix. The image may know the package by other names."""
    vulnerability = ruled.vulnerability
    installed = sorted(set(ruled.installed) - {vulnerability.package})
    what = f"{vulnerability.package} {vulnerability.version}" + (
        f" (installed as {_few(installed)})" if installed else ""
    )
    return f"{what}, {_severity(ruled)}, {_fix(ruled)}"


def _title(ruled: Ruled) -> str:
    """The name of the first record, and those of CVE that are not in it."""
    own = ruled.vulnerability.id
    others = [name for name in ruled.vulnerability.names if name.startswith("CVE-") and name not in own]
    return f"{own} ({_few(others)})" if others else own


def _severity(ruled: Ruled) -> str:
    vulnerability = ruled.vulnerability
    if not vulnerability.severity:
        return "of unknown severity"
    return f"{vulnerability.severity} ({vulnerability.score})" if vulnerability.score else vulnerability.severity


def _fix(ruled: Ruled) -> str:
    return f"fixed in {', '.join(ruled.vulnerability.fixed)}" if ruled.vulnerability.fixed else "no fix is known"


def _noted(config: Config, settings: ScanSettings, scan: Scan) -> Iterator[Case]:
    by_ruling = {ruling: [ruled for ruled in scan.rulings if ruled.ruling is ruling] for ruling in Ruling}
    stuck = [ruled for ruled in by_ruling[Ruling.FAILS] if not (ruled.vulnerability.fixed or ruled.entries)]
    if stuck:
        told_of = _few([ruled.vulnerability.id for ruled in stuck])
        told = f"of {told_of}: to accept one until a day, name it in scan.ignore of {FILE} with a reason"
        yield Case("no fix is known", Verdict.NOTED, message=told)
    if counts := Counter(ruled.vulnerability.severity for ruled in by_ruling[Ruling.BELOW]):
        told = ", ".join(f"{counts[word]} {word}" for word in reversed(SEVERITIES) if word in counts)
        yield Case(f"below {settings.severity}", Verdict.NOTED, message=told)
    for ruling, title, why in (
        (Ruling.UNFIXED, "without a fix", "scan.fixed-only: true"),
        (Ruling.UNKNOWN, "of unknown severity", "scan.unknown: note"),
    ):
        if names := [ruled.vulnerability.id for ruled in by_ruling[ruling]]:
            yield Case(title, Verdict.NOTED, message=f"{len(names)} left alone, as {why} says: {_few(names)}")
    yield from (_ignored(config, settings, ruled) for ruled in by_ruling[Ruling.IGNORED])
    if names := [package.name for package in scan.passed_over]:
        yield Case("passed over", Verdict.NOTED, message=f"{len(names)} that no database is for: {_few(names)}")


def _ignored(config: Config, settings: ScanSettings, ruled: Ruled) -> Case:
    first = ruled.entries[0]
    told = f"{_told(ruled)}; ignored until {first.until}: {first.reason}"
    return Case(_title(ruled), Verdict.NOTED, message=told, place=_place(config, settings, first))


def _place(config: Config, settings: ScanSettings, entry: IgnoreSettings) -> Location:
    where = ("scan", "ignore", str(settings.ignore.index(entry)), "id")
    return Location(FILE, config.document.line_of(where))


def _few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{rest}"


def document(settings: ScanSettings, scans: Sequence[Scan]) -> dict[str, Any]:
    """The whole scan for programs."""
    return {
        "scanner": settings.image,
        "policy": {"severity": settings.severity, "unknown": settings.unknown, "fixed-only": settings.fixed_only},
        "images": [_image(scan) for scan in scans],
        "unused-ignores": [asdict(entry) for entry in _idle(settings, scans)],
    }


def _image(scan: Scan) -> dict[str, Any]:
    return {
        "name": scan.name,
        "did-not-run": scan.unbuilt.message if scan.unbuilt else scan.lacking,
        "database": scan.database,
        "looked-up": scan.looked_up,
        "passed-over": [package.name for package in scan.passed_over],
        "vulnerabilities": [_vulnerability(ruled) for ruled in scan.rulings],
    }


def _vulnerability(ruled: Ruled) -> dict[str, Any]:
    vulnerability = ruled.vulnerability
    return {
        "id": vulnerability.id,
        "names": list(vulnerability.names),
        "package": vulnerability.package,
        "installed": sorted(ruled.installed),
        "version": vulnerability.version,
        "ecosystem": vulnerability.ecosystem,
        "severity": vulnerability.severity or "unknown",
        "score": vulnerability.score,
        "fixed": list(vulnerability.fixed),
        "summary": vulnerability.summary,
        "ruling": str(ruled.ruling),
        "ignore": [asdict(entry) for entry in ruled.entries],
    }
