"""Findings, each with what makes it appear."""

import os
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselard.engine.host import doctor, packages, privilege, process
from baselard.engine.host.doctor import Diagnosis
from baselard.engine.host.packages import Package
from baselard.engine.store.database import Store


def found(store: Path, subject: str, *, deep: bool = False) -> Diagnosis:
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
    monkeypatch.setattr(process, "which", lambda program: None if program in ("runc", "mmdebstrap") else "/bin/x")
    assert found(root, "mmdebstrap") == Diagnosis(
        "mmdebstrap", "mmdebstrap is not there", "baselard setup, or apt-get install mmdebstrap"
    )
    assert found(root, "runc").mark == "missing"


def test_a_capability_that_is_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = process.run
    refused = process.Completed(("unshare",), 1, b"", b"unshare failed: Operation not permitted")
    monkeypatch.setattr(process, "run", lambda argv, **more: refused if argv[0] == "unshare" else real(argv, **more))
    monkeypatch.setattr(privilege, "may_mount", lambda: False)
    finding = found(root, "privilege")
    assert (finding.mark, "sudo" in finding.remedy, "--cap-add SYS_ADMIN" in finding.remedy) == ("missing", True, True)


def test_a_kernel_that_is_too_old(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        os, "uname", lambda: SimpleNamespace(release="4.19.0-27-amd64", version="#1 SMP", machine="x86_64")
    )
    assert found(root, "kernel") == Diagnosis("kernel", "4.19.0-27-amd64", "use Linux 5.10 or later")


@pytest.mark.parametrize("kind", ["overlayfs", "nfs", "fuseblk"])
def test_a_file_system_that_overlayfs_cannot_use(root: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    real = process.run

    def run(argv: Sequence[Any], **more: Any) -> Any:
        return process.Completed((), 0, kind.encode()) if argv[0] == "stat" else real(argv, **more)

    monkeypatch.setattr(process, "run", run)
    finding = found(root, "store")
    assert (finding.mark, f"is on {kind}" in finding.detail) == ("missing", True)
    assert "set BASELARD_STORE" in finding.remedy


def test_a_place_that_cannot_be_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = found(root, "store")
    assert (finding.mark, finding.remedy) == ("missing", "set BASELARD_STORE to a place of your own")


def test_a_disk_that_is_nearly_full(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000_000))
    finding = found(root, "space")
    assert (finding.mark, finding.detail) == ("warning", "1.0 GB free")
    assert "baselard prune" in finding.remedy


def test_a_file_that_is_missing_names_its_package(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "listed", lambda: [Package("some-package", ("/nowhere",))])
    assert found(root, "some-package").remedy == "baselard setup, or apt-get install some-package"


def test_the_summary_shows_each_remedy_below_its_line() -> None:
    text = doctor.summary([Diagnosis("a", "fine"), Diagnosis("longer", "bad", "do this", fatal=True)])
    assert text.splitlines() == ["ok       a       fine", "missing  longer  bad", " " * 17 + "→ do this"]


def test_for_programs_each_finding_is_an_entry() -> None:
    assert doctor.entries([Diagnosis("a", "fine"), Diagnosis("b", "bad", "do this", fatal=True)]) == [
        {"mark": "ok", "subject": "a", "detail": "fine", "remedy": ""},
        {"mark": "missing", "subject": "b", "detail": "bad", "remedy": "do this"},
    ]
