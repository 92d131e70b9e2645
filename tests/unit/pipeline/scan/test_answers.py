"""Answers of osv-scanner read, and judged by a policy.

Judge: `answer.json` is what osv-scanner 2.6.0 printed about made-up records in a stand-in database.
"""

import json
from datetime import date
from pathlib import Path

import pytest

from pipeline.config.config import IgnoreSettings, ScanSettings
from pipeline.scan import answers, policy
from pipeline.scan.answers import Vulnerability, VulnerabilityRecord

TEXT = Path(__file__).with_name("answer.json").read_text()
ANSWER = answers.read(TEXT)
KNOWN = {vulnerability.id: vulnerability for vulnerability in ANSWER.vulnerabilities}
TODAY = date(2026, 11, 28)


def test_every_group_of_records_is_one_vulnerability_with_its_worst_severity():
    told = {name: (known.package, known.severity, known.score, known.fixed) for name, known in KNOWN.items()}
    assert told == {
        "DSA-9999-1": ("openssl", "critical", "9.8", ("999:1-1",)),
        "DEBIAN-CVE-2026-90003": ("bash", "medium", "5.3", ()),
        "DEBIAN-CVE-2026-90004": ("bash", "", "", ()),
        "DEBIAN-CVE-2026-90005": ("bash", "negligible", "9.8", ()),
        "PYSEC-2026-1": ("made-up", "medium", "", ("2.0",)),
    }


def test_packages_that_no_database_is_for_are_told():
    assert (ANSWER.looked_up, ANSWER.passed_over) == (3, frozenset({("bash", "5.2.37-2.el9"), ("thing", "1")}))


@pytest.mark.parametrize(
    ("score", "word"),
    [("0.0", "negligible"), ("0.1", "low"), ("3.9", "low"), ("4.0", "medium"), ("7.0", "high"), ("9.0", "critical")],
)
def test_numbers_are_words_by_the_scale_of_cvss(score, word):
    """https://www.first.org/cvss/v3.1/specification-document, table 14."""
    document = json.loads(TEXT)
    package = document["results"][0]["packages"][1]
    package["groups"][0]["max_severity"] = score
    assert answers.read(json.dumps(document)).vulnerabilities[1].severity == word


@pytest.mark.parametrize("more", [{"severity": [{"type": "Ubuntu", "score": "high"}]}, {"ubuntu_priority": "high"}])
def test_a_distribution_s_word_stands_where_there_is_no_number(more):
    document = json.loads(TEXT)
    record = document["results"][0]["packages"][1]["vulnerabilities"][1]
    record |= {"severity": more.get("severity", [])}
    record["affected"][0]["ecosystem_specific"] = more
    assert answers.read(json.dumps(document)).vulnerabilities[2].severity == "high"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": 1}', '{"results": [{"packages": [{}]}]}', "[" * 100_000])
def test_what_is_not_an_answer_is_told(text):
    with pytest.raises(ValueError):
        answers.read(text)


def test_a_record_of_somebody_draws_nothing_on_a_terminal():
    document = json.loads(TEXT)
    record = document["results"][0]["packages"][1]["vulnerabilities"][0]
    record["summary"] = "a\nb\x1b[2J\u202e" + "x" * 1000
    known = answers.read(json.dumps(document)).vulnerabilities[1]
    assert known.summary == "a b[2J" + "x" * 193 + "…"


def ruling(name, *ignored, installed=("bash",), **settings):
    entries = tuple(IgnoreSettings(**{"until": "2026-11-28", "reason": "why", **entry}) for entry in ignored)
    return policy.rule(KNOWN[name], installed, ScanSettings(ignore=entries, **settings), TODAY)


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("DSA-9999-1", {}, "fails"),
        ("DSA-9999-1", {"severity": "critical", "fixed_only": True}, "fails"),
        ("DEBIAN-CVE-2026-90003", {}, "below"),
        ("DEBIAN-CVE-2026-90003", {"severity": "medium"}, "fails"),
        ("DEBIAN-CVE-2026-90003", {"severity": "medium", "fixed_only": True}, "no-fix"),
        ("DEBIAN-CVE-2026-90004", {"severity": "critical"}, "fails"),
        ("DEBIAN-CVE-2026-90004", {"unknown": "note"}, "unknown-severity"),
        ("DEBIAN-CVE-2026-90004", {"fixed_only": True}, "no-fix"),
        ("DEBIAN-CVE-2026-90005", {"severity": "low"}, "below"),
    ],
)
def test_severity_and_fix_decide(name, settings, expected):
    assert ruling(name, **settings).ruling == expected


@pytest.mark.parametrize(
    ("name", "entries", "expected"),
    [
        ("DEBIAN-CVE-2026-90004", [{"id": "CVE-2026-90004"}], "ignored"),
        ("DEBIAN-CVE-2026-90004", [{"id": "debian-cve-2026-90004"}], "ignored"),
        ("DEBIAN-CVE-2026-90004", [{"id": "CVE-2026-90004", "package": "bash"}], "ignored"),
        ("DEBIAN-CVE-2026-90004", [{"id": "CVE-2026-90004", "package": "zsh"}], "fails"),
        ("DEBIAN-CVE-2026-90004", [{"id": "CVE-2026-9000"}], "fails"),
        ("DEBIAN-CVE-2026-90004", [{"id": "CVE-2026-90004", "until": "2026-11-27"}], "fails"),
        # An advisory gathers two, of which one has a record of its own.
        ("DSA-9999-1", [{"id": "CVE-2026-90001"}], "fails"),
        ("DSA-9999-1", [{"id": "CVE-2026-90001"}, {"id": "CVE-2026-90002"}], "ignored"),
        ("DSA-9999-1", [{"id": "CVE-2026-90001"}, {"id": "CVE-2026-90002", "until": "2026-11-27"}], "fails"),
        ("DSA-9999-1", [{"id": "DEBIAN-CVE-2026-90001"}], "fails"),
        ("DSA-9999-1", [{"id": "DSA-9999-1"}], "ignored"),
        ("PYSEC-2026-1", [{"id": "CVE-2026-90010"}], "below"),
    ],
)
def test_all_that_an_advisory_gathers_has_to_be_ignored(name, entries, expected):
    severity = "high" if expected == "below" else "low"
    expected = "ignored" if expected == "below" else expected
    assert ruling(name, *entries, severity=severity).ruling == expected


def test_an_entry_whose_day_is_over_is_told_with_what_fails_again():
    ruled = ruling("DEBIAN-CVE-2026-90004", {"id": "CVE-2026-90004", "until": "2026-11-27"})
    assert [entry.until for entry in ruled.entries] == ["2026-11-27"]


def test_a_package_may_be_named_as_the_image_has_it():
    entry = {"id": "CVE-2026-90004", "package": "bash-builtins"}
    assert ruling("DEBIAN-CVE-2026-90004", entry, installed=("bash", "bash-builtins")).ruling == "ignored"


def test_entries_about_nothing_are_known():
    entries = [IgnoreSettings(name, "2026-11-28", "why") for name in ("CVE-2026-90004", "CVE-2026-1")]
    ruled = ruling("DEBIAN-CVE-2026-90004")
    assert policy.unused(entries, [ruled]) == entries[1:]


def test_names_are_ignored_in_a_circle_without_end():
    records = (VulnerabilityRecord("A", ("B",), ("C",)), VulnerabilityRecord("C", (), ("A",)))
    vulnerability = Vulnerability("x", "1", "Go", records, "high")
    settings = ScanSettings(ignore=(IgnoreSettings("B", "2999-01-01", "why"),))
    assert policy.rule(vulnerability, ("x",), settings, TODAY).ruling == "ignored"
