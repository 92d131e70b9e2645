"""The bases are the same in every run, and sizes are what they say."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.client import nested, text
from bench.lab import QUICK, Lab, fill, on_disk


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_seed_decides_every_byte(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fill(tmp_path / name, 1, 250, seed=seed)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again != other
    assert len(first) == 250
    assert sum(map(len, first.values())) == 1_000_000


def test_names_of_one_file_count_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(os.urandom(1 << 20))
    alone = on_disk(tmp_path)
    os.link(tmp_path / "one", tmp_path / "two")
    assert on_disk(tmp_path) == alone
    assert 1.04 < alone < 1.1


def test_a_chain_is_nested() -> None:
    assert nested("a", "b(c: 1)", "d") == "{a{b(c: 1){d}}}"
    assert text(['a"b', "ü"]) == '["a\\"b", "\\u00fc"]'


def test_what_a_round_leaves_is_deleted_at_the_end(tmp_path: Path) -> None:
    made = Lab(tmp_path, QUICK)
    with made.scratch() as scratch:
        (scratch / "file").touch()
    assert not scratch.exists()
    assert len(list(tmp_path.rglob("file"))) == 1
    made.until_end.close()
    assert list(tmp_path.rglob("file")) == []


def test_it_goes_earlier_when_the_disk_gets_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    with Lab(tmp_path, QUICK).scratch() as scratch:
        (scratch / "file").touch()
    assert list(tmp_path.rglob("file")) == []
    assert "the disk gets short" in capsys.readouterr().err


def test_every_image_is_another_layer(tmp_path: Path) -> None:
    made = Lab(tmp_path, QUICK)
    first = contents(made.image(next(made.numbers)))
    assert contents(made.image(next(made.numbers))) != first
