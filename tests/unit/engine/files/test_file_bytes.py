import errno
import os
import random
from pathlib import Path

import pytest

from baselard.engine.files.file_bytes import copy_bytes

MIB = 1 << 20


def sparse(path: Path, size: int, *places: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for place in places:
            file.seek(place)
            file.write(random.Random(place).randbytes(min(9000, size - place)))
    return path


def copied(source: Path) -> Path:
    target = source.with_suffix(".copy")
    copy_bytes(str(source), str(target))
    return target


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 3 * MIB + 1])
def test_bytes(tmp_path: Path, size: int) -> None:
    source = tmp_path / "file"
    source.write_bytes(random.Random(size).randbytes(size))
    assert copied(source).read_bytes() == source.read_bytes()


@pytest.mark.parametrize("places", [(), (0,), (MIB,), (0, 5 * MIB, 8 * MIB - 10)])
def test_holes_stay_holes(tmp_path: Path, places: tuple[int, ...]) -> None:
    source = sparse(tmp_path / "file", 8 * MIB, *places)
    target = copied(source)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_blocks <= source.stat().st_blocks + 8


@pytest.mark.parametrize("refusal", [errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, None])
def test_where_the_kernel_does_not_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int | None) -> None:
    def refuse(*args: object) -> int:
        if refusal is None:
            return 0  # as for files that report no size
        raise OSError(refusal, "refused")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    source = sparse(tmp_path / "file", 5 * MIB, 0, 2 * MIB)
    full = tmp_path / "full"
    full.write_bytes(random.Random(1).randbytes(2 * MIB + 3))
    assert copied(source).read_bytes() == source.read_bytes()
    assert copied(full).read_bytes() == full.read_bytes()


def test_other_errors_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    (tmp_path / "file").write_bytes(b"x" * 5000)
    with pytest.raises(OSError, match="full"):
        copied(tmp_path / "file")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileExistsError):
        copy_bytes(str(tmp_path / "a"), str(tmp_path / "b"))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        copy_bytes(str(tmp_path / "link"), str(tmp_path / "b"))
