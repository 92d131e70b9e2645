"""New files, directories and links; removal; owners; times."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.ops.file import Chown, NewDirectory, NewFile, Remove, Symlink, Timestamps
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output

pytestmark = pytest.mark.root
EMPTY = Output(Scratch())


def files(*names: str, on: Output = EMPTY) -> Output:
    for name in names:
        on = Output(NewFile(on, name, name.encode()))
    return on


def permissions(trees, node, path: str) -> int:
    return stat.S_IMODE(trees.stat(node, path).st_mode)


def test_a_new_file_and_its_directories(trees) -> None:
    node = NewFile(EMPTY, "a/b/c", b"\0bytes\xff", 0o4640, "12:34")
    assert trees.look(node, lambda root: (root / "a/b/c").read_bytes()) == b"\0bytes\xff"
    assert permissions(trees, node, "a/b/c") == 0o4640
    assert permissions(trees, node, "a/b") == 0o755
    assert (trees.stat(node, "a/b/c").st_uid, trees.stat(node, "a/b/c").st_gid) == (12, 34)
    assert trees.stat(node, "a/b").st_uid == 0
    assert permissions(trees, NewFile(EMPTY, "f", b"", 0), "f") == 0o644


def test_a_new_file_replaces_and_changes_nobody_elses(trees) -> None:
    old = files("/f")
    node = NewFile(old, "/f", b"new", 0o600)
    assert trees.text(node, "f") == "new"
    assert permissions(trees, node, "f") == 0o600
    assert trees.text(old.node, "f") == "/f"


def test_a_new_file_does_not_replace_a_directory(trees) -> None:
    for path in ("/d", "/"):
        with pytest.raises(UserError, match="is a directory"):
            trees.value(NewFile(files("/d/x"), path, b""))
    with pytest.raises(UserError, match="not a directory"):
        trees.value(NewFile(files("/f"), "/f/x", b""))


def test_a_new_file_behind_a_link_goes_where_it_leads_inside(trees, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    tree = Output(Symlink(files("/real/x"), "/to", "/real/x"))
    tree = Output(Symlink(tree, "/host", str(tmp_path)))
    assert trees.text(NewFile(tree, "/to", b"new"), "real/x") == "new"
    node = NewFile(tree, "/host/victim", b"new")
    assert trees.look(node, lambda root: os.path.lexists(f"{root}{tmp_path}/victim"))
    assert (tmp_path / "victim").read_text() == "mine"


def test_new_directories(trees) -> None:
    node = NewDirectory(files("/there/x"), "/there/a/b", 0o700, "5")
    assert [permissions(trees, node, name) for name in ("there", "there/a", "there/a/b")] == [0o755, 0o700, 0o700]
    assert trees.stat(node, "there/a").st_uid == 5
    assert trees.names(node) == ["there", "there/a", "there/a/b", "there/x"]
    assert trees.names(NewDirectory(Output(node), "/there")) == trees.names(node)
    with pytest.raises(UserError, match="not a directory"):
        trees.value(NewDirectory(files("/f"), "/f/d"))


@pytest.mark.parametrize("permissions", [-1, 0o10000, 1 << 40])
def test_permissions_that_cannot_be_are_refused_at_once(permissions: int) -> None:
    for make in (lambda: NewFile(EMPTY, "/f", b"", permissions), lambda: NewDirectory(EMPTY, "/d", permissions)):
        with pytest.raises(UserError, match="permissions"):
            make()


def test_an_umask_changes_no_permissions(trees) -> None:
    before = os.umask(0o077)
    try:
        node = NewDirectory(files("/a/f"), "/b/c", 0o777)
        trees.value(node)
    finally:
        os.umask(before)
    assert [permissions(trees, node, name) for name in ("a", "a/f", "b", "b/c")] == [0o755, 0o644, 0o777, 0o777]


def test_symlinks(trees) -> None:
    node = Symlink(files("/f"), "/a/link", "../../outside")
    assert trees.look(node, lambda root: os.readlink(root / "a/link")) == "../../outside"
    for path in ("/f", "/a"):
        with pytest.raises(UserError, match=r"file exists|is a directory"):
            trees.value(Symlink(Output(node), path, "x"))


@pytest.mark.parametrize("operation", [NewFile, NewDirectory, Symlink])
def test_paths_that_climb_end_at_the_root(trees, operation) -> None:
    extra = {NewFile: (b"",), NewDirectory: (), Symlink: ("x",)}[operation]
    assert trees.names(operation(EMPTY, "a/../../../x", *extra)) == ["x"]


def test_remove(trees) -> None:
    tree = Output(Symlink(files("/a/x", "/a/y", "/b", "/c.txt", "/d.txt"), "/link", "/a"))
    assert trees.names(Remove(tree, ("/a/x", "b", "/none", "/b/none"))) == ["a", "a/y", "c.txt", "d.txt", "link"]
    assert trees.names(Remove(tree, ("/a",))) == ["b", "c.txt", "d.txt", "link"]
    assert trees.names(Remove(tree, ("*.txt",))) == ["a", "a/x", "a/y", "b", "link"]
    assert trees.names(Remove(tree, ("/link",))) == ["a", "a/x", "a/y", "b", "c.txt", "d.txt"]
    assert trees.names(Remove(tree, ("/link/x",))) == ["a", "a/y", "b", "c.txt", "d.txt", "link"]
    assert trees.names(Remove(tree, ("/",))) == []
    assert "a/x" in trees.names(tree.node)


@pytest.mark.parametrize("unwanted", [("/a/x", "/a"), ("/a", "/a/x"), ("/a", "a/"), ("/a*", "/a/*")])
def test_what_is_in_what_is_removed_goes_with_it(trees, unwanted: tuple[str, ...]) -> None:
    assert trees.names(Remove(files("/a/x", "/a/y", "/b"), unwanted)) == ["b"]


def test_what_was_removed_can_come_again(trees) -> None:
    removed = Output(Remove(files("/a/x", "/a/y"), ("/a",)))
    assert trees.names(files("/a/new", on=removed).node) == ["a", "a/new"]


def test_removing_nothing_changes_nothing(trees) -> None:
    tree = files("/a")
    assert trees.value(Remove(tree, ("/none", "*.log"))) == trees.value(tree.node)


def test_removing_leads_nowhere_outside(trees, tmp_path: Path) -> None:
    (tmp_path / "victim").touch()
    tree = Output(Symlink(files("/a"), "/host", str(tmp_path)))
    trees.value(Remove(tree, ("/host/victim", "/host/*")))
    assert (tmp_path / "victim").exists()
    assert trees.names(Remove(tree, ("../*",))) == []
    assert (tmp_path / "victim").exists()


def test_chown(trees) -> None:
    tree = files("/d/a", "/d/e/b", "/other")
    tree = Output(Symlink(tree, "/d/link", "/other"))
    tree = Output(NewFile(tree, "/d/setuid", b"", 0o4755))
    node = Chown(tree, "/d", "7:8")
    owned = trees.look(node, lambda root: {p.name for p in root.rglob("*") if os.lstat(p).st_uid == 7})
    assert owned == {"d", "a", "e", "b", "link", "setuid"}
    assert permissions(trees, node, "d/setuid") == 0o4755
    assert trees.stat(node, "other").st_uid == 0
    assert trees.stat(Chown(tree, "/d/a", "9"), "d/a").st_gid == 9
    with pytest.raises(UserError, match="nobody"):
        trees.value(Chown(tree, "/d", "nobody"))
    with pytest.raises(UserError, match="no such file"):
        trees.value(Chown(tree, "/none", "1"))
    with pytest.raises(UserError, match="empty"):
        trees.value(Chown(tree, "/d", ""))


def test_timestamps(trees) -> None:
    tree = Output(Symlink(files("/d/a", "/d/e/b"), "/d/link", "/nothing"))
    node = Timestamps(tree, "/", 1234567890)
    times = trees.look(node, lambda root: {os.lstat(p).st_mtime_ns for p in (root, *root.rglob("*"))})
    assert times == {1234567890 * 10**9}
    assert trees.value(node).digest != trees.value(tree.node).digest, "times are what was asked for"


def test_equal_parents_by_other_ways_are_hits(trees) -> None:
    one, two = files("/a"), Output(Remove(files("/a"), ("/none",)))
    first, second = NewFile(one, "/x", b"x"), NewFile(two, "/x", b"x")
    trees.value(first)
    trees.log.ran.clear()
    assert trees.value(second) == trees.value(first)
    assert not any(line.startswith("new file /x") for line in trees.log.ran)


def test_a_failing_operation_leaves_nothing(trees) -> None:
    trees.value(files("/d/x").node)
    before = sorted((trees.store.root / "layers").iterdir())
    with pytest.raises(UserError):
        trees.value(NewFile(files("/d/x"), "/d", b""))
    assert sorted((trees.store.root / "layers").iterdir()) == before
    assert list(trees.store.work.iterdir()) == []
    assert shutil.disk_usage(trees.store.root).free
