"""The directory of an engine process below /run."""

import os

import pytest

from baselard.engine.errors import HostError
from baselard.engine.host import rundir


def test_a_closed_directory_is_gone(tmp_path):
    run_dir = rundir.open_run_dir(tmp_path)
    assert run_dir.path.is_dir()
    run_dir.close()
    assert os.listdir(tmp_path) == ["all"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="BASELARD_RUN"):
        rundir.open_run_dir(tmp_path / "file")
