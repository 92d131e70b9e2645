"""The gate for known vulnerabilities, from the command line, on a stand-in database of made-up records.

Judge: the real osv-scanner, in an image of a stand-in registry. It is in no package of Debian; one is made by
`CGO_ENABLED=0 go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.6.0`.
"""

import json
import shutil
import subprocess

import pytest

from tests.osv_database import HIGH, record, write

SCANNER = shutil.which("osv-scanner")
pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.full,
    pytest.mark.skipif(not SCANNER, reason="osv-scanner is not installed: see the top of this file"),
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]

UPSTREAM = "CVE-2026-90001"
OPENSSL = record(f"DEBIAN-{UPSTREAM}", "Debian:13", "openssl", fixed="999:1-1", cvss=HIGH, upstream=[UPSTREAM])
ELSEWHERE = record("DEBIAN-CVE-2026-90002", "Debian:12", "bash", fixed="999:1-1", cvss=HIGH)


@pytest.fixture(scope="module")
def scanner(registry, calling_once, tmp_path_factory):
    """The scanner's image, made as its makers make it: the program alone, as the entrypoint."""
    source = tmp_path_factory.mktemp("scanner")
    shutil.copy(SCANNER, source / "osv-scanner")
    (source / "Dockerfile").write_text('FROM scratch\nCOPY osv-scanner /\nENTRYPOINT ["/osv-scanner"]\n')
    tag = ("--registry", f"{registry}/tools/osv-scanner", "--tag", "v2.6.0")
    done = calling_once(source, "push-base", *tag)
    assert done.code == 0, done.stderr[-3000:]
    return f"{registry}/tools/osv-scanner:v2.6.0"


@pytest.fixture
def repository(write, scanner):
    """A base with a package whose source has another name, and a policy with these lines more."""

    def made(*lines):
        settings = "".join(f"  {line}\n" for line in (f"image: {scanner}", *lines))
        return write(
            {
                "Dockerfile": "FROM debian:trixie-slim\n"
                "RUN apt-get update && apt-get install -y --no-install-recommends libssl3t64\n",
                "baselard.yaml": f"bases: [{{name: example.org/acme/base}}]\nscan:\n{settings}",
            }
        )

    return made


@pytest.fixture
def database(tmp_path):
    return str(write(tmp_path / "database", OPENSSL, ELSEWHERE))


def scanned(call, source, *args):
    done = call(source, "scan", *args)
    return done.code, done.stdout + done.stderr


def test_a_vulnerable_package_fails_until_it_is_ignored_and_again_when_that_is_over(call, repository, database):
    named = ("--database", database)
    code, told = scanned(call, repository(), *named)
    assert code == 1, told[-3000:]
    assert "DEBIAN-CVE-2026-90001: openssl 3." in told and "critical (9.8), fixed in 999:1-1" in told
    assert "90002" not in told  # of another release
    entry = "ignore: [{id: CVE-2026-90001, until: %s, reason: it is not reached}]"
    code, told = scanned(call, repository(entry % "2999-12-31"), *named)
    assert code == 0, told[-3000:]
    assert "fixed in 999:1-1; ignored until 2999-12-31: it is not reached" in told
    code, told = scanned(call, repository(entry % "2020-12-31"), *named)
    assert code == 1, told[-3000:]
    assert "baselard.yaml:4: DEBIAN-CVE-2026-90001: openssl 3." in told
    assert "ignored until 2020-12-31, which is over: it is not reached" in told


def test_a_database_that_lacks_the_distribution_is_no_pass(call, repository, tmp_path):
    other = str(write(tmp_path / "database", record("GHSA-1", "PyPI", "made-up")))
    code, told = scanned(call, repository(), "--database", other)
    assert code == 1, told[-3000:]
    assert "did not run: --database: osv-scanner: " in told and "no offline version of the OSV database" in told
    code, told = scanned(call, repository("required: false"), "--database", other)
    assert code == 0, told[-3000:]
    assert "did not run" in told and "1 skipped" in told and "passed" not in told


def test_without_the_public_database_nothing_passes(call, repository):
    """Where it can be reached, the real records of today's Debian decide; there the gate ran."""
    code, told = scanned(call, repository())
    if "did not run" in told:
        assert (code, "did not run: api.osv.dev: osv-scanner: " in told) == (1, True), told[-3000:]
    else:
        assert "packages looked up in api.osv.dev" in told, told[-3000:]


def test_nothing_is_published_that_fails_and_programs_are_told_why(call, repository, database, registry, tmp_path):
    source = repository("database: records", "severity: critical")
    shutil.copytree(database, source / "records")
    yaml = (source / "baselard.yaml").read_text().replace("example.org/acme/base", f"{registry}/acme/scanned")
    (source / "baselard.yaml").write_text(f"{yaml}lint: {{threshold: error}}\n")
    (source / "examples/a").mkdir(parents=True)
    (source / "examples/a/Dockerfile").write_text(f"FROM {registry}/acme/scanned\n")
    done = call(source, "publish", "--ref", "refs/heads/main", "--platforms", "linux/amd64")
    assert done.code == 1 and "DEBIAN-CVE-2026-90001" in done.stderr, done.stderr[-3000:]
    listing = ["skopeo", "list-tags", "--tls-verify=false", f"docker://{registry}/acme/scanned"]
    assert subprocess.run(listing, check=False, capture_output=True).returncode  # there is no such repository
    report = tmp_path / "report"
    assert call(source, "scan-report", "-o", str(report)).code == 0
    assert (report / "exit-code").read_text() == "1\n"
    (image,) = json.loads((report / "scan.json").read_text())["images"]
    (vulnerability,) = image["vulnerabilities"]
    assert (vulnerability["package"], vulnerability["ruling"]) == ("openssl", "fails")
    assert "libssl3t64" in vulnerability["installed"]  # beside what else is built from that source
