import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files import statcache, treehash
from baselard.engine.files.statcache import StatCache
from baselard.engine.files.walking import EVERYTHING, Filter, walk
from baselard.engine.store import host_content
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
    cache = StatCache(store, str(root))
    found = treehash.of_entries(str(root), walk(str(root), selected), content=cache.content)
    cache.save(complete=selected.empty)
    return found


def remembered(store: Store, root: Path) -> list[str]:
    found = host_content.between(store, os.fsencode(f"{root}/"), os.fsencode(f"{root}0"), 1000)
    return [os.path.relpath(os.fsdecode(path), root) for path, _ in found]


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
    assert remembered(store, tree.parent / "tree0") == ["c"]
    assert not remembered(store, tree)


def test_names_that_are_not_text(store: Store, tree: Path, read: list[str]) -> None:
    Path(os.fsdecode(bytes(tree) + b"/caf\xe9")).write_text("c")
    hashed(store, tree)
    read.clear()
    hashed(store, tree)
    assert read == []


def test_what_is_gone_is_forgotten_what_was_left_out_is_not(store: Store, tree: Path) -> None:
    hashed(store, tree)
    hashed(store, tree, Filter(exclude=("sub",)))
    assert remembered(store, tree) == ["a", "sub/b"]
    (tree / "a").unlink()
    hashed(store, tree)
    assert remembered(store, tree) == ["sub/b"]


@pytest.mark.parametrize("page", [1, 2, 3, 5, 1000])
def test_the_walk_comes_by_in_another_order_than_the_bytes(
    store: Store, tree: Path, read: list[str], monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(statcache, "_PAGE", page)
    for name in ("d/x", "d/y/z", "d-e/x", "d-e/y", "d.txt", "d!", "e"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    first = hashed(store, tree)
    read.clear()
    assert hashed(store, tree) == first
    assert read == []
    (tree / "d-e/x").unlink()
    (tree / "d-e/x1").write_text("new")
    (tree / "sub/b").unlink()
    hashed(store, tree)
    assert read == ["x1"]
    assert remembered(store, tree) == sorted(["a", "d/x", "d/y/z", "d-e/x1", "d-e/y", "d.txt", "d!", "e"])


def test_memory_holds_some_pages_however_many_files_there_are(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statcache, "_PAGE", 10)
    for number in range(100):
        (tree / f"{number}").write_text("")
    for _ in ("new", "known"):
        cache, held = StatCache(store, str(tree)), []
        for entry in walk(str(tree)):
            if not entry.path.startswith("sub"):
                cache.content(f"{tree}/{entry.path}", entry.info)
            held.append(len(cache._learned) + len(cache._known._ahead))
        cache.save(complete=False)
        assert 1 < max(held) <= 20
    assert len(remembered(store, tree)) == 101


def test_a_directory_without_is_neither_asked_for_nor_forgotten(store: Store, tree: Path, read: list[str]) -> None:
    (tree / "sub0").write_text("sorts right behind all that is below sub")
    hashed(store, tree)
    read.clear()
    cache = StatCache(store, str(tree), ["sub"])
    assert treehash.of_entries(str(tree), [one for one in walk(str(tree)) if one.path == "sub0"], content=cache.content)
    cache.save(complete=True)
    assert read == []
    assert remembered(store, tree) == ["sub/b", "sub0"]
