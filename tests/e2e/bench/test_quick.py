"""Every scenario once, on a small base: that each still runs, with all peers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import dockerd, growth, job, micro, ways

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


def test_every_scenario_runs(tmp_path: Path, peers: Path) -> None:
    argv = [sys.executable, "-I", "-m", "baselard.cli", "bench", "--quick", "--output", str(tmp_path / "r.json")]
    env = {**os.environ, "BASELARD_ORACLE": str(peers), "TMPDIR": str(tmp_path)}
    done = subprocess.run(argv, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["skipped"] == {}
    assert done.returncode == 0, done.stderr[-3000:]
    every = [one.name for one in (*micro.SCENARIOS, *ways.SCENARIOS, *growth.SCENARIOS, *job.SCENARIOS)]
    assert [one["name"] for one in found["measured"]] == every
