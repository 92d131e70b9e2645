"""The state of a directory's entries; the judge of each stamp is stat(2)."""

import os
from pathlib import Path

import pytest

from baselard.engine.files import listing


def packed(root: Path) -> bytes:
    """The same from stat(2), entry by entry."""
    names = sorted(os.listdir(os.fsencode(root)))
    infos = [os.lstat(os.fsencode(root) + b"/" + name) for name in names]

    def column(numbers: list[int]) -> bytes:
        return b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)

    def seconds(times: list[int]) -> bytes:
        return column([time // 10**9 for time in times]) + column([time % 10**9 for time in times])

    return b"".join(
        (
            b"/".join(names) + b"/",
            column([info.st_ino for info in infos]),
            column([info.st_size for info in infos]),
            seconds([info.st_ctime_ns for info in infos]),
            seconds([info.st_mtime_ns for info in infos]),
            column([os.minor(info.st_dev) << 32 | os.major(info.st_dev) for info in infos]),
        )
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(300):
        (tmp_path / f"f{number}").write_text("x" * number)
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).touch()
    os.utime(tmp_path / "f1", ns=(1, -1_500_000_000))  # before 1970
    return tmp_path


def test_every_stamp_is_what_stat_tells(root: Path) -> None:
    assert listing.of(str(root)).state == packed(root)


def test_a_directory_with_nothing_in_it(tmp_path: Path) -> None:
    found = listing.of(str(tmp_path))
    assert (found.state, found.newest) == (b"/", int(tmp_path.stat().st_ctime))


def test_the_newest_is_told(root: Path) -> None:
    os.utime(root / "f7", (5_000_000_000, 5_000_000_000))
    assert listing.of(str(root)).newest == 5_000_000_000


@pytest.mark.parametrize("name", ["none", "link", "f1"])
def test_what_is_no_directory_is_refused(root: Path, name: str) -> None:
    with pytest.raises(OSError, match=name):
        listing.of(str(root / name))


def test_what_went_meanwhile_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", lambda _: [b"f1", b"gone"])
    with pytest.raises(FileNotFoundError):
        listing.of(str(root))
    assert listing.names([str(root)]) == [""]
