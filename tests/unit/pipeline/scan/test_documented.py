"""The scan that docs/how-to/vulnerabilities.md shows: its policy, its lines and its JSON are of one scan.

Judge: what the page says that a scan prints.
"""

import json
import re
from datetime import date
from pathlib import Path

from pipeline.clock import Clock
from pipeline.config.config import parse
from pipeline.report import text
from pipeline.scan import policy, telling
from pipeline.scan.answers import Vulnerability, VulnerabilityRecord
from pipeline.scan.telling import Scan

PAGE = (Path(__file__).resolve().parents[4] / "docs/how-to/vulnerabilities.md").read_text()
TODAY = date(2026, 11, 28)
SECONDS = re.compile(r"\d+\.\d s")


def shown(language: str, begin: str) -> str:
    return re.search(rf"^```{language}\n({begin}.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]


def known(package, version, number, severity="", score="", *, fixed=(), summary="", advisory=""):
    cve, passed_on = f"CVE-{number}", f"DEBIAN-CVE-{number}"
    records = [VulnerabilityRecord(advisory, upstream=(cve,))] if advisory else []
    records.append(VulnerabilityRecord(passed_on, aliases=(cve,)))
    return Vulnerability(package, version, "Debian:13", tuple(records), severity, score, fixed, summary)


OPENSSL = known(
    *("openssl", "3.5.1-1", "2026-1234", "high", "7.5"),
    fixed=("3.5.1-1+deb13u1",),
    summary="an overflow in the parser of names",
    advisory="DSA-6001-1",
)
BELOW = ["medium"] * 6 + ["low"] * 31 + ["negligible"] * 12
KNOWN = [
    OPENSSL,
    known("zlib", "1:1.3.1-2", "2026-4321", "critical", "9.8"),
    known("shadow", "1:4.17.4-2", "2026-1111", "high", "7.8"),
    known("bash", "5.2.37-2", "2026-5001"),
    known("bash", "5.2.37-2", "2026-5002"),
    *(known("perl", "5.40.1-6", f"2025-{number}", severity) for number, severity in enumerate(BELOW)),
]
INSTALLED = {"openssl": ("libssl3t64", "openssl"), "shadow": ("login.defs", "passwd")}


def scanned():
    config = parse(shown("yaml", "scan:"))
    installed = [(one, INSTALLED.get(one.package, (one.package,))) for one in KNOWN]
    rulings = [policy.rule(one, packages, config.scan, TODAY) for one, packages in installed]
    in_order = tuple(sorted(rulings, key=telling.order))
    return config, [Scan("ghcr.io/acme/base", database="api.osv.dev", looked_up=78, rulings=in_order)]


def test_the_lines_are_what_it_prints():
    config, scans = scanned()
    printed = text.render(telling.report(config, config.scan, scans, Clock()))
    untimed = [SECONDS.sub("0.0 s", lines).replace("  0.0 s", " 0.0 s") for lines in (printed, shown("text", "FAILED"))]
    assert untimed[0].strip() == untimed[1].strip()


def test_the_json_is_what_it_writes():
    config, scans = scanned()
    written, page = telling.document(config.scan, scans), json.loads(shown("json", "{"))
    told = [one for one in written["images"][0]["vulnerabilities"] if one["package"] == OPENSSL.package]
    written["images"][0]["vulnerabilities"] = told
    assert page == written
