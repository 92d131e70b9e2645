"""Whether a known vulnerability fails: by its severity, by whether there is a fix, and by what is ignored today."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.config.config import IgnoreSettings, ScanSettings
from pipeline.scan.answers import SEVERITIES, Vulnerability


class Ruling(StrEnum):
    """Why a vulnerability fails, or why it does not."""

    FAILS = "fails"
    BELOW = "below"
    UNKNOWN = "unknown-severity"
    UNFIXED = "no-fix"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Ruled:
    """A vulnerability with its ruling. ``installed`` are the packages that have it, as the image names them.

    ``entries`` are those of the ignore list for which it is ignored, or was until their day was over.
    """

    vulnerability: Vulnerability
    installed: Collection[str]
    ruling: Ruling
    entries: tuple[IgnoreSettings, ...] = ()


def rule(vulnerability: Vulnerability, installed: Collection[str], settings: ScanSettings, today: date) -> Ruled:
    """The ruling on a vulnerability of the packages that an image names so."""
    about = [entry for entry in settings.ignore if concerns(entry, vulnerability, installed)]
    lasting = tuple(entry for entry in about if date.fromisoformat(entry.until) >= today)
    if _all_ignored(vulnerability, lasting):
        return Ruled(vulnerability, installed, Ruling.IGNORED, lasting)
    expired = tuple(entry for entry in about if entry not in lasting)
    return Ruled(vulnerability, installed, _by_weight(vulnerability, settings), expired)


def concerns(entry: IgnoreSettings, vulnerability: Vulnerability, installed: Collection[str]) -> bool:
    """Whether an entry names this vulnerability, and no other package than these."""
    names = {name.upper() for name in vulnerability.names}
    return entry.id.upper() in names and entry.package in ("", vulnerability.package, *installed)


def unused(ignore: Sequence[IgnoreSettings], rulings: Iterable[Ruled]) -> list[IgnoreSettings]:
    """The entries that name nothing of what was ruled on."""
    ruled = list(rulings)
    return [entry for entry in ignore if not any(concerns(entry, one.vulnerability, one.installed) for one in ruled)]


def _by_weight(vulnerability: Vulnerability, settings: ScanSettings) -> Ruling:
    """One whose severity nobody tells may be of any: it fails, unless the settings only note it."""
    if not vulnerability.severity and settings.unknown != "fail":
        return Ruling.UNKNOWN
    if vulnerability.severity and SEVERITIES.index(vulnerability.severity) < SEVERITIES.index(settings.severity):
        return Ruling.BELOW
    return Ruling.UNFIXED if settings.fixed_only and not vulnerability.fixed else Ruling.FAILS


def _all_ignored(vulnerability: Vulnerability, entries: Sequence[IgnoreSettings]) -> bool:
    """Whether each record is ignored: by a name, or since all that it gathers is.

    A distribution's advisory gathers several vulnerabilities: one of them ignored does not ignore the others. Who
    ignores the advisory ignores them all.
    """
    ignored = {entry.id.upper() for entry in entries}
    records = [
        ({name.upper() for name in (record.id, *record.aliases)}, {name.upper() for name in record.upstream})
        for record in vulnerability.records
    ]
    for _ in records:  # a round ignores one more record at least, or no later one would
        for names, gathered in records:
            if names & ignored or (gathered and gathered <= ignored):
                ignored |= names | gathered
    return all(names & ignored for names, _ in records)
