"""Reports to look at: two broken of eight, all green, long names, hostile texts."""

from dataclasses import replace
from datetime import UTC, datetime

from pipeline.model import Attempt, Case, Location, Phase, Quarantine, Report, Suite, Verdict
from pipeline.past import EarlierVerdict, Past

# Each of these does something where it is not shown as text: in HTML, in an attribute, in a terminal, in a line.
HOSTILE = (
    "</title></pre><script>document.title='pwned'</script><img src='http://127.0.0.1:9/x' onerror='alert(1)'>"
    '" onclick="alert(2)" <!-- &lt;b&gt; ]]> \x1b]0;pwned\x07\x1b[2J\x1b[31m \x00\x7f\x9b \u202egnp.exe\u2066 \ud800 '
    "javascript:alert(3)"
)
LOG = "\n".join(f"INFO request {number}" for number in range(200)) + "\nError: listen EADDRINUSE :::3000\n"


def passed(count: int) -> tuple[Case, ...]:
    return tuple(Case(f"File /usr/bin/tool-{number} exists", Verdict.PASSED, 0.01) for number in range(count))


def spans(*seconds: float) -> tuple[Phase, ...]:
    """Waiting, build, test and further attempts, one after the other."""
    names = ("base", "build", "test", "test, attempt 2")
    ends = [sum(seconds[: number + 1]) for number in range(len(seconds))]
    return tuple(Phase(name, end - took, end) for name, took, end in zip(names, seconds, ends, strict=False))


def lint() -> tuple[Suite, ...]:
    """27 files, of which one has a note."""
    remark = Case(
        "DL3015",
        Verdict.NOTED,
        message="info: avoid what is not needed",
        place=Location("examples/a/Dockerfile", 7, 1),
        link="https://github.com/hadolint/hadolint/wiki/DL3015",
    )
    clean = [Suite(f"files/{number}", (Case("clean", Verdict.PASSED),), group="lint") for number in range(26)]
    noted = Suite("examples/a/Dockerfile", (remark,), (Phase("lint", 0.2, 3.4),), group="lint")
    return (noted, *clean)


def broken() -> Report:
    port = Case(
        "Port tcp:3000 listening",
        Verdict.FAILED,
        message="expected true, got false",
        place=Location("web/goss.yaml", 4),
    )
    build = Case(
        "build",
        Verdict.ERROR,
        message="exit code 5: bundle install",
        detail="Fetching\nCould not find gem 'puma'",
        place=Location("rails/Dockerfile", 12),
    )
    first = Attempt((Case("HTTP status", Verdict.FAILED, message="refused"),), 5.0, "migrating the database\n")
    flaky = Case("HTTP status", Verdict.FLAKY, message="passed at attempt 2; failed at attempt 1: refused")
    mirror = Case("curl", Verdict.FAILED, message="expected 0, got 6")
    excuse = Quarantine("mirror is down", "https://example.org/7", "2999-12-31")
    suites = (
        *lint(),
        Suite("python-cli", passed(11), spans(40, 6, 1), log="ok\n"),
        Suite("nodejs-backend", (port, *passed(14)), spans(40, 19, 10), log=LOG),
        Suite("rails-fullstack", (build,), spans(40, 12)),
        Suite("go-microservices", (*passed(19), flaky), spans(40, 9, 5, 3), log="listening\n", earlier=(first,)),
        Suite("multistage", (mirror,), spans(40, 1, 1), quarantine=excuse),
        Suite("old", (Case("tests", Verdict.SKIPPED, message="unchanged since main"),)),
        Suite(
            "dev by archive",
            passed(1),
            (Phase("take by archive", 0, 3),),
            properties={"bytes": 12, "share": "archive"},
        ),
    )
    layers = [{"created_by": "RUN apt-get install", "unpacked": 6e8, "compressed": 2e8, "hidden": 9e7}]
    sizes = {
        "name": "standard",
        "unpacked": 8e8,
        "compressed": 3e8,
        "published": None,
        "note": "none yet",
        "layers": layers,
    }
    images = {"standard": {"tags": ["ghcr.io/acme/base:latest"], "digest": f"sha256:{'a' * 64}"}}
    outputs = {"sizes": [sizes], "images": images}
    return Report("lint, test-examples", suites, "2026-11-28T07:40:12+00:00", 71.0, outputs)


def green() -> Report:
    suites = (*lint(), *(Suite(f"example-{number}", passed(9), spans(4, 3, 1)) for number in range(6)))
    return Report("lint, test-examples", suites, "2026-11-28T07:40:12+00:00", 8.0)


def long_names() -> Report:
    """Names of 80 characters, without a place to break them at."""
    report = broken()
    return replace(report, suites=tuple(replace(one, name=one.name.ljust(80, "x")) for one in report.suites))


def hostile() -> Report:
    """Every text that somebody else may have written."""
    bad = Case(HOSTILE, Verdict.FAILED, 0, HOSTILE, HOSTILE, Location(HOSTILE, 1), HOSTILE, f"javascript:{HOSTILE}")
    flaky = replace(bad, verdict=Verdict.FLAKY)
    fine = Case(HOSTILE, Verdict.PASSED, message=HOSTILE)
    attempt = Attempt((bad,), 1.0, HOSTILE)
    excuse = Quarantine(HOSTILE, f"javascript:{HOSTILE}", HOSTILE, expired=True)
    facts = {HOSTILE: HOSTILE, "more": [HOSTILE]}
    suite = Suite(HOSTILE, (bad, flaky, fine), (Phase(HOSTILE, 0, 1),), HOSTILE, excuse, facts, (attempt,))
    layers = [{"created_by": HOSTILE, "unpacked": 1, "compressed": 1}]
    size = {"name": HOSTILE, "unpacked": 1, "compressed": 1, "published": None, "note": HOSTILE, "layers": layers}
    outputs = {"sizes": [size], "images": {HOSTILE: {"tags": [HOSTILE], "digest": HOSTILE}}}
    return Report(HOSTILE, (suite, Suite("fine", (fine,), log=HOSTILE)), HOSTILE, 1.0, outputs)


def many(count: int = 500) -> Report:
    suites = tuple(Suite(f"example-{number:03}", passed(20), spans(4, 3, 1), log=LOG) for number in range(count))
    return Report("test-examples", suites, "2026-11-28T07:40:12+00:00", 130.0)


def trends() -> Report:
    """One example that was steady, one that passed and failed at the same commit, one with hostile verdicts."""
    names = ("example-0", "example-1", HOSTILE)
    suites = tuple(Suite(name, passed(9), spans(4, 3, 1)) for name in names)
    return Report("test-examples", suites, "2026-11-28T07:40:12+00:00", 8.0)


def earlier() -> Past:
    """What ten runs before found of these."""
    moment = datetime(2026, 11, 27, 7, 40, tzinfo=UTC)
    clean = [EarlierVerdict("passed", number, moment, 1.5, "ab" * 20, True) for number in range(1, 11)]
    turning = [replace(one, verdict="failed") if one.number % 3 == 0 else one for one in clean]
    hostile_ones = [replace(one, verdict=HOSTILE, commit=HOSTILE) for one in clean[:2]]
    return {"example-0": clean, "example-1": turning, HOSTILE: hostile_ones}


ALL = {"broken": broken, "green": green, "long names": long_names, "hostile": hostile, "many": many, "trends": trends}
PAST = {"trends": earlier}
