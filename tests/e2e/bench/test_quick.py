"""Every scenario once, on a small base: that each still runs, with all peers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import dockerd, growth, job, micro, resident, rootless, ways
from tests import alone

pytestmark = [pytest.mark.root, pytest.mark.network]

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[Path]:
    """Where the peers are installed, unless the machine has a place for them."""
    root = Path(os.environ.get("BASELARD_ORACLE") or tmp_path / "peers")
    yield root
    dockerd.stop(root)
    if root == tmp_path / "peers":
        shutil.rmtree(root, ignore_errors=True)


FEW = ("help", "function", "exec", "chain", "export-gzip", "import")
"""Scenarios without docker: seconds each."""


def test_a_few_scenarios_run(tmp_path: Path) -> None:
    assert _measured(tmp_path, *FEW) == list(FEW)


def test_help_is_help() -> None:
    argv = [sys.executable, "-I", "-m", "baselard.cli", "bench", "--help"]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: baselard bench")


@alone.DAEMONS
@pytest.mark.full
def test_every_scenario_runs(tmp_path: Path, peers: Path) -> None:
    files = (micro, ways, growth, resident, rootless, job)
    every = [one.name for file in files for one in file.SCENARIOS]
    assert _measured(tmp_path, BASELARD_ORACLE=str(peers)) == every


def _measured(directory: Path, *names: str, **env: str) -> list[str]:
    """The scenarios that a quick run says it has measured; none may be skipped."""
    output = directory / "r.json"
    argv = [sys.executable, "-I", "-m", "baselard.cli", "bench", "--quick", "--output", str(output), *names]
    env = {**os.environ, **env}  # it works in the temporary directory, which other users may enter
    done = subprocess.run(argv, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(output.read_text())
    assert found["skipped"] == {}
    return [one["name"] for one in found["measured"]]
