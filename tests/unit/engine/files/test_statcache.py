import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files import statcache, treehash
from baselard.engine.files.statcache import StatCache
from baselard.engine.files.walking import EVERYTHING, Filter, walk
from baselard.engine.store.database import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose files count as old enough to be remembered."""
    monkeypatch.setattr(statcache, "_RACY_NS", -1_000_000_000)
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "a").write_text("a")
    (root / "sub/b").write_text("b")
    (tmp_path / "tree0").mkdir()
    (tmp_path / "tree0/c").write_text("c")
    return root


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    identity = treehash.file_identity

    def spy(path: str, info: os.stat_result, *opener: Any) -> bytes:
        names.append(os.path.basename(path))
        return identity(path, info, *opener)

    monkeypatch.setattr(treehash, "file_identity", spy)
    return names


def hashed(store: Store, root: Path, selected: Filter = EVERYTHING) -> str:
    cache = StatCache.below(store, str(root))
    found = treehash.of_entries(str(root), walk(str(root), selected), content=cache.content)
    cache.save(complete=selected.empty)
    return found


def test_unchanged_files_are_not_read_again(store: Store, tree: Path, read: list[str]) -> None:
    first = hashed(store, tree)
    assert read == ["a", "b"]
    assert hashed(store, tree) == first
    assert read == ["a", "b"]
    assert first == treehash.of_entries(str(tree), walk(str(tree)))


@pytest.mark.parametrize("keep_times", [False, True])
def test_a_changed_file_is_read_again(store: Store, tree: Path, read: list[str], keep_times: bool) -> None:
    first = hashed(store, tree)
    info = (tree / "a").stat()
    (tree / "a").write_text("x")
    if keep_times:  # the change time says it nevertheless
        os.utime(tree / "a", ns=(info.st_atime_ns, info.st_mtime_ns))
    read.clear()
    assert hashed(store, tree) != first
    assert read == ["a"]


def test_a_replaced_file_is_read_again(store: Store, tree: Path, read: list[str]) -> None:
    hashed(store, tree)
    (tree / "new").write_text("y")
    info = (tree / "a").stat()
    os.utime(tree / "new", ns=(info.st_atime_ns, info.st_mtime_ns))
    (tree / "new").rename(tree / "a")
    read.clear()
    hashed(store, tree)
    assert read == ["a"]


def test_a_changed_attribute_is_noticed(store: Store, tree: Path, read: list[str]) -> None:
    first = hashed(store, tree)
    os.setxattr(tree / "a", "user.x", b"1")
    read.clear()
    assert hashed(store, tree) != first
    assert read == ["a"]


def test_files_that_changed_a_moment_ago_are_not_remembered(
    store: Store, tree: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statcache, "_RACY_NS", 2_000_000_000)
    os.utime(tree / "a", (1, 1))  # its change time is now all the same
    hashed(store, tree)
    hashed(store, tree)
    assert read == ["a", "b", "a", "b"]
    monkeypatch.setattr(time, "time_ns", lambda: (tree / "a").stat().st_ctime_ns + 10_000_000_000)
    hashed(store, tree)
    hashed(store, tree)
    assert read == ["a", "b"] * 3


def test_neighbours_with_a_like_name_are_not_loaded(store: Store, tree: Path) -> None:
    hashed(store, tree.parent / "tree0")
    assert not StatCache.below(store, str(tree)).known


def test_names_that_are_not_text(store: Store, tree: Path, read: list[str]) -> None:
    Path(os.fsdecode(bytes(tree) + b"/caf\xe9")).write_text("c")
    hashed(store, tree)
    read.clear()
    hashed(store, tree)
    assert read == []


def test_what_is_gone_is_forgotten_what_was_left_out_is_not(store: Store, tree: Path) -> None:
    hashed(store, tree)
    hashed(store, tree, Filter(exclude=("sub",)))
    assert len(StatCache.below(store, str(tree)).known) == 2
    (tree / "a").unlink()
    hashed(store, tree)
    assert list(StatCache.below(store, str(tree)).known) == ["sub/b"]
