"""The answer of osv-scanner: what it looked up, and the vulnerabilities that are known of it.

https://google.github.io/osv-scanner/output/ and https://ossf.github.io/osv-schema/ describe it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("negligible", "low", "medium", "high", "critical")
_AT_LEAST = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "negligible"))
"""CVSS's own scale (https://www.first.org/cvss/v3.1/specification-document#Qualitative-Severity-Rating-Scale)."""
_LONGEST = 200  # characters of a text
_WORDS = {**{word: word for word in SEVERITIES}, "moderate": "medium"}


@dataclass(frozen=True)
class VulnerabilityRecord:
    """A record of a database. ``upstream`` are the vulnerabilities that it passes on, or that it gathers."""

    id: str
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vulnerability:
    """A vulnerability of a package: all records about it, the worst severity that they tell ("" when none does), and
    the versions without it."""

    package: str
    version: str
    ecosystem: str
    records: tuple[VulnerabilityRecord, ...]
    severity: str = ""
    score: str = ""
    fixed: tuple[str, ...] = ()
    summary: str = ""

    @property
    def id(self) -> str:
        return self.records[0].id

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the records have for it, the first record's own first."""
        own = [record.id for record in self.records]
        others = [name for record in self.records for name in (*record.aliases, *record.upstream)]
        return tuple(dict.fromkeys([*own, *others]))


@dataclass(frozen=True)
class Findings:
    """How many packages were looked up, name and version of those that no database is for, and the vulnerabilities."""

    looked_up: int
    passed_over: frozenset[tuple[str, str]]
    vulnerabilities: tuple[Vulnerability, ...]


def read(text: str) -> Findings:
    """The answer in osv-scanner's JSON, made with ``--all-packages``. Raises ValueError for what is none."""
    try:
        listed = [package for source in json.loads(text)["results"] for package in source["packages"]]
        known = [package for package in listed if package["package"].get("ecosystem")]
        vulnerabilities = tuple(vulnerability for package in known for vulnerability in _of_package(package))
        others = [package["package"] for package in listed if not package["package"].get("ecosystem")]
        passed_over = frozenset((str(package["name"]), str(package.get("version", ""))) for package in others)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is not what osv-scanner prints: {error!r}") from error
    return Findings(len(known), passed_over, vulnerabilities)


def _of_package(listed: Mapping[str, Any]) -> Iterator[Vulnerability]:
    package = listed["package"]
    by_id = {record["id"]: record for record in listed.get("vulnerabilities", ())}
    for group in listed.get("groups", ()):
        records = [by_id[name] for name in group["ids"]]
        score = str(group.get("max_severity") or "")
        yield Vulnerability(
            _line(package["name"]),
            _line(package.get("version", "")),
            _line(package["ecosystem"]),
            tuple(_record(record) for record in records),
            _severity(group, records, score),
            score,
            tuple(dict.fromkeys(_line(version) for record in records for version in _fixed(record, package))),
            next((_line(record["summary"]) for record in records if record.get("summary")), ""),
        )


def _record(record: Mapping[str, Any]) -> VulnerabilityRecord:
    names = [tuple(map(_line, record.get(key, ()))) for key in ("aliases", "upstream")]
    return VulnerabilityRecord(_line(record["id"]), *names)


def _line(value: Any) -> str:
    """A text of somebody's record as one line that a terminal shows."""
    printable = "".join(letter for letter in " ".join(str(value).split()) if letter.isprintable())
    return printable if len(printable) <= _LONGEST else f"{printable[: _LONGEST - 1]}…"


def _severity(group: Mapping[str, Any], records: Sequence[Mapping[str, Any]], score: str) -> str:
    """By what the distribution calls negligible, else by CVSS, else by the word that a database has for it."""
    if any(about.get("unimportant") for about in (group.get("experimental_analysis") or {}).values()):
        return "negligible"
    if score:
        return next((word for least, word in _AT_LEAST if float(score) >= least), "")
    words = [_WORDS.get(word.lower(), "") for record in records for word in _words(record)]
    return max((word for word in words if word), key=SEVERITIES.index, default="")


def _words(record: Mapping[str, Any]) -> Iterator[str]:
    """Severities as words: Ubuntu's, and those of GitHub's advisories."""
    for entry in record.get("severity", ()):
        yield str(entry.get("score", ""))
    yield str((record.get("database_specific") or {}).get("severity", ""))
    for affected in record.get("affected", ()):
        yield str((affected.get("ecosystem_specific") or {}).get("ubuntu_priority", ""))


def _fixed(record: Mapping[str, Any], package: Mapping[str, Any]) -> Iterator[str]:
    """The versions that a record calls fixed: of this package in this release, else (names differ) of any."""
    about = record.get("affected", ())
    own = [affected for affected in about if _is_about(affected.get("package") or {}, package)]
    for affected in own or about:
        for versions in affected.get("ranges", ()):
            if versions.get("type") != "GIT":  # there a version is a commit
                yield from (str(event["fixed"]) for event in versions.get("events", ()) if event.get("fixed"))


def _is_about(affected: Mapping[str, Any], package: Mapping[str, Any]) -> bool:
    return (affected.get("name"), affected.get("ecosystem")) == (package["name"], package["ecosystem"])
