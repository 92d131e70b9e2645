"""Testers on real images: what each is to find, broken once, in one call. Judges: the shell and bats."""

import json
import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]

BASE = 'FROM debian:trixie-slim\nRUN useradd --create-home agent\nUSER agent\nWORKDIR /home/agent\nCMD ["bash"]\n'
LATE = "was ended, not done in time; `timeout` of this test in baselard.yaml allows more"
STAGES = """\
FROM example.test/base AS app
RUN touch built
FROM app AS unit
RUN test -e built

FROM app AS style
RUN echo tabs >&2; exit 3
FROM app
"""
BATS = """\
@test "there is a shell" {
  [ -x /bin/sh ]
}

@test "the answer is right" {
  [ "$(cat /answer)" = 42 ]
}

@test "what is not for here" {
  skip "no network"
}
"""
SCRIPT = """\
#!/bin/bash
set -eu
[ "$(id -un) $PWD" = 'agent /home/agent' ]
cat "$(dirname "$0")/data"
"""
SERVES = """\
FROM example.test/base
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
RUN mkdir /www && echo here >/www/index.html
EXPOSE 8000
CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
"""
PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/testers.md").read_text()
SHOWN = dict(re.findall(r'```\w+ title="(.*?)"\n(.*?)```', PAGE, re.DOTALL))
FILES = {
    "Dockerfile": BASE,
    **{f"examples/shown/{name}": text for name, text in SHOWN.items()},
    "examples/script/Dockerfile": "FROM example.test/base\n",
    "examples/script/test.sh": SCRIPT,
    "examples/script/data": "beside\n",
    "examples/fails/Dockerfile": "FROM example.test/base\n",
    "examples/fails/test.sh": "echo checking\necho the cause >&2\nexit 3\n",
    "examples/hangs/Dockerfile": "FROM example.test/base\n",
    "examples/hangs/slow.sh": "echo about to wait\nsleep 1000 & wait\n",
    "examples/lacks/Dockerfile": "FROM example.test/base\n",
    "examples/lacks/test.sh": "#!/opt/python\n",
    "examples/bats/Dockerfile": "FROM example.test/base\nUSER root\nRUN echo 41 >/answer\nUSER agent\n",
    "examples/bats/tests/a.bats": BATS,
    "examples/stages/Dockerfile": STAGES,
    "examples/tap/Dockerfile": "FROM example.test/base\n",
    "examples/tap/test.sh": "echo 1..3\necho ok 1 - first\n",
    "examples/serves/Dockerfile": SERVES,
    "examples/serves/goss.yaml": "addr: {tcp://localhost:8000: {reachable: true}}\n",
    "examples/ends/Dockerfile": """FROM example.test/base
CMD ["sh", "-c", "sleep 1; echo giving up; kill -TERM -1; exit 7"]
""",
    "baselard.yaml": """\
bases: [{name: example.test/base}]
examples:
  settings:
    script: {tests: [script]}
    fails: {tests: [script]}
    lacks: {tests: [script]}
    bats: {tests: [script]}
    tap: {tests: [script]}
    hangs: {tests: [{script: slow.sh, timeout: 2}]}
    stages: {tests: [{stage: [unit, style]}]}
    shown: {tests: [goss, container-structure-test, script, pytest, {stage: unit-tests}, basic]}
    ends: {run: service, tests: [{run: [id, sleep 100]}]}
    serves:
      tests:
        - goss
        - run: ["busybox wget -qO- http://localhost:8000/ | grep here", "test -e /nowhere"]
""",
}
FAILURES = {
    "shown": [],
    "script": [],
    "fails": ["examples/fails/test.sh: test.sh: exit code 3: the cause"],
    "hangs": [f"examples/hangs/slow.sh: slow.sh: {LATE}: about to wait"],
    "lacks": ["examples/lacks/test.sh: test.sh: cannot run: it needs /opt/python, which this image does not have"],
    "bats": ['examples/bats/tests/a.bats:6: the answer is right: `[ "$(cat /answer)" = 42 ]\' failed'],
    "tap": ["examples/tap/test.sh: test.sh plan: its plan is 3 tests and 1 ran"],
    "stages": ["examples/stages/Dockerfile:7: stage style: exit code 3: RUN echo tabs >&2; exit 3"],
    # An init that ends takes everything but the first process with it, and is told of all the same.
    "ends": [
        "baselard.yaml:12: sleep 100: exit code 143",
        "process: the image's own command ended with exit code 7 during the tests",
    ],
    "serves": ["baselard.yaml:16: test -e /nowhere: exit code 1"],
}


@pytest.fixture(scope="module")
def tested(reported_once):
    """The suites by name, and the SARIF of one call."""
    report = reported_once(FILES)
    suites = json.loads((report / "outputs.json").read_text())["suites"]
    return {suite["name"]: suite for suite in suites}, (report / "annotations").read_text()


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_wrong_is_told_and_nothing_else(tested, name):
    assert tested[0][name]["failures"] == FAILURES[name]


def test_the_page_shows_each_tester_by_its_smallest_example(tested):
    """Which pass here: a script, bats, a file of pytest, a stage, two of goss, two structure tests, the basic test."""
    files = {"goss.yaml", "structure-test.yaml", "test.sh", "tests/shell.bats", "test_image.py", "Dockerfile"}
    assert set(SHOWN) == files
    assert tested[0]["shown"]["cases"] > 4 + 2 + 2


def test_each_failure_has_its_place(tested):
    assert "file=examples/bats/tests/a.bats,line=6" in tested[1]
    assert "file=examples/fails/test.sh" in tested[1]
    assert "file=baselard.yaml,line=16" in tested[1]
    assert "file=examples/stages/Dockerfile,line=7" in tested[1]


def test_every_case_is_counted(tested):
    assert {name: tested[0][name]["cases"] for name in FAILURES if name != "shown"} == {
        **dict.fromkeys(("script", "fails", "hangs", "lacks"), 1),
        **{"bats": 3, "tap": 2, "serves": 3, "stages": 2, "ends": 3},
    }
