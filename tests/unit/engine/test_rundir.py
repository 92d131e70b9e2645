"""Directories of engine processes, and those of processes that died."""

import os
import subprocess
import sys

import pytest

from engine.containers import rundir
from engine.errors import HostError

HOLD = """
import sys; from pathlib import Path; from engine.containers import rundir
d = rundir.open_run_dir(Path(sys.argv[1])); (d.path / "note").write_text("mine")
print(d.name, flush=True); sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds a run directory."""
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        child.name = child.stdout.readline().strip()
        yield child
        child.kill()


def test_a_closed_directory_is_gone(tmp_path):
    run_dir = rundir.open_run_dir(tmp_path)
    assert run_dir.path.is_dir()
    run_dir.close()
    assert os.listdir(tmp_path) == ["all"]


def test_only_a_dead_process_leaves_its_directory(tmp_path, other):
    own = rundir.open_run_dir(tmp_path)
    assert list(rundir.abandoned(tmp_path)) == []
    other.kill()
    other.wait()
    (left,) = rundir.abandoned(tmp_path)
    assert (left.name, (left.path / "note").read_text()) == (other.name, "mine")
    left.close()
    own.close()
    assert list(rundir.abandoned(tmp_path)) == []


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="BASELARD_RUN"):
        rundir.open_run_dir(tmp_path / "file")
