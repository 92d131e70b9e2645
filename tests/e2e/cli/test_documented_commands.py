"""The commands of docs/reference/command-line.md do what a reader expects: they work, here, as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = (CHECKOUT / "docs/reference/command-line.md").read_text()
NEEDS = {  # something that a new store or a machine without an account does not have, and says so
    "call cleanup --format json": "GitHub lists and deletes for a token alone: give --password",
    "history show 7 --json": "there is no run 7",
    "compare 6 7 --json": "there is no run 6",
}
ASKING = {"outdated --json"}
"""Those that exit 1 where a service cannot be asked, and say in their answer which."""
COMMANDS = re.findall(r"^\$ baselard (.+)$", PAGE, re.MULTILINE)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 6


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("documented")
    names = {"BASELARD_STORE": "store", "BASELARD_CACHE": "cache", "BASELARD_RUN": "run"}
    return {variable: str(root / name) for variable, name in names.items()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command(command: str, places: dict[str, str]) -> None:
    env = {**os.environ, **places}
    words = [sys.executable, "-m", "baselard.cli", *command.split()]
    done = subprocess.run(words, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False, timeout=120)
    if need := NEEDS.get(command):
        assert (done.returncode, need in done.stderr) == (2, True), done.stderr
        return
    assert done.returncode == 0 or (command in ASKING and '"problem": "' in done.stdout), done.stderr
    assert done.stdout


def test_every_need_is_of_the_page() -> None:
    assert set(NEEDS) | ASKING <= set(COMMANDS)
