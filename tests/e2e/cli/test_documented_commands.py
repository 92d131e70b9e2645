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
    assert done.returncode == 0, done.stderr
    assert done.stdout
