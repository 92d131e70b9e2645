"""The real linters on files with known mistakes."""

import pytest

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


def test_a_threshold_turns_failures_into_notes(call, write):
    source = write({"Dockerfile": "FROM debian\n", "examples/a/Dockerfile": "FROM example.test/base:1\n"})
    done = call(source, "lint", "--threshold", "error")
    assert (done.code, "· Dockerfile:1:1: DL3006" in done.stdout) == (0, True)
    unknown = call(source, "lint", "--threshold", "loud")
    assert (unknown.code, "unknown threshold 'loud'" in unknown.stderr) == (2, True)
