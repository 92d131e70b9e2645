"""A directory is copied by descriptors while others change it; how deep it is, a hostile program decides."""

import os
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import taking


def _deep(root: Path, levels: int) -> None:
    """Directories in each other, deeper than a path may be long."""
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


@pytest.mark.parametrize("levels", [201, 3000])
def test_directories_too_deep_in_each_other_are_refused(tmp_path: Path, levels: int) -> None:
    _deep(tmp_path / "deep", levels)
    place = os.open(tmp_path / "deep", os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(UserError, match="directories lie more than 200 deep in each other"):
        taking.take_tree(place, str(tmp_path / "taken"))
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(place)


def test_a_tree_that_is_not_too_deep_is_copied(tmp_path: Path) -> None:
    _deep(tmp_path / "deep", 199)
    (tmp_path / "deep" / "d" / "file").write_text("content")
    place = os.open(tmp_path / "deep", os.O_RDONLY)
    taking.take_tree(place, str(tmp_path / "taken"))
    os.close(place)
    assert (tmp_path / "taken/d/file").read_text() == "content"
    assert len(list((tmp_path / "taken").rglob("d"))) == 199
