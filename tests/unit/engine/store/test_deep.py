"""Directories in each other by the thousand are gone through and removed; os.walk is the judge of the rest."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.store import deep
from tests.deep_trees import nested


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """pytest's own cleaning up would fail of what a test leaves."""
    yield tmp_path
    subprocess.run(["rm", "-rf", "--", *tmp_path.iterdir()], check=True)


@pytest.mark.parametrize("ignore", [False, True])
@pytest.mark.parametrize("files", [0, 256])
def test_what_is_deep_is_removed(place: Path, ignore: bool, files: int) -> None:
    """Also where a process may have few descriptors."""
    root = nested(place / "root", 2500)
    nested(root / "other", 700)
    (root / "link").symlink_to("/etc")
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files + 200, usual[1]))
    try:
        deep.remove(root, ignore_errors=ignore)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    assert not root.exists()
    assert Path("/etc/passwd").exists()


def test_below_a_descriptor(place: Path) -> None:
    nested(place / "root", 2000)
    here = os.open(place, os.O_RDONLY)
    deep.remove(b"root", dir_fd=here)
    os.close(here)
    assert not (place / "root").exists()


def test_what_is_not_there(place: Path) -> None:
    deep.remove(place / "none", ignore_errors=True)
    with pytest.raises(FileNotFoundError):
        deep.remove(place / "none")


@pytest.mark.parametrize("topdown", [True, False])
def test_a_walk_is_pythons_own(place: Path, topdown: bool) -> None:
    for name in ("a/b/c", "a/d", "e"):
        (place / name).mkdir(parents=True)
        (place / name / "file").touch()
    (place / "a/link").symlink_to("b")
    (place / "gone").symlink_to("nowhere")
    (place / "odd").symlink_to("x" * 600)  # longer than a name may be
    assert list(deep.walk(place, topdown=topdown)) == list(os.walk(place, topdown=topdown))
    pruned = []
    for one, names, _ in deep.walk(place):
        names[:] = [name for name in names if name != "b"]
        pruned.append(os.path.basename(one))
    assert "c" not in pruned


@pytest.mark.parametrize("topdown", [True, False])
def test_a_walk_ends_where_no_path_leads(place: Path, topdown: bool) -> None:
    nested(place / "root", 4000)
    assert len(list(deep.walk(place / "root", topdown=topdown))) > 1500
