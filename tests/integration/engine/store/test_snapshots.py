"""Snapshots on real overlay mounts: what must survive, and what must not show through."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.store import ids
from baselard.engine.store import snapshots as snapshot
from baselard.engine.store.database import Snapshot, Store
from tests import alone

pytestmark = pytest.mark.root
Change = Callable[[Path], object]
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service=ep


def step(trees, parent: Snapshot | None, change: Change) -> Snapshot:
    with trees.snapshots.draft(parent) as draft:
        change(draft.path)
        return draft.commit()


def names(trees, made: Snapshot) -> set[str]:
    with trees.snapshots.view(made) as root:
        return {str(path.relative_to(root)) for path in root.rglob("*")}


def make_all_kinds(root: Path) -> None:
    (root / "directory").mkdir(mode=0o1777)
    (root / "directory").chmod(0o1777)
    (root / "directory/file").write_text("content")
    (root / "directory/file").chmod(0o4751)
    os.link(root / "directory/file", root / "hard")
    (root / "link").symlink_to("/directory/file")
    os.mkfifo(root / "pipe")
    alone.device(root / "null", 0o666, 1, 3)
    os.mknod(root / "socket", stat.S_IFSOCK | 0o600)
    (root / "tool").write_text("binary")
    os.setxattr(root / "tool", "security.capability", CAPABILITY)
    os.setxattr(root / "directory", "user.note", b"kept")
    Path(os.fsdecode(bytes(root) + b"/caf\xe9")).write_text("latin")
    with (root / "sparse").open("wb") as file:
        file.seek(1 << 26)
        file.write(b"end")
    os.chown(root / "link", 12, 34, follow_symlinks=False)
    os.chown(root / "directory", 1000, 1001)
    for path in root.iterdir():
        os.utime(path, ns=(1_000_000_001, 1_234_567_890_123_456_789), follow_symlinks=False)


def check_all_kinds(root: Path) -> None:
    info = os.stat(root / "directory")
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (1000, 1001, 0o1777)
    assert os.getxattr(root / "directory", "user.note") == b"kept"
    assert stat.S_IMODE(os.stat(root / "directory/file").st_mode) == 0o4751
    assert os.path.samestat(os.stat(root / "directory/file"), os.stat(root / "hard"))
    assert os.readlink(root / "link") == "/directory/file"
    assert (os.lstat(root / "link").st_uid, os.lstat(root / "link").st_gid) == (12, 34)
    assert stat.S_ISFIFO(os.lstat(root / "pipe").st_mode)
    assert stat.S_ISSOCK(os.lstat(root / "socket").st_mode)
    assert os.lstat(root / "null").st_rdev == (os.makedev(1, 3) if ids.are_all() else 0)
    assert os.getxattr(root / "tool", "security.capability") == CAPABILITY
    assert Path(os.fsdecode(bytes(root) + b"/caf\xe9")).read_text() == "latin"
    assert os.stat(root / "sparse").st_size == (1 << 26) + 3
    assert os.stat(root / "sparse").st_blocks * 512 < 1 << 20
    assert {os.lstat(path).st_mtime_ns for path in root.iterdir()} >= {1_234_567_890_123_456_789}
    assert os.lstat(root / "link").st_mtime_ns == 1_234_567_890_123_456_789


def test_every_kind_of_file_survives(trees) -> None:
    first = step(trees, None, make_all_kinds)
    second = step(trees, first, lambda root: (root / "more").touch())
    for made in (first, second):
        with trees.snapshots.view(made) as root:
            check_all_kinds(root)


def test_what_is_deleted_stays_deleted_and_parents_keep_it(trees) -> None:
    base = step(trees, None, lambda root: [(root / name).mkdir() for name in "ab"] + [(root / "a/x").touch()])
    without = step(trees, base, lambda root: shutil.rmtree(root / "a"))
    again = step(trees, without, lambda root: (root / "a").mkdir())
    assert names(trees, base) == {"a", "a/x", "b"}
    assert names(trees, without) == {"b"}
    assert names(trees, again) == {"a", "b"}, "a directory made anew shows nothing of the old one"


def test_files_and_directories_replace_each_other(trees) -> None:
    base = step(trees, None, lambda root: [(root / "d").mkdir(), (root / "d/x").touch(), (root / "f").touch()])

    def swap(root: Path) -> None:
        shutil.rmtree(root / "d")
        (root / "d").write_text("now a file")
        (root / "f").unlink()
        (root / "f").mkdir()

    swapped = step(trees, base, swap)
    assert names(trees, swapped) == {"d", "f"}
    again = step(trees, swapped, lambda root: [(root / "d").unlink(), (root / "d").mkdir()])
    assert names(trees, again) == {"d", "f"}


def test_siblings_do_not_see_each_other(trees) -> None:
    base = step(trees, None, lambda root: (root / "base").write_text("base"))
    children = [step(trees, base, lambda root, n=n: (root / "base").write_text(str(n))) for n in range(3)]  # type: ignore[misc]
    for number, child in enumerate(children):
        with trees.snapshots.view(child) as root:
            assert (root / "base").read_text() == str(number)
    with trees.snapshots.view(base) as root:
        assert (root / "base").read_text() == "base"


def test_consumers_of_a_base_copy_nothing(trees) -> None:
    base = step(trees, None, lambda root: (root / "big").write_bytes(os.urandom(1 << 22)))
    children = [step(trees, base, lambda root, n=n: (root / f"own{n}").write_text("own")) for n in range(6)]  # type: ignore[misc]
    own = sum(p.lstat().st_size for c in children for p in trees.store.layer_path(c).rglob("*") if p.is_file())
    assert own == 6 * len("own")


def test_the_root_itself_keeps_its_looks(trees) -> None:
    def dress(root: Path) -> None:
        os.chown(root, 1000, 1000)
        root.chmod(0o750)
        os.setxattr(root, "user.note", b"kept")

    base = step(trees, None, dress)
    child = step(trees, base, lambda root: (root / "more").touch())
    with trees.snapshots.view(child) as root:
        info = root.stat()
        assert (info.st_uid, stat.S_IMODE(info.st_mode)) == (1000, 0o750)
        assert os.getxattr(root, "user.note") == b"kept"


def test_an_umask_does_not_close_new_trees(trees) -> None:
    before = os.umask(0o077)
    try:
        made = step(trees, None, lambda root: None)
    finally:
        os.umask(before)
    with trees.snapshots.view(made) as root:
        assert stat.S_IMODE(root.stat().st_mode) == 0o755


def test_a_draft_that_fails_leaves_nothing(trees) -> None:
    base = step(trees, None, lambda root: (root / "base").touch())
    with pytest.raises(RuntimeError), trees.snapshots.draft(base) as draft:
        (draft.path / "half").touch()
        raise RuntimeError
    assert [path.name for path in (trees.store.root / "layers").iterdir()] == [base.name]
    assert list(trees.store.work.iterdir()) == []
    assert str(trees.store.root) not in Path("/proc/self/mountinfo").read_text()


def test_views_are_not_for_writing(trees) -> None:
    base = step(trees, None, lambda root: (root / "base").touch())
    child = step(trees, base, lambda root: (root / "child").touch())
    with trees.snapshots.view(child) as root, pytest.raises(OSError, match="Read-only"):
        (root / "new").touch()


def test_the_empty_tree_can_be_looked_at(trees) -> None:
    with trees.snapshots.view(None) as root:
        assert list(root.iterdir()) == []


def test_chains_longer_than_overlayfs_takes(trees) -> None:
    """500 lower directories is the kernel's limit; the tree is the same however the chain is folded."""
    made = step(trees, None, make_all_kinds)
    made = step(trees, made, lambda root: [(root / "gone").mkdir(), (root / "gone/file").touch(), (root / "d").mkdir()])
    with trees.snapshots.layer(made) as draft:
        os.mknod(draft.path / "gone", stat.S_IFCHR, 0)
        made = draft.commit()
    for number in range(520):
        with trees.snapshots.layer(made) as draft:
            (draft.path / "d").mkdir()
            (draft.path / f"d/{number}").touch()
            if number % 100 == 50:
                alone.opaque(draft.path / "d")
            made = draft.commit()
    with trees.snapshots.view(made) as root:
        check_all_kinds(root)
        assert not (root / "gone").exists()
        assert sorted(int(path.name) for path in (root / "d").iterdir()) == list(range(450, 520))
    assert len(trees.snapshots.lowerdirs(made)) < 500
    step(trees, made, lambda root: (root / "more").touch())


def test_a_directory_moved_over_layers_is_whole(trees) -> None:
    """Kernels with redirect_dir on would record the move in a way that only their own mounts understand."""
    base = step(trees, None, lambda root: [(root / "old").mkdir(), (root / "old/file").write_text("here")])
    moved = step(trees, base, lambda root: shutil.move(root / "old", root / "new"))
    assert names(trees, moved) == {"new", "new/file"}
    layer = trees.store.layer_path(moved)
    assert (layer / "new/file").read_text() == "here"


def test_a_store_on_overlayfs_is_explained(trees, tmp_path: Path) -> None:
    lower, upper, work, merged = (tmp_path / name for name in ("l", "u", "w", "m"))
    for directory in (lower, upper, work, merged):
        directory.mkdir()
    snapshot.mount("overlay", merged, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")
    nested = Store.open(merged / "store")
    try:
        snapshots = snapshot.Snapshots(nested)
        with snapshots.draft(None) as draft:
            base = draft.commit()
        with pytest.raises(HostError, match="BASELARD_STORE"), snapshots.draft(base):
            pass
    finally:
        nested.close()
        snapshot.unmount(merged)
