"""Directories of processes, and those of processes that died."""

import os
import subprocess
import sys

import pytest

from baselard.engine.store import locks

HOLD = """
import sys; from pathlib import Path; from baselard.engine.store import locks
owned = locks.own(Path(sys.argv[1])); (owned.path / "note").write_text("mine")
print(flush=True); sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the directory ``other``."""
    argv = [sys.executable, "-c", HOLD, str(tmp_path / "other")]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        child.stdout.readline()
        yield child
        child.kill()


def test_a_closed_directory_is_gone(tmp_path):
    owned = locks.own(tmp_path / "own")
    assert owned.path.is_dir()
    owned.close()
    assert os.listdir(tmp_path) == ["all"]


def test_only_a_dead_process_leaves_its_directory(tmp_path, other):
    own = locks.own(tmp_path / "own")
    assert list(locks.abandoned(tmp_path)) == []
    assert len(locks.living(tmp_path)) == 2
    other.kill()
    other.wait()
    assert locks.living(tmp_path) == [(tmp_path / "own.lock").stat().st_mtime]
    (left,) = locks.abandoned(tmp_path)
    assert (left.path.name, (left.path / "note").read_text()) == ("other", "mine")
    left.close()
    own.close()
    assert list(locks.abandoned(tmp_path)) == []


def test_what_is_left_goes_to_one_process_only(tmp_path, other):
    other.kill()
    other.wait()
    (left,) = locks.abandoned(tmp_path)
    assert list(locks.abandoned(tmp_path)) == []
    left.close()


def test_what_cannot_be_removed_counts_as_left(tmp_path, monkeypatch):
    owned = locks.own(tmp_path / "own")
    with monkeypatch.context() as broken:
        broken.setattr(locks.deep, "remove", lambda *_args, **_options: None)
        owned.close()
    (left,) = locks.abandoned(tmp_path)
    left.close()
    assert os.listdir(tmp_path) == ["all"]


def test_one_that_is_just_being_made_does_not_look_left(tmp_path, monkeypatch):
    flock, in_turn = locks.fcntl.flock, []

    def watched(lock, how):
        if not isinstance(lock, int):  # a directory's, not the file held in turn
            with (tmp_path / "all").open() as another, pytest.raises(BlockingIOError):
                flock(another, locks.fcntl.LOCK_EX | locks.fcntl.LOCK_NB)
            in_turn.append(how)
        flock(lock, how)

    monkeypatch.setattr(locks.fcntl, "flock", watched)
    owned = locks.own(tmp_path / "own")
    assert (list(locks.abandoned(tmp_path)), len(locks.living(tmp_path))) == ([], 1)
    owned.close()
    assert len(in_turn) == 3
