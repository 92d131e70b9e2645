"""The release workflow and what GitHub reads besides. Judges: the project's own files, with which these must agree."""

import fnmatch
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
RELEASE = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
STEPS = RELEASE["jobs"]["build"]["steps"]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize(("tag", "code"), [(f"v{VERSION}", 0), ("v9.9.9", 1), (VERSION, 1)])
def test_a_tag_that_is_not_the_version_releases_nothing(tag: str, code: int) -> None:
    (check,) = (step["run"] for step in STEPS if step.get("name") == "The tag is the version")
    done = subprocess.run(
        ["sh", "-c", check], cwd=ROOT, env={"GITHUB_REF_NAME": tag, "PATH": "/usr/bin:/bin"}, check=False
    )
    assert done.returncode == code


def test_what_is_built_is_tested_before_and_attested() -> None:
    order = [step.get("name") or step["uses"].partition("@")[0] for step in STEPS]
    tested, built = order.index("What is installed works in bare systems"), order.index("Wheel and sdist")
    assert tested < built < order.index("actions/attest-build-provenance") < order.index("actions/upload-artifact")
    assert (ROOT / STEPS[tested]["run"].split()[-1]).is_dir()
    assert RELEASE["jobs"]["release"]["needs"] == "build"


def test_only_the_job_that_releases_may_write() -> None:
    writing = [name for name, job in RELEASE["jobs"].items() if job["permissions"].get("contents") == "write"]
    assert writing == ["release"]
    assert not [step for step in RELEASE["jobs"]["release"]["steps"] if "checkout" in step.get("uses", "")]


def test_dependabot_looks_where_the_locks_are() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    places = {one["package-ecosystem"]: one["directory"] for one in updates}
    assert places == {"github-actions": "/", "pip": "/locks"}
    assert list((ROOT / "locks").glob("*.txt"))


def test_owners_are_named_for_what_there_is() -> None:
    text = (ROOT / ".github/CODEOWNERS").read_text()
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for line in filter(lambda line: not line.startswith("#"), text.splitlines()):
        pattern, owner = line.split()
        assert re.fullmatch(r"@[\w-]+/[\w-]+", owner)
        assert fnmatch.filter(files, pattern.lstrip("/") + ("*" if pattern.endswith("/") else "")), pattern


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_has_what_github_wants(path: Path) -> None:
    """https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema"""
    form = yaml.safe_load(path.read_text())
    assert form["name"] and form["description"]
    inputs = [part for part in form["body"] if part["type"] != "markdown"]
    ids = [part["id"] for part in inputs]
    assert ids and len(set(ids)) == len(ids) and all(part["attributes"]["label"] for part in inputs)
