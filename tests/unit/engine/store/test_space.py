"""A disk that will not suffice is said before anything is made."""

from collections import namedtuple
from pathlib import Path

import pytest

from baselard.engine.errors import HostError, UserError
from baselard.engine.store import collect, space

Usage = namedtuple("Usage", "total used free")
GB = 10**9


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def of(free: int, held: int = 0) -> Path:
        monkeypatch.setattr(space.shutil, "disk_usage", lambda _: Usage(100 * GB, 0, free))
        monkeypatch.setattr(collect, "disk_usage", lambda _: held)
        return tmp_path

    return of


@pytest.mark.parametrize(("free", "held"), [(3 * GB, 0), (GB, 2 * GB), (GB // 4, 9 * GB)])
def test_what_suffices_is_let_through(disk, free, held):
    space.require(disk(free, held))


@pytest.mark.parametrize(("free", "held"), [(GB, 0), (GB, GB), (GB // 8, 90 * GB)])
def test_what_does_not_is_said_with_figures_and_what_to_do(disk, free, held):
    with pytest.raises(HostError, match=rf"{free / 1e9:.1f} GB are free for .*{held / 1e9:.1f} GB.*baselard prune"):
        space.require(disk(free, held))


def test_whoever_knows_better_says_how_much(disk, monkeypatch):
    monkeypatch.setenv("BASELARD_SPACE", "100M")
    space.require(disk(GB))
    with pytest.raises(HostError):
        space.require(disk(GB // 100))
    monkeypatch.setenv("BASELARD_SPACE", "much")
    with pytest.raises(UserError, match="BASELARD_SPACE=much"):
        space.require(disk(GB))


def test_a_store_that_is_not_there_yet_is_looked_for_above(tmp_path):
    assert space.free(tmp_path / "not" / "yet") > 0
