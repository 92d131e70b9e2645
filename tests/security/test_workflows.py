"""What our workflows and action run of others is named by a commit, which nobody can move."""

import re
from pathlib import Path

import pytest
import yaml

from baselard.cli import init

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in (*WORKFLOWS, ROOT / "action.yml")}
TEXTS |= {name: (ROOT / name).read_text() for name in ("README.md", "docs/how-to/ci.md")}
USES = re.compile(r"^\s*(?:- )?uses:\s*(\S+)", re.MULTILINE)
OURS = ("./", "baselard/baselard@", "baselard/baselard/")
MOVED = "a tag of an action was moved to a commit that printed the secrets of whoever ran it"


def _moving(text: str) -> list[str]:
    """What is used of others by a name that may be moved."""
    return [name for name in USES.findall(text) if not name.startswith(OURS) and not re.search(r"@[0-9a-f]{40}$", name)]


@pytest.mark.advisory("CVE-2025-30066", MOVED)
@pytest.mark.parametrize("name", TEXTS)
def test_others_actions_are_named_by_a_commit(name: str) -> None:
    assert _moving(TEXTS[name]) == []


@pytest.mark.advisory("CVE-2025-30066", MOVED)
def test_the_workflow_that_is_written_names_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    init.run(github=True)
    text = (tmp_path / init.WORKFLOW).read_text()
    assert "uses:" in text
    assert _moving(text) == []


@pytest.mark.advisory("CVE-2025-30066", MOVED)
def test_a_moving_name_would_be_found() -> None:
    assert _moving("      - uses: tj-actions/changed-files@v45\n    uses: a/b/.github/workflows/c.yml@main\n") == [
        "tj-actions/changed-files@v45",
        "a/b/.github/workflows/c.yml@main",
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_no_more_than_it_says(path: Path) -> None:
    """A stranger's pull request never runs with this repository's secrets, and checkouts leave no token behind."""
    workflow = yaml.safe_load(path.read_text())
    triggers = workflow[True]  # YAML 1.1 reads «on» as a truth
    assert "pull_request_target" not in triggers
    assert "permissions" in workflow or all("permissions" in job for job in workflow["jobs"].values())
    for job in workflow["jobs"].values():
        for step in job.get("steps", ()):
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
