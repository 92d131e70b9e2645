"""What is collected and what never is; counted on a real store."""

import os
import time
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store import collect, layer_index
from baselard.engine.store.collect import Policy
from baselard.engine.store.database import Snapshot, Store

pytestmark = pytest.mark.root


def snapshot(store: Store, parent: Snapshot | None, size: int = 100_000) -> Snapshot:
    with merging.snapshots(store).layer(parent) as draft:
        (draft.path / "file").write_bytes(os.urandom(size))
        return draft.commit()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of yesterday: a base under two results, each with a blob, and an unneeded snapshot."""
    store = Store.open(tmp_path / "store")
    base = snapshot(store, None)
    snapshot(store, base)
    for name in ("first", "second"):
        blob = store.put_blob([name.encode()])
        store.record([name], Result((Value(name, snapshot(store, base)),), {"stdout": blob}))
    store.record(["base"], Result((Value("base", base),)))
    for hours, key in ((30, "first"), (20, "second"), (10, "base")):
        store.db.execute("UPDATE results SET used = ? WHERE key = ?", (time.time() - 3600 * hours, key))
    store.db.execute("UPDATE snapshots SET used = 0")
    store.db.execute("UPDATE blobs SET used = 0")
    store.close()
    return tmp_path / "store"


def left(store: Store) -> tuple[set[str], int, int]:
    keys = {row[0] for row in store.db.execute("SELECT key FROM results")}
    return keys, len(list((store.root / "layers").iterdir())), len(list((store.root / "blobs/sha256").iterdir()))


def test_a_dry_run_says_the_same_and_removes_nothing(old: Path) -> None:
    store = Store.open(old)
    before = left(store)
    told = collect.collect(store, Policy(everything=True), dry_run=True)
    assert left(store) == before
    done = collect.collect(store, Policy(everything=True))
    assert (done.results, done.snapshots, done.blobs, done.size) == (
        told.results,
        told.snapshots,
        told.blobs,
        told.size,
    )
    assert (done.results, done.snapshots, done.blobs) == (3, 4, 2)
    assert left(store) == (set(), 0, 0)
    store.close()


def test_by_age_the_base_stays_for_what_stands_on_it(old: Path) -> None:
    store = Store.open(old)
    freed = collect.collect(store, Policy(older_than=15 * 3600))
    assert (freed.results, freed.snapshots, freed.blobs) == (2, 3, 2)
    assert left(store) == ({"base"}, 1, 0)
    assert store.lookup("base") is not None
    store.close()


def test_by_size_the_least_recently_used_goes_first(old: Path) -> None:
    store = Store.open(old)
    size = collect.collect(store, Policy(), dry_run=True).kept
    freed = collect.collect(store, Policy(keep_bytes=size - 10_000))
    assert left(store)[0] == {"second", "base"}
    assert freed.kept <= size - 10_000
    store.close()


def test_without_a_limit_only_what_nobody_needs_goes(old: Path) -> None:
    store = Store.open(old)
    assert (collect.collect(store, Policy()).snapshots, left(store)[0]) == (1, {"first", "second", "base"})
    store.close()


def test_what_a_running_session_uses_is_never_collected(old: Path) -> None:
    """The other engine looked one result up, and has a snapshot that no result names yet."""
    other, store = Store.open(old), Store.open(old)
    found = other.lookup("first")
    assert found is not None
    fresh = snapshot(other, None)
    freed = collect.collect(store, Policy(everything=True))
    assert freed.results == 2
    tree = found.values[0].tree
    assert isinstance(tree, Snapshot)
    assert tree.parent is not None
    assert all(store.layer_path(each).is_dir() for each in (tree, tree.parent, fresh))
    assert store.has_blob(found.data["stdout"])
    other.close()
    store.close()


def test_a_result_collected_while_it_is_looked_up_is_not_there(old: Path) -> None:
    other, store = Store.open(old), Store.open(old)
    collect.collect(store, Policy(everything=True))
    assert other.lookup("first") is None
    other.close()
    store.close()


def test_cache_volumes_go_with_everything_and_nobody_else_there(old: Path) -> None:
    (old / "caches" / "volume").mkdir()
    other, store = Store.open(old), Store.open(old)
    assert collect.collect(store, Policy(everything=True)).caches == 0
    other.close()
    assert collect.collect(store, Policy(older_than=0)).caches == 0
    assert collect.collect(store, Policy(everything=True)).caches == 1
    assert list((old / "caches").iterdir()) == []
    store.close()


def test_automatic_collection_starts_above_the_limit(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(old)
    monkeypatch.setenv("BASELARD_STORE_LIMIT", "1G")
    assert collect.within_limit(store) is None
    monkeypatch.setenv("BASELARD_STORE_LIMIT", "300K")
    freed = collect.within_limit(store)
    assert freed is not None
    assert freed.kept <= 300 << 10
    store.close()


def test_whether_to_collect_is_told_by_the_bytes_of_all_there_is(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(old)
    tree = store.snapshot(1)
    assert tree
    store.own_directory(tree).with_name(f"{tree.name}.fold").write_bytes(bytes(50_000))
    told = collect.collect(store, Policy(), dry_run=True)
    size = told.size + told.kept
    monkeypatch.setenv("BASELARD_STORE_LIMIT", str(size))
    assert collect.within_limit(store) is None
    monkeypatch.setenv("BASELARD_STORE_LIMIT", str(size - 1))
    assert collect.within_limit(store)
    store.close()


@pytest.mark.parametrize(
    ("text", "size"), [("20G", 20 << 30), ("1.5K", 1536), ("7", 7), ("500MiB", 500 << 20), ("2gb", 2 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    assert collect.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", "lots"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        collect.parse_size(text)


def test_a_limit_that_is_no_size_is_told_before_anything_starts(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASELARD_STORE_LIMIT", "plenty")
    store = Store.open(old)
    with pytest.raises(UserError, match="BASELARD_STORE_LIMIT=plenty"):
        collect.tidy_meanwhile(store)
    store.close()


def test_a_pulled_base_that_is_found_again_stays_until_a_result_names_it(old: Path) -> None:
    other, store = Store.open(old), Store.open(old)
    base = other.lookup("base")
    assert base is not None
    tree = base.values[0].tree
    assert isinstance(tree, Snapshot)
    layer_index.record_chain(other, "sha256:chain", tree)
    other.db.execute("UPDATE results SET used = 0")
    found = layer_index.chain_snapshot(other, "sha256:chain")
    collect.collect(store, Policy(everything=True))
    assert found == tree
    assert store.layer_path(tree).is_dir()
    assert left(store) == (set(), 1, 0)
    assert layer_index.chain_snapshot(store, "sha256:other") is None
    other.close()
    store.close()
