"""Directories and files of the host: hashed first, copied once, never what is outside."""

import os
import shutil
import socket
import stat
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import copying, treehash
from baselard.engine.files.walking import Filter, walk
from baselard.engine.ops import host
from baselard.engine.ops.copy import Copy
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output

pytestmark = pytest.mark.root


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A host directory as a project has one."""
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src/main.py").write_text("print()")
    (root / "README").write_text("read")
    (root / "link").symlink_to("/etc/passwd")
    os.chown(root / "README", 1000, 1000)
    return root


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were copied."""
    names: list[str] = []
    copy_bytes = copying.copy_bytes

    def spy(source: str, target: str) -> None:
        names.append(os.path.basename(source))
        copy_bytes(source, target)

    monkeypatch.setattr(copying, "copy_bytes", spy)
    return names


def test_a_directory_comes_without_its_owners(trees, here: Path) -> None:
    node = host.load(trees, str(here))
    assert trees.names(node) == ["README", "link", "src", "src/main.py"]
    assert trees.text(node, "src/main.py") == "print()"
    assert trees.stat(node, "README").st_uid == 0
    assert trees.look(node, lambda root: os.readlink(root / "link")) == "/etc/passwd"
    assert trees.stat(node, "README").st_mtime_ns == (here / "README").stat().st_mtime_ns


def test_equal_content_is_neither_copied_nor_another_node(trees, here: Path, copied: list[str], tmp_path: Path) -> None:
    first = host.load(trees, str(here))
    assert sorted(copied) == ["README", "main.py"]
    copied.clear()
    shutil.copytree(here, tmp_path / "elsewhere", symlinks=True)
    os.utime(tmp_path / "elsewhere/README", (1, 1))
    assert host.load(trees, str(here)).key == first.key
    assert host.load(trees, str(tmp_path / "elsewhere")).key == first.key
    assert copied == []
    assert len(list((trees.store.root / "layers").iterdir())) == 1


def test_its_key_is_the_hash_of_the_copy(trees, here: Path) -> None:
    node = host.load(trees, str(here))
    with trees.snapshots.view(trees.value(node).tree) as root:
        assert node.key == treehash.of_entries(str(root), walk(str(root)))


@pytest.mark.parametrize("change", ["content", "mode", "new", "target"])
def test_a_change_makes_another_key(trees, here: Path, change: str) -> None:
    before = host.load(trees, str(here))
    match change:
        case "content":
            (here / "README").write_text("READ")
        case "mode":
            (here / "README").chmod(0o700)
        case "new":
            (here / "src/new").touch()
        case "target":
            (here / "link").unlink()
            (here / "link").symlink_to("/etc/group")
    after = host.load(trees, str(here))
    assert after.key != before.key
    assert trees.text(before, "README") == "read", "what was read stays as it was"


def test_patterns_and_gitignore_files_above(trees, here: Path) -> None:
    (here / ".git").mkdir()
    (here / ".gitignore").write_text("*.log\n/src/build\n")
    for name in ("src/a.log", "src/build/x", "src/deep/keep"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).touch()
    assert trees.names(host.load(trees, str(here), Filter(include=("src",), exclude=("**/deep",)))) == [
        "src",
        "src/a.log",
        "src/build",
        "src/build/x",
        "src/main.py",
    ]
    inside = host.load(trees, str(here / "src"), Filter(gitignore=True))
    assert trees.names(inside) == ["deep", "deep/keep", "main.py"]


def test_patterns_that_point_outside_bring_nothing(trees, here: Path) -> None:
    (here.parent / "secret").touch()
    assert trees.names(host.load(trees, str(here), Filter(include=("../secret", "README")))) == ["README"]


def test_sockets_and_devices_that_would_hide_things_stay_behind(trees, here: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(here / "socket"))
        os.mknod(here / "whiteout", stat.S_IFCHR, 0)
        os.mkfifo(here / "pipe")
        assert trees.names(host.load(trees, str(here))) == ["README", "link", "pipe", "src", "src/main.py"]


def test_a_file(trees, here: Path) -> None:
    odd = here / "odd [name]*?"
    odd.write_text("odd")
    node, name = host.load_file(trees, str(odd))
    assert (trees.names(node), trees.text(node, name)) == ([odd.name], "odd")
    (here / "way").symlink_to("README")
    node, name = host.load_file(trees, str(here / "way"))
    assert trees.text(node, name) == "read"


def test_what_is_not_there_is_named(trees, here: Path) -> None:
    with pytest.raises(UserError, match="no such file or directory"):
        host.load(trees, str(here / "none"))
    with pytest.raises(UserError, match="no such file or directory"):
        host.load(trees, str(here / "README"))
    with pytest.raises(UserError, match="no such file"):
        host.load_file(trees, str(here / "none"))
    with pytest.raises(UserError, match="is a directory"):
        host.load_file(trees, str(here / "src"))


def test_what_cannot_be_read_is_named(trees, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, info: os.stat_result) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(treehash, "file_identity", refuse)
    with pytest.raises(UserError, match="README on the host cannot be read: Permission denied"):
        host.load(trees, str(here))


def test_a_file_that_changes_while_it_is_copied_is_called_by_what_was_copied(
    trees, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_bytes = copying.copy_bytes

    def late(source: str, target: str) -> None:
        if source.endswith("README"):
            Path(source).write_text("changed between hashing and copying")
            (here / "src/new").touch()
        copy_bytes(source, target)

    monkeypatch.setattr(copying, "copy_bytes", late)
    node = host.load(trees, str(here))
    monkeypatch.undo()
    assert trees.text(node, "README") == "changed between hashing and copying"
    assert "src/new" in trees.names(node)
    assert host.load(trees, str(here)).key == node.key


def test_a_lost_tree_is_read_once_more(trees, here: Path) -> None:
    node = host.load(trees, str(here))
    trees.store.db.execute("DELETE FROM results")
    assert trees.text(node, "README") == "read"
    trees.store.db.execute("DELETE FROM results")
    (here / "README").write_text("other")
    with pytest.raises(Exception, match="changed since it was read"):
        trees.value(node)


def test_a_copy_into_nothing_is_the_host_directory_itself(trees, here: Path, copied: list[str]) -> None:
    node = host.load(trees, str(here))
    copied.clear()
    assert trees.value(Copy(Output(Scratch()), Output(node), "/")).tree == trees.value(node).tree
    assert copied == []
