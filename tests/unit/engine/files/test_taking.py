"""A directory is copied by descriptors while others change it; how deep it is, a hostile program decides."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import taking
from tests.deep_trees import nested


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """pytest's own cleaning up would fail of what a test leaves."""
    yield tmp_path
    subprocess.run(["rm", "-rf", "--", *tmp_path.iterdir()], check=True)


@pytest.mark.parametrize("levels", [201, 3000])
def test_directories_too_deep_in_each_other_are_refused(place: Path, levels: int) -> None:
    nested(place / "deep", levels)
    opened = os.open(place / "deep", os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(UserError, match="directories lie more than 200 deep in each other"):
        taking.take_tree(opened, str(place / "taken"))
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(opened)


def test_a_tree_that_is_not_too_deep_is_copied(place: Path) -> None:
    nested(place / "deep", 199)
    (place / "deep" / "d" / "file").write_text("content")
    opened = os.open(place / "deep", os.O_RDONLY)
    taking.take_tree(opened, str(place / "taken"))
    os.close(opened)
    assert (place / "taken/d/file").read_text() == "content"
    assert len(list((place / "taken").rglob("d"))) == 199
