import errno
import os
import stat
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import exporting
from baselard.engine.store import stamps
from tests import alone


@pytest.fixture
def source(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d/file").write_text("new")
    (tree / "d/file").chmod(0o750)
    (tree / "link").symlink_to("d/file")
    os.utime(tree / "d/file", (1, 1_000_000))
    return tree


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_a_directory_is_joined_into_what_is_there(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "made/anew"
    assert exporting.export_directory(str(source), target, wipe=False) == target
    (target / "own").touch()
    (target / "d/file").write_text("old")
    exporting.export_directory(str(source), target, wipe=False)
    assert names(target) == ["d", "d/file", "link", "own"]
    assert (target / "d/file").read_text() == "new"
    info = (target / "d/file").stat()
    assert (stat.S_IMODE(info.st_mode), info.st_mtime) == (0o750, 1_000_000)
    assert os.readlink(target / "link") == "d/file"


def test_wiping_leaves_nothing_else(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "own/deep").mkdir(parents=True)
    (target / "d").mkdir()
    (target / "d/own").touch()
    exporting.export_directory(str(source), target, wipe=True)
    assert names(target) == ["d", "d/file", "link"]


def test_the_whole_host_is_not_wiped(source: Path) -> None:
    with pytest.raises(UserError, match="everything on this host"):
        exporting.export_directory(str(source), Path("/"), wipe=True)


def test_links_in_the_target_are_replaced_not_followed(source: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine")
    target = tmp_path / "target"
    target.mkdir()
    (target / "d").symlink_to(victim)
    (target / "link").symlink_to(victim / "file")
    exporting.export_directory(str(source), target, wipe=True)
    assert (victim / "file").read_text() == "mine"
    assert names(target) == ["d", "d/file", "link"]


def test_hard_links_of_replaced_files_keep_the_old_content(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "d").mkdir(parents=True)
    (target / "d/file").write_text("old")
    os.link(target / "d/file", tmp_path / "other")
    exporting.export_directory(str(source), target, wipe=False)
    assert (tmp_path / "other").read_text() == "old"


def test_what_is_written_is_no_link_into_the_store(source: Path, tmp_path: Path) -> None:
    exporting.export_directory(str(source), tmp_path / "target", wipe=False)
    assert (tmp_path / "target/d/file").stat().st_nlink == 1


def test_kinds_replace_each_other(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "link/x").mkdir(parents=True)
    (target / "d").touch()
    exporting.export_directory(str(source), target, wipe=False)
    assert names(target) == ["d", "d/file", "link"]


def test_a_directory_does_not_replace_a_file(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file, not a directory"):
        exporting.export_directory(str(source), tmp_path / "file", wipe=False)


def test_a_file(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "made/anew"
    assert exporting.export_file(f"{source}/d/file", target, allow_parent=False, name="file") == target
    assert target.read_text() == "new"
    assert names(target.parent) == ["anew"], "nothing half-written stays"


def test_a_file_into_a_directory(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="allowParentDirPath"):
        exporting.export_file(f"{source}/d/file", tmp_path, allow_parent=False, name="called")
    found = exporting.export_file(f"{source}/d/file", tmp_path, allow_parent=True, name="called")
    assert found == tmp_path  # as Dagger answers: the path that was given
    assert (tmp_path / "called").read_text() == "new"


def test_a_new_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "made/anew"
    with exporting.new_file(target) as path:
        path.write_text("new")
        assert not target.exists()
    assert (target.read_text(), names(target.parent)) == ("new", ["anew"])
    with pytest.raises(ZeroDivisionError), exporting.new_file(target) as path:
        path.write_text(str(1 / 0))
    with pytest.raises(UserError, match="cannot be written: No space left"), exporting.new_file(target) as path:
        path.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    assert (target.read_text(), names(target.parent)) == ("new", ["anew"])
    with pytest.raises(UserError, match="is a directory"), exporting.new_file(tmp_path):
        pass


def test_what_cannot_be_written_is_explained(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        exporting.export_file(f"{source}/d/file", tmp_path / "file/below", allow_parent=False, name="x")
    with pytest.raises(UserError, match="cannot be written"):
        exporting.export_directory(str(source), tmp_path / "file/below", wipe=False)


@pytest.mark.root
def test_what_is_written_belongs_to_the_user_behind_sudo(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(source / "d/file", 5, 6)
    exporting.export_directory(str(source), tmp_path / "mine", wipe=False)
    assert (tmp_path / "mine/d/file").stat().st_uid == 0
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    exporting.export_directory(str(source), tmp_path / "theirs/made", wipe=False)
    for path in (tmp_path / "theirs", *(tmp_path / "theirs").rglob("*")):
        assert (os.lstat(path).st_uid, os.lstat(path).st_gid) == (1234, 1235), path


@alone.DEVICES
def test_privileges_stay_behind(source: Path, tmp_path: Path) -> None:
    value = bytes.fromhex("0100000200040000000000000000000000000000")
    os.setxattr(source / "d/file", "security.capability", value)
    (source / "d/file").chmod(0o6755)
    (source / "d").chmod(0o2755)
    os.mknod(source / "disk", stat.S_IFBLK | 0o666, os.makedev(8, 0))
    os.mkfifo(source / "pipe")
    exporting.export_directory(str(source), tmp_path / "target", wipe=False)
    assert names(tmp_path / "target") == ["d", "d/file", "link", "pipe"]
    assert os.listxattr(tmp_path / "target/d/file") == []
    assert stat.S_IMODE((tmp_path / "target/d/file").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "target/d").stat().st_mode) == 0o2755


def test_what_the_engine_wrote_is_new_on_the_host(source: Path, tmp_path: Path) -> None:
    """make(1) goes by times: a report made now is not of 1980, and what came with a time of its own keeps it."""
    stamps.put(source / "d/file", stamps.of(b"new"))
    (source / "d/came").touch()
    os.utime(source / "d/came", (1, 1_000_000))
    started = os.stat(tmp_path).st_mtime
    target = exporting.export_directory(str(source), tmp_path / "out", wipe=False)
    assert (target / "d/file").stat().st_mtime >= started
    assert (target / "d/came").stat().st_mtime == 1_000_000
