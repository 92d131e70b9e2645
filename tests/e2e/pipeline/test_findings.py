"""The real linters on files with known mistakes."""

import re
from pathlib import Path

import pytest

from baselard.cli import init

pytestmark = [pytest.mark.root, pytest.mark.network]

WORKFLOW = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ github.event.pull_request.title }}
"""


def test_each_linter_finds_its_mistake_with_place_and_link(call, write):
    source = write(
        {
            "Dockerfile": "FROM debian\nRUN cd /tmp\n",
            ".hadolint.yaml": "ignored: [DL3003]\n",
            "examples/a/Dockerfile": "FROM example.test/base:1\n",
            "examples/a/goss.yaml": "file:\n  /x:\n    exits: true\n",
            "examples/b/Dockerfile": "FROM example.test/base:1\n",
            "examples/b/goss.yaml": "",
            ".github/workflows/a.yml": WORKFLOW,
        }
    )
    done = call(source, "lint")
    shown = done.stdout + done.stderr
    assert done.code == 1
    assert "✗ Dockerfile:1:1: DL3006: warning" in shown
    assert "https://github.com/hadolint/hadolint/wiki/DL3006" in shown
    assert ": DL3003" not in shown
    assert "✗ examples/a/goss.yaml:1: goss/render: error: invalid Attribute for File:/x: exits" in shown
    assert "✗ examples/b/goss.yaml:1: goss/empty" in shown
    assert '✗ .github/workflows/a.yml:6:23: actionlint/expression: error: "github.event.pull_request.title"' in shown
    assert "zizmor/template-injection: error" in shown
    assert "passed  examples/a/Dockerfile" in shown


def test_our_own_convention_passes_and_every_other_from_keeps_its_finding(call, write):
    """What README shows: an example starts FROM the base's own name and `latest`."""
    files = {
        "Dockerfile": "FROM debian:trixie-slim\n",
        "examples/a/Dockerfile": "FROM ghcr.io/acme/base:latest\nRUN true\n",
        "examples/a/goss.yaml": "file: {/x: {exists: {{ .Vars.there }}}}\n",
        "baselard.yaml": "examples: {settings: {a: {vars: {there: true}}}}\n",
        "examples/b/Dockerfile": "# b\nFROM \\\n  ghcr.io/acme/base AS b\n",
        "examples/c/Dockerfile": "# hadolint ignore=DL3006\nFROM debian AS c\nFROM ghcr.io/acme/base:latest\n",
    }
    done = call(write(files), "lint", "--threshold", "style")
    assert done.code == 0, done.stdout + done.stderr[-3000:]
    other = call(write({**files, "examples/d/Dockerfile": "FROM ghcr.io/acme/base:1\nFROM node:latest\n"}), "lint")
    assert (other.code, "✗ examples/d/Dockerfile:2:1: DL3007" in other.stdout + other.stderr) == (1, True)


def test_each_directory_may_have_rules_and_lines_their_own_excuses(call, write):
    """Judge: hadolint itself, which reads one file of rules, of the directory that it is called in."""
    files = {
        "Dockerfile": "FROM debian:trixie-slim\n",
        ".hadolint.yaml": "ignored: [DL3003]\n",
        "examples/a/Dockerfile": "FROM example.test/base:1\nRUN cd /tmp\nRUN sudo true\n",
        "examples/a/.hadolint.yaml": "ignored: [DL3004]\n",
        "examples/b/Dockerfile": "FROM example.test/base:1\nRUN cd /tmp\nRUN sudo true\n",
        "examples/c/Dockerfile": "FROM example.test/base:1\nRUN cd /tmp\n# hadolint ignore=DL3004\nRUN sudo true\n",
        "baselard.yaml": "bases: [{name: example.test/base}]\n",
    }
    done = call(write(files), "lint")
    found = [line for line in (done.stdout + done.stderr).splitlines() if "DL300" in line and "✗" in line]
    assert [line.split("✗ ")[1].split(": ")[:2] for line in found] == [
        ["examples/a/Dockerfile:2:1", "DL3003"],
        ["examples/b/Dockerfile:3:1", "DL3004"],
    ], done.stderr[-3000:]


def test_a_threshold_turns_failures_into_notes(call, write):
    source = write({"Dockerfile": "FROM debian\n", "examples/a/Dockerfile": "FROM example.test/base:1\n"})
    done = call(source, "lint", "--threshold", "error")
    assert (done.code, "· Dockerfile:1:1: DL3006" in done.stdout) == (0, True)
    unknown = call(source, "lint", "--threshold", "loud")
    assert (unknown.code, "unknown threshold 'loud'" in unknown.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM debian:trixie-slim\nRUN <<EOF\ntrue\nEOF\nRUN true\n", 5),
        ("FROM debian:trixie-slim AS a\nFROM localhost:5000/acme/base:1.0\n", 2),
    ],
)
def test_what_hadolint_cannot_read_is_told_as_its_limit(call, write, text, line):
    done = call(write({"Dockerfile": text}), "lint", "--threshold", "error")
    limit = "DL1000: style: not linted: hadolint 2.15 cannot read this file, which docker can: unexpected"
    said = done.stdout + done.stderr[-3000:]
    assert (done.code, f"· Dockerfile:{line}:" in done.stdout, limit in done.stdout) == (0, True, True), said


def test_nothing_is_found_in_our_own_workflows_nor_in_those_we_propose(call, write):
    """actionlint and zizmor, down to the mildest finding."""
    root = Path(__file__).resolve().parents[3]
    ours = {str(path.relative_to(root)): path.read_text() for path in (root / ".github/workflows").glob("*.yml")}
    snippets = re.findall(r"```yaml\n(.*?)```", (root / "docs/how-to/ci.md").read_text(), re.DOTALL)
    written = [text for text in snippets if "jobs:" in text]
    documented = {f".github/workflows/ci-md-{number}.yml": text for number, text in enumerate(written)}
    assert len(ours) > 3 and len(documented) == 2
    proposed = {**documented, init.WORKFLOW: init.workflow()}
    image = {"Dockerfile": "FROM debian:trixie-slim\n", "action.yml": (root / "action.yml").read_text()}
    done = call(write({**image, **ours, **proposed}), "lint", "--threshold", "style")
    assert done.code == 0, done.stdout + done.stderr[-3000:]
    clean = [line for line in done.stdout.splitlines() if re.match(r"passed .*\.yml +1/1 ", line)]
    assert len(clean) == len(ours) + len(proposed) + 1
