"""The version of the store's tables: old stores are brought up to it, later ones are left alone."""

import sqlite3
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.store import schema
from baselard.engine.store.database import Store


def _version(root: Path) -> int:
    db = sqlite3.connect(root / "store.db")
    (found,) = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return int(found)


def test_a_new_store_has_all_tables_and_the_version(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    names = {row[0] for row in store.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    store.close()
    known = {"results", "snapshots", "makers", "blobs", "sizes", "chains", "layers", "origins", "host_content"}
    assert known <= names
    assert _version(tmp_path) == schema.VERSION


def test_a_store_from_before_versions_loses_layers_that_nothing_reads(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    db = sqlite3.connect(tmp_path / "store.db")
    for number, compression in enumerate(("gzip", "estargz"), 1):
        db.execute("INSERT INTO layers VALUES (?, 0, ?, '', 'sha256:1', 1, 'sha256:2')", (number, compression))
    db.execute("PRAGMA user_version = 0")
    db.commit()
    db.close()
    store = Store.open(tmp_path)
    assert store.db.execute("SELECT compression FROM layers").fetchall() == [("gzip",)]
    store.close()
    assert _version(tmp_path) == schema.VERSION


def test_a_store_of_a_later_version_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    db = sqlite3.connect(tmp_path / "store.db")
    db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    db.close()
    with pytest.raises(HostError, match=r"later Baselard.*upgrade, or set BASELARD_STORE"):
        Store.open(tmp_path)
    assert _version(tmp_path) == schema.VERSION + 1
