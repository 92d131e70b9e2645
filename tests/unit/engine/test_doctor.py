"""Findings, each with what makes it appear."""

import sqlite3
from pathlib import Path

import pytest

from engine import doctor, process
from engine.doctor import Finding
from engine.store import Store


def found(store: Path, subject: str, *, deep: bool = False) -> Finding:
    return next(finding for finding in doctor.examine(store, deep=deep) if finding.subject == subject)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with one blob and one snapshot."""
    store = Store.open(tmp_path / "store")
    store.put_blob([b"content"])
    with store.temp_dir() as work:
        (work / "tree").mkdir()
        store.add_snapshot(None, work / "tree")
    store.close()
    return tmp_path / "store"


def test_a_whole_store_is_well(root: Path) -> None:
    assert found(root, "records", deep=True).detail == "1 snapshots and 1 blobs are there"
    assert found(root, "records").mark == "ok"


def test_no_store_yet_is_no_trouble(tmp_path: Path) -> None:
    assert found(tmp_path / "none", "records").mark == "ok"


@pytest.mark.parametrize("deep", [False, True])
def test_a_blob_that_was_changed_is_found_by_size_or_by_content(root: Path, deep: bool) -> None:
    blob = next((root / "blobs/sha256").iterdir())
    blob.write_bytes(b"CONTENT" if deep else b"short")
    finding = found(root, "records", deep=deep)
    assert (finding.mark, "1 of them broken" in finding.detail) == ("warning", True)
    assert "prune --all" in finding.remedy


def test_a_snapshot_without_its_directory_is_found(root: Path) -> None:
    next((root / "layers").iterdir()).rmdir()
    assert "snapshot 1" in found(root, "records").detail


def test_a_damaged_database_is_found(root: Path) -> None:
    with sqlite3.connect(root / "store.db") as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    data = bytearray((root / "store.db").read_bytes())
    data[4096:8192] = b"x" * 4096
    (root / "store.db").write_bytes(data)
    assert any(
        finding.mark == "missing" and ("damaged" in finding.detail or "malformed" in finding.detail)
        for finding in doctor.examine(root)
    )


def test_a_missing_program_names_its_package(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "which", lambda program: None if program in ("runc", "skopeo") else "/bin/x")
    assert found(root, "skopeo") == Finding("skopeo", "not installed", "apt-get install skopeo")
    assert found(root, "runc").mark == "missing"


def test_the_summary_shows_each_remedy_below_its_line() -> None:
    text = doctor.summary([Finding("a", "fine"), Finding("longer", "bad", "do this", fatal=True)])
    assert text.splitlines() == ["ok       a       fine", "missing  longer  bad", " " * 17 + "→ do this"]
