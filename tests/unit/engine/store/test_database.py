import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store import collect
from baselard.engine.store import database as store_module
from baselard.engine.store.database import Snapshot, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def add(store: Store, parent: Snapshot | None = None, name: str = "file") -> Snapshot:
    with store.temp_dir() as work:
        (work / "u").mkdir()
        (work / "u" / name).write_text(name)
        return store.add_snapshot(parent, work / "u")


def test_results_come_back_as_they_were(store: Store) -> None:
    parent = add(store)
    child = add(store, parent)
    result = Result((Value("sha256:1", child), Value("sha256:2")), {"exit": 3, "text": "é"})
    assert store.lookup("key") is None
    store.record(["key", "content"], result)
    found = store.lookup("key")
    assert found == result == store.lookup("content")
    assert found is not None
    assert found.values[0].tree == child
    assert [link.id for link in _chain(found.values[0].tree)] == [child.id, parent.id]


def _chain(tree: object) -> Iterator[Snapshot]:
    while isinstance(tree, Snapshot):
        yield tree
        tree = tree.parent


def test_other_processes_see_what_is_recorded(store: Store) -> None:
    store.record(["key"], Result((Value("sha256:1", add(store)),)))
    code = (
        "import sys; from pathlib import Path; from baselard.engine.store.database import Store\n"
        "print(Store.open(Path(sys.argv[1])).lookup('key').values[0].digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, store.root], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout == "sha256:1\n"


def test_a_result_whose_tree_is_gone_is_none(store: Store) -> None:
    made = add(store)
    store.record(["key"], Result((Value("sha256:1", made),)))
    store.db.execute("DELETE FROM snapshots WHERE id = ?", (made.id,))
    assert store.lookup("key") is None


def test_blobs_are_called_by_their_content(store: Store) -> None:
    name = store.put_blob([b"hello ", b"world"])
    assert name == "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
    assert store.blob_path(name).read_bytes() == b"hello world"
    assert store.has_blob(name)
    assert not store.has_blob("sha256:" + "0" * 64)
    assert store.put_blob([b"hello world"]) == name


def test_a_blob_that_cannot_be_read_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        store.put_blob(broken())
    assert list(store.work.iterdir()) == []
    assert list((store.root / "blobs/sha256").iterdir()) == []


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction():
        store.record(["inner"], Result(()))
        raise RuntimeError
    assert store.lookup("inner") is None


def test_an_interrupted_record_gives_its_number_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies after the rename and before the commit leaves a tree whose number is given out again."""
    first = add(store, name="first")
    second = store.layer_path(Snapshot(first.id + 1))
    second.mkdir()
    (second / "leftover").touch()
    made = add(store, name="mine")
    assert made.id == first.id + 1
    assert [path.name for path in store.layer_path(made).iterdir()] == ["mine"]


def test_what_dead_processes_left_is_removed(store: Store) -> None:
    kept = add(store)
    blob = store.put_blob([b"kept"])
    (store.root / "work/dead.lock").touch()
    for place in ("layers/zz", "work/dead/tmp"):
        (store.root / place).mkdir(parents=True)
        (store.root / place / "file").touch()
    (store.root / "blobs/sha256/feed").touch()
    (store.root / "layers" / f"{kept.name}.folded").mkdir()
    store.clean()
    assert {path.name for path in (store.root / "layers").iterdir()} == {kept.name, f"{kept.name}.folded"}
    assert [path.name for path in (store.root / "blobs/sha256").iterdir()] == [blob.partition(":")[2]]
    assert {path.name for path in (store.root / "work").iterdir()} == {"all", store.engine, f"{store.engine}.lock"}


def test_cleaning_meanwhile_ends_with_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned, closed = threading.Event(), threading.Event()
    clean = Store.clean

    def slow(self: Store) -> None:
        cleaned.set()
        assert closed.wait(10)
        clean(self)

    monkeypatch.setattr(Store, "clean", slow)
    monkeypatch.setattr(collect, "_LATER", 0.0)
    store = Store.open(tmp_path / "store")
    collect.tidy_meanwhile(store)
    assert cleaned.wait(10)
    thread = next(one for one in threading.enumerate() if one.name == "tidy")
    store.close()
    closed.set()
    thread.join(10)  # an error in it would fail this test: warnings are errors
    assert not thread.is_alive()


@pytest.mark.parametrize("over", [True, False])
def test_the_store_is_weighed_by_sessions_that_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: bool
) -> None:
    """A known call waits for nobody who looks at all snapshots."""
    go_on, weighed = threading.Event(), []
    monkeypatch.setattr(time, "sleep", lambda _: go_on.wait(10))
    monkeypatch.setattr(collect.holdings, "size", lambda _: weighed.append(True) or 0)
    store = Store.open(tmp_path / "store")
    collect.tidy_meanwhile(store)
    thread = next(one for one in threading.enumerate() if one.name == "tidy")
    if over:
        store.close()
    go_on.set()
    thread.join(10)
    store.close()
    assert not thread.is_alive()
    assert weighed == ([] if over else [True])


def test_nothing_is_synced_when_all_is_safe_already(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "sync", lambda: synced.append(True))
    store.record(["key"], Result(()))
    for _ in range(2):
        store.clean()
    assert synced == [True]


def test_a_full_disk_is_told_and_nothing_half_recorded(store: Store) -> None:
    store.db.execute("PRAGMA max_page_count = 20")
    with pytest.raises(OSError, match="No space left"):
        for number in range(1000):
            store.record([f"key-{number}"], Result((), {"text": "x" * 1000}))
    assert not store.db.in_transaction
    store.db.execute("PRAGMA max_page_count = 100000")
    store.record(["after"], Result(()))
    assert store.lookup("after") == Result(())


def test_what_others_work_on_is_left_alone(store: Store) -> None:
    other = Store.open(store.root)
    with other.temp_dir() as theirs:
        store.clean()
        assert theirs.is_dir()
    other.close()
    store.clean()
    assert not other.work.exists()


def test_many_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    at_once = threading.Barrier(4)

    def open_one(root: Path) -> None:
        at_once.wait()
        Store.open(root).close()

    with ThreadPoolExecutor(4) as pool:
        for number in range(100):
            assert len(list(pool.map(open_one, [tmp_path / str(number)] * 4))) == 4


def test_results_of_an_earlier_boot_count_only_after_a_sync(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.record(["synced"], Result(()))
    synced = store.put_blob([b"synced"])
    store.clean()
    store.record(["late"], Result(()))
    late = store.put_blob([b"late"])
    monkeypatch.setattr(store_module, "_boot", lambda: "another")
    after = Store.open(store.root)
    assert after.lookup("synced") is not None
    assert after.has_blob(synced)
    assert after.lookup("late") is None
    assert not after.has_blob(late)
    after.close()


@pytest.mark.anyio
async def test_locks_exclude_within_a_process_too(store: Store) -> None:
    import asyncio

    inside: list[str] = []

    async def hold(name: str) -> None:
        async with store.locked("key"):
            inside.append(name)
            await asyncio.sleep(0)
            assert inside == [name]
            inside.remove(name)

    async with store.locked("other key"):
        await asyncio.gather(*(hold(str(number)) for number in range(5)))


def test_threads_share_one_store(store: Store) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(10):
                store.record([f"{number}-{step}"], Result((Value(f"sha256:{number}", add(store)),)))
                assert store.lookup(f"{number}-{step}")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(list((store.root / "layers").iterdir())) == 60


def test_a_store_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="BASELARD_STORE"):
        Store.open(tmp_path / "file/store")


def test_a_store_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "store/work/all").mkdir(parents=True)
    with pytest.raises(HostError, match="BASELARD_STORE"):
        Store.open(tmp_path / "store")


def test_closing_takes_the_temporary_files_along(tmp_path: Path) -> None:
    opened = Store.open(tmp_path / "store")
    (opened.work / "left").touch()
    opened.close()
    assert not opened.work.exists()
    assert os.listdir(opened.root / "work") == ["all"]
    shutil.rmtree(tmp_path / "store")


def test_names_of_layers_are_short(store: Store) -> None:
    assert Snapshot(36**4 - 1).name == "zzzz"
    assert os.path.basename(store.layer_path(Snapshot(36))) == "10"
