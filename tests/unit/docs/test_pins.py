"""One action is named at one commit, wherever a reader or a runner meets it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FILES = [
    *(ROOT / ".github/workflows").glob("*.yml"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / name for name in ("README.md", "action.yml", "src/baselard/cli/init.py")),
]


def test_an_action_is_named_at_one_commit() -> None:
    pinned = re.compile(r"uses: ([\w-]+/[\w/-]+)@([0-9a-f]{40} # \S+)")
    named: dict[str, set[str]] = {}
    for path in FILES:
        for action, commit in pinned.findall(path.read_text()):
            named.setdefault(action, set()).add(commit)
    assert {action: commits for action, commits in named.items() if len(commits) > 1} == {}
    assert "actions/checkout" in named
