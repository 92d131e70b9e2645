"""What every example must have, read from the tree: a new folder under examples/ is checked without being listed."""

import json
import re
from pathlib import Path

import pytest
import yaml

from baselard import dockerfile
from baselard.dockerfile.syntax import instructions as ins

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/Dockerfile"))
BASE = "ghcr.io/baselard/base:latest"
# Shows the basic test, which stands in where there is no gossfile.
WITHOUT_GOSS = {"shell-tool"}

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)


def parsed(text):
    return dockerfile.parse(text)


def of_kind(stage, kind):
    return [one for one in stage.instructions if isinstance(one, kind)]


# --- rules: each gives the problems it finds --------------------------------------------------------------------------


def foreign_froms(text):
    """FROMs of anything but the base, an earlier stage, or nothing."""
    allowed = {BASE, "scratch"}
    return [
        one.reference for one in dockerfile.base_references(text) if not one.is_stage and one.reference not in allowed
    ]


def root_at_last(text):
    """The last USER of the last stage when it is root; none at all means the base's own user."""
    users = of_kind(parsed(text).stages[-1], ins.User)
    return [one.name for one in users[-1:] if one.name.partition(":")[0] in {"0", "root"}]


def served_unwatched(text):
    """Ports that a stage exposes without a healthcheck."""
    last = parsed(text).stages[-1]
    ports = [port for one in of_kind(last, ins.Expose) for port in one.ports]
    return [] if of_kind(last, ins.Healthcheck) else ports


def without_assertion(text):
    """Checks of a gossfile that would pass whatever happens."""
    asserting = {
        "addr": {"reachable"},
        "command": {"exit-status"},
        "file": {"exists"},
        "http": {"status"},
        "port": {"listening"},
        "process": {"running"},
        "user": {"exists"},
    }
    return [
        f"{kind} {name}"
        for kind, checks in yaml.safe_load(text).items()
        for name, check in checks.items()
        if not asserting[kind] <= check.keys() or any(value in ([], {}) for value in check.values())
    ]


def hosts_in_npm_lock(text):
    """Packages for which a lock file says where to fetch them: that host need not exist elsewhere."""
    return [name for name, package in json.loads(text)["packages"].items() if "resolved" in package]


def loose_requirements(text):
    """Lines of a requirements file that are not pinned with hashes, and any address."""
    entries = re.sub(r"\\\n", "", re.sub(r"(?m)^\s*#.*\n", "", text)).strip().splitlines()
    loose = [line for line in entries if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", line)]
    return loose + re.findall(r"https?://\S+", text)


# --- the examples -----------------------------------------------------------------------------------------------------


def test_there_are_examples_with_and_without_gossfile():
    assert len(EXAMPLES) >= 7
    assert {path.name for path in EXAMPLES if not (path / "goss.yaml").exists()} == WITHOUT_GOSS


@every_example
def test_it_can_be_understood_and_its_context_is_lean(example):
    readme = (example / "README.md").read_text()
    assert readme.startswith("# ")
    assert "docker build --tag" in readme
    ignored = (example / ".dockerignore").read_text().splitlines()
    assert "Dockerfile" in ignored or "*" in ignored


@every_example
def test_it_starts_from_the_base_and_ends_without_root(example):
    text = (example / "Dockerfile").read_text()
    assert BASE in {one.reference for one in dockerfile.base_references(text)}
    assert foreign_froms(text) == []
    assert root_at_last(text) == []


@every_example
def test_what_serves_is_watched_and_waited_for(example):
    text = (example / "Dockerfile").read_text()
    assert served_unwatched(text) == []
    serves = bool(of_kind(parsed(text).stages[-1], ins.Expose))
    assert (example / "goss_wait.yaml").exists() == serves


@every_example
def test_every_check_asserts_something(example):
    for path in example.glob("goss*.yaml"):
        assert without_assertion(path.read_text()) == [], path.name


@every_example
def test_lock_files_name_no_host(example):
    for path in example.glob("package-lock.json"):
        assert hosts_in_npm_lock(path.read_text()) == []
    for path in example.glob("requirements*.lock"):
        assert loose_requirements(path.read_text()) == []


@every_example
def test_it_brings_tests_of_its_own_that_its_build_runs(example):
    runs = " ".join(
        word
        for stage in parsed((example / "Dockerfile").read_text()).stages
        for run in of_kind(stage, ins.Run)
        for word in run.command.words
    )
    assert re.search(r"unittest|npm test|go test|rails .*test|test\.sh", runs)


# --- each rule sees what it is there for ------------------------------------------------------------------------------


def test_rules_see_a_foreign_from():
    assert foreign_froms(f"FROM {BASE} AS a\nFROM a AS b\nFROM scratch\nCOPY --from=b / /\n") == []
    assert foreign_froms("FROM debian:trixie\n") == ["debian:trixie"]


@pytest.mark.parametrize("user", ["root", "0", "0:0"])
def test_rules_see_root(user):
    assert root_at_last(f"FROM {BASE}\nUSER {user}\n") == [user]
    assert root_at_last(f"FROM {BASE}\nUSER {user}\nUSER 1000\n") == []


def test_rules_see_a_port_without_healthcheck():
    assert served_unwatched(f"FROM {BASE}\nEXPOSE 80\n") == ["80"]
    assert served_unwatched(f"FROM {BASE}\nEXPOSE 80\nHEALTHCHECK CMD true\n") == []


def test_rules_see_a_check_that_cannot_fail():
    assert without_assertion("command: {a: {stdout: [x]}}") == ["command a"]
    assert without_assertion("http: {b: {status: 200, body: []}}") == ["http b"]


def test_rules_see_hosts_and_loose_versions_in_locks():
    assert hosts_in_npm_lock('{"packages": {"a": {"resolved": "https://host/a"}, "b": {}}}') == ["a"]
    pinned = "click==8.1.0 \\\n    --hash=sha256:00\n    # via x\n"
    assert loose_requirements(pinned) == []
    assert loose_requirements("click>=8\n") == ["click>=8"]
    assert loose_requirements(f"{pinned}--index-url https://host/simple\n") != []
