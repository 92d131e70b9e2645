"""This repository's own base and examples, each broken once: exactly that one turns red, and says why."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.full]

ROOT = Path(__file__).resolve().parents[3]

# The example, the file to change (to remove, without a replacement), what to replace there by what, the reason told.
BREAKS = [
    ("nodejs-backend", "src/server.js", ("?? 3000", "?? 3999"), "never became ready"),
    ("rails-fullstack", "config/puma.rb", ("'PORT', 3000", "'PORT', 3999"), "never became ready"),
    ("react-frontend", "server.mjs", None, "server.mjs"),
    ("multistage-production", "passwd", None, "passwd"),
    ("go-microservices", "Dockerfile", ("EXPOSE", "RUN echo no such luck >&2; exit 7\nEXPOSE"), "exit code 7"),
    (
        "python-cli",
        "src/todos/cli.py",
        ("version_option(", "version_option(message='%(version)s', "),
        "Command todos --version stdout: output lacks",
    ),
    ("shell-tool", "Dockerfile", ("FROM ghcr.io/baselard/base:latest", "FROM alpine:3"), "starts FROM alpine:3 (line"),
]

CONFIGURATION = """\
bases: [{name: ghcr.io/baselard/base, targets: [standard, dev]}]
examples: {settings: {%s: {wait: 15}}}
"""


@pytest.fixture
def checkout(tmp_path):
    """What git knows of this repository."""
    listed = subprocess.check_output(["git", "-C", str(ROOT), "ls-files", "-z", "image", "examples", "baselard.yaml"])
    for name in filter(None, listed.decode().split("\0")):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / "tree" / name)
    return tmp_path / "tree"


def replace_in(path, old, new):
    text = path.read_text()
    assert old in text, f"{path} has changed: {old!r} is no longer there"
    path.write_text(text.replace(old, new))


def failing(call, checkout, *args):
    """The failures of every suite that failed."""
    report = checkout.parent / "report"
    done = call(checkout, "report", *args, "--output", str(report))
    assert done.code == 0, done.stderr[-3000:]
    suites = json.loads((report / "outputs.json").read_text())["suites"]
    code = int((report / "exit-code").read_text())
    return {suite["name"]: suite["failures"] for suite in suites if suite["failures"]}, code


@pytest.mark.parametrize("broken", BREAKS, ids=[one[0] for one in BREAKS])
def test_a_broken_example_alone_turns_red(call, checkout, broken):
    example, file, change, reason = broken
    path = checkout / "examples" / example / file
    path.unlink() if change is None else replace_in(path, *change)
    (checkout / "baselard.yaml").write_text(CONFIGURATION % example)
    red, code = failing(call, checkout, "--check", "test-examples")
    assert (list(red), code) == ([example], 1)
    assert reason in " ".join(red[example])


def test_every_example_has_its_break():
    assert {one[0] for one in BREAKS} == {path.parent.name for path in (ROOT / "examples").glob("*/Dockerfile")}


def test_a_base_that_lacks_something_fails_its_own_test_alone(call, checkout):
    with (checkout / "image/Dockerfile").open("a") as file:
        file.write("\nUSER 0\nRUN rm /usr/bin/jq\nUSER 1000\n")
    red, code = failing(call, checkout, "--check", "test-base")
    assert (list(red), code) == (["ghcr.io/baselard/base:dev"], 1)
    assert "jq" in " ".join(red["ghcr.io/baselard/base:dev"])


def test_the_package_managers_own_checks_are_those_of_the_real_ones(call, checkout):
    added = {
        "pip": (
            "USER 0\nRUN d=/usr/local/lib/python3.13/dist-packages/a-1.0.dist-info"
            " && mkdir $d && printf 'Name: a\\nVersion: 1.0\\nRequires-Dist: b-not-there\\n' >$d/METADATA\n",
            "pip check: a 1.0 requires b-not-there, which is not installed.",
        ),
        "npm": (
            """RUN echo '{"dependencies": {"b-not-there": "1"}}' >package.json\n""",
            "npm ls: npm ERR! missing: b-not-there@1, required by",
        ),
        "dpkg": (
            "USER 0\nRUN sed -i '0,/ok installed/s//ok half-configured/' /var/lib/dpkg/status\n",
            "dpkg --audit: ",
        ),
    }
    for name, (instructions, _) in added.items():
        recipe = checkout / "examples" / name / "Dockerfile"
        recipe.parent.mkdir()
        recipe.write_text(f"FROM ghcr.io/baselard/base\n{instructions}USER 1000\n")
    red, code = failing(call, checkout, "--check", "test-examples")
    assert (set(red), code) == (set(added), 1)
    for name, (_, reason) in added.items():
        (said,) = red[name]
        assert said.startswith(reason)


def test_a_base_that_does_not_build_is_the_reason_for_every_example(call, checkout):
    replace_in(
        checkout / "image/Dockerfile",
        "FROM debian:trixie-slim",
        "FROM debian:trixie-slim AS gone\nRUN exit 9\nFROM gone",
    )
    red, code = failing(call, checkout, "--check", "test-examples")
    assert code == 1
    assert "exit code 9" in " ".join(red.pop("ghcr.io/baselard/base:standard (build)"))
    assert all("its base ghcr.io/baselard/base:standard does not build" in " ".join(said) for said in red.values())
    assert len(red) == len(BREAKS)
