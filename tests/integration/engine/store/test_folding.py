"""Folded layers show the tree that they show one by one.

Judge: the kernel, which mounts the same chain without any folding.
"""

import os
import random
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files.walking import walk
from baselard.engine.store import folding, snapshots

pytestmark = pytest.mark.root
NAMES = ["a", "b", "c", "d"]


def _clear(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _write(place: Path, chosen: random.Random) -> None:
    _clear(place)
    place.write_text(str(chosen.random()))


def _make(place: Path, _: random.Random) -> None:
    if not place.is_dir() or place.is_symlink():
        _clear(place)
        place.mkdir()


def _link(place: Path, chosen: random.Random) -> None:
    _clear(place)
    place.symlink_to(chosen.choice([*NAMES, "/", "../a", "/etc/passwd"]))


def _dress(place: Path, chosen: random.Random) -> None:
    if place.exists() and not place.is_symlink():
        place.chmod(chosen.choice([0o700, 0o1777, 0o4755]))
        os.chown(place, chosen.randrange(9), 7)
        name = chosen.choice(["user.one", "user.two"])
        os.setxattr(place, name, b"v") if name not in os.listxattr(place) else os.removexattr(place, name)


def _move(place: Path, chosen: random.Random) -> None:
    other = place.parent / chosen.choice(NAMES)
    if os.path.lexists(place) and place != other:
        _clear(other)
        shutil.move(place, other)


def _twin(place: Path, _: random.Random) -> None:
    if place.is_file() and not place.is_symlink():
        _clear(place.with_name("twin"))
        os.link(place, place.with_name("twin"))


STEPS = [_write, _write, _make, _make, _link, _dress, _move, _twin, lambda place, _: _clear(place)]


def _step(root: Path, chosen: random.Random) -> None:
    """One change in a mounted tree, as a program would make it."""
    directories = [path for path in sorted(root.rglob("*")) if path.is_dir() and not path.is_symlink()]
    chosen.choice(STEPS)(chosen.choice([root, *directories]) / chosen.choice(NAMES), chosen)


def _looks(root: Path) -> list[Any]:
    """All that can be seen of a tree but how many names a file has, which depends on the layers in a mount, too."""
    found = []
    for entry in walk(str(root)):
        path, info = root / entry.path, entry.info
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        target = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ""
        attributes = {
            name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)
        }
        times = info.st_mtime_ns
        found.append((entry.path, info.st_mode, info.st_uid, info.st_gid, times, content, target, attributes))
    return found


@pytest.mark.parametrize("large", [0, 0.3, 1], ids=["all small", "some large", "all large"])
@pytest.mark.parametrize("every", [2, 5, 16])
@pytest.mark.parametrize("seed", range(4))
def test_a_folded_chain_shows_the_same_tree(
    trees, monkeypatch: pytest.MonkeyPatch, seed: int, every: int, large: float
) -> None:
    chosen = random.Random(seed)
    made = []
    for _ in range(33):
        with trees.snapshots.draft(made[-1] if made else None) as draft:
            for _ in range(chosen.randint(0, 6)):
                _step(draft.path, chosen)
            made.append(draft.commit())
    sizes = {trees.store.layer_path(one): chosen.random() >= large for one in made}
    monkeypatch.setattr(folding, "_is_small", sizes.__getitem__)
    for tree in made[:: max(1, every // 2)]:
        with trees.snapshots.view(tree) as root:
            wanted = _looks(root)
        with monkeypatch.context() as patch:
            patch.setattr(snapshots, "_FOLD_EVERY", every)
            patch.setattr(snapshots, "_MOST_NAMES", every + 4)
            assert len(trees.snapshots.lowerdirs(tree)) <= max(every + 4, every + 33 // every)
            with trees.snapshots.view(tree) as root:
                assert _looks(root) == wanted


def test_large_layers_stay_as_they_are(trees) -> None:
    """They are not copied: folding a chain on a large base costs next to nothing."""
    layers = []
    for name, size in (("base", 5 << 20), ("a", 10), ("b", 10), ("large", 5 << 20), ("c", 10), ("d", 10), ("e", 10)):
        layers.append(trees.store.work / name)
        layers[-1].mkdir()
        (layers[-1] / "file").write_bytes(b"x" * size)
    many = trees.store.work / "many"
    (many / "d").mkdir(parents=True)
    for number in range(1001):
        (many / f"d/{number}").touch()
    found = [[layer.name for layer in run] for run in folding.runs([*layers, many])]
    assert found == [["base"], ["a", "b"], ["large"], ["c", "d", "e"], ["many"]]


def test_what_another_boot_folded_is_made_again(trees, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was not synced: a power cut may have left some of it."""
    monkeypatch.setattr(snapshots, "_FOLD_EVERY", 3)
    made = []
    for number in range(3):
        with trees.snapshots.layer(made[-1] if made else None) as draft:
            (draft.path / str(number)).write_text("whole")
            made.append(draft.commit())
    (first,) = trees.snapshots.lowerdirs(made[-1])
    (trees.store.root / "layers" / first / "2").write_text("")
    monkeypatch.setattr("baselard.engine.store.database._boot", lambda: "another-boot")
    with trees.snapshots.view(made[-1]) as root:
        assert (root / "2").read_text() == "whole"
    assert not (trees.store.root / "layers" / first).exists()
