"""A store on a disk that fills up: one clear error, nothing damaged, and all is well once there is room."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.files import merging
from baselard.engine.ops import host
from baselard.engine.ops.copy import Copy
from baselard.engine.ops.file import NewFile
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output
from baselard.engine.store import mounting
from baselard.engine.store.database import Store

pytestmark = pytest.mark.root


@pytest.fixture
def small(trees, tmp_path: Path) -> Iterator[object]:
    """A store on 4 MB of memory."""
    (tmp_path / "small").mkdir()
    mounting.mount("tmpfs", tmp_path / "small", "tmpfs", 0, "size=4m")
    store = Store.open(tmp_path / "small/store")
    yield replace(trees, store=store, snapshots=merging.snapshots(store))
    store.close()
    mounting.unmount(tmp_path / "small")


def test_a_full_disk(small) -> None:
    kept = NewFile(Output(Scratch()), "/kept", b"kept")
    small.value(kept)
    before = sorted(path.name for path in (small.store.root / "layers").iterdir())
    too_big = NewFile(Output(kept), "/big", os.urandom(6 << 20))
    with pytest.raises(HostError, match="is full"):
        small.value(too_big)
    assert sorted(path.name for path in (small.store.root / "layers").iterdir()) == before
    assert [path for path in small.store.work.iterdir() if path.is_dir() and any(path.iterdir())] == []  # beside locks
    assert small.store.lookup(too_big.key) is None
    assert small.store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    after = Copy(Output(Scratch()), Output(kept), "/copy")
    assert small.text(after, "copy/kept") == "kept"


def test_a_source_that_does_not_fit(small, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/big").write_bytes(os.urandom(6 << 20))
    with pytest.raises(HostError, match="is full"):
        host.load(small, str(tmp_path / "source"))
    assert [path for path in small.store.work.iterdir() if path.is_dir() and any(path.iterdir())] == []  # beside locks


def test_a_disk_filled_by_records(small) -> None:
    """What fills it is the layers' own directories and SQLite's pages, whichever comes first."""
    node = NewFile(Output(Scratch()), "/0", b"")
    with pytest.raises(HostError, match="is full"):
        for number in range(1, 3000):
            node = NewFile(Output(node), f"/{number}", b"x" * 30_000)
            small.value(node)
    assert small.store.lookup(node.key) is None
    for path in (small.store.root / "blobs/sha256", small.store.root / "work"):
        assert path.is_dir()
    with contextlib.suppress(OSError):  # the disk is still full
        small.store.clean()
    recorded = {small.store.snapshot(row[0]).name for row in small.store.db.execute("SELECT id FROM snapshots")}
    assert {path.name for path in (small.store.root / "layers").iterdir()} == recorded
