"""pytest with testinfra on real images, and bases with tests of their own; what each is to find, broken once.

Judges: Debian's pytest and testinfra. No image but one has a Python, one has no libc and no shell at all.
"""

import json

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]

BASE = """\
FROM debian:trixie-slim AS slim
RUN useradd --create-home agent
USER agent
WORKDIR /home/agent
ENV GREETING="good day"
FROM slim AS full
RUN touch full
FROM slim AS unit
RUN false
FROM full
"""
GOOD = """\
import os

import pytest


def test_who_and_where(host):
    assert host.user().name == "agent"
    assert host.check_output("pwd") == "/home/agent"


def test_nothing_of_the_mounted_python_is_seen(host):
    given = host.check_output("env")
    assert "GREETING=good day" in given.splitlines()
    assert not [name for name in ("LC_CTYPE", "PYTHON", "LD_") if name in given]
    assert not host.exists("python3")


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/group"])
def test_files(host, path, tmp_path):
    assert host.file(path).is_file
    assert not os.path.exists("/usr/bin/python3")
    (tmp_path / "a").write_text("written")


def test_by_a_fixture_beside(answer):
    assert answer == "42"


@pytest.mark.xfail(reason="one day")
def test_later():
    assert False
"""
CONFTEST = "import pytest\n\n\n@pytest.fixture\ndef answer(host):\n    return host.check_output('echo 42')\n"
BAD = """\
def check(host, name):
    assert host.package(name).is_installed


def test_package(host):
    check(host, "bash")
    check(host, "nothing-of-the-sort")
"""
BARE = """\
FROM debian:trixie-slim AS made
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
FROM scratch
COPY --from=made /usr/bin/busybox /busybox
COPY --from=example.test/base /etc/debian_version /version
"""
IN_BARE = """\
def test_it_is_bare(host):
    assert host.file("/version").contains("13")
    assert not host.file("/bin/sh").exists
    assert host.run("/busybox true").rc == 0
    assert host.run("/busybox false").rc == 1
"""
SERVES = """\
FROM example.test/base
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
RUN mkdir /www && echo here >/www/index.html
EXPOSE 8000
CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
"""
ASKS = """\
from urllib.request import urlopen


def test_it_answers():
    assert urlopen("http://localhost:8000/").read() == b"here\\n"
"""
ON_BASE = "FROM example.test/base\n"
FILES = {
    "Dockerfile": BASE,
    "test_image.py": 'def test_full(host):\n    assert host.file("full").exists\n',
    "tests/full.bats": '@test "it is full" {\n  [ -e full ]\n}\n',
    "examples/good/Dockerfile": ON_BASE,
    "examples/good/tests/test_image.py": GOOD,
    "examples/good/tests/conftest.py": CONFTEST,
    "examples/bad/Dockerfile": ON_BASE,
    "examples/bad/test_image.py": BAD,
    "examples/hangs/Dockerfile": ON_BASE,
    "examples/hangs/slow.py": 'def test_slow(host):\n    host.run("sleep 1000")\n\n\ndef test_next(): ...\n',
    "examples/unread/Dockerfile": ON_BASE,
    "examples/unread/test_image.py": "import os\n\n\ndef test_x(:\n",
    "examples/none/Dockerfile": ON_BASE,
    "examples/none/test_image.py": "answer = 42\n",
    "examples/bare/Dockerfile": BARE,
    "examples/bare/test_image.py": IN_BARE,
    "examples/serves/Dockerfile": SERVES,
    "examples/serves/test_web.py": ASKS,
    "baselard.yaml": """\
bases:
- name: example.test/base
  targets: [slim, full]
  tests: [pytest, script, {run: "test -e full"}, {stage: unit}, basic]
examples:
  settings:
    "*": {tests: [pytest]}
    hangs: {tests: [{pytest: slow.py, timeout: 2}]}
""",
}
LATE = "not done in time; `timeout` of this test in baselard.yaml allows more"
FAILURES = {
    "good": [],
    "bad": ["examples/bad/test_image.py:2: test_package: AssertionError: assert False"],
    "hangs": [f"examples/hangs/slow.py:2: test_slow: {LATE}"],
    "unread": ["examples/unread/test_image.py:4: test_image.py: SyntaxError: invalid syntax"],
    "none": ["examples/none/test_image.py: pytest: collected no tests"],
    "bare": [],
    "serves": [],
    "example.test/base:slim": [
        "test_image.py:2: test_full: AssertionError: assert False",
        "baselard.yaml:4: test -e full: exit code 1",
        "Dockerfile:9: stage unit: exit code 1: RUN false",
    ],
    "example.test/base:full": ["Dockerfile:9: stage unit: exit code 1: RUN false"],
}


@pytest.fixture(scope="module")
def suites(reported_once):
    """The suites by name, of one call."""
    report = reported_once(FILES, "test-base,test-examples")
    return {suite["name"]: suite for suite in json.loads((report / "outputs.json").read_text())["suites"]}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_wrong_is_told_and_nothing_else(suites, name):
    assert suites[name]["failures"] == FAILURES[name]


def test_each_test_is_a_case(suites):
    """Of the base too: what is named for a target is not for the other one."""
    assert {name: suites[name]["cases"] for name in ("good", "bad", "hangs", "bare", "serves")} == {
        "good": 6,
        **dict.fromkeys(("bad", "hangs", "bare", "serves"), 1),
    }
    assert suites["example.test/base:full"]["cases"] - suites["example.test/base:slim"]["cases"] == 1
    assert suites["good"]["verdict"] == "noted"
