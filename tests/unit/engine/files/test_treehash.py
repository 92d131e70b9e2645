import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from baselard.engine.files import treehash
from baselard.engine.files.treehash import As
from baselard.engine.files.walking import Filter, walk
from tests import alone


def digest(root: Path, selected: Filter | None = None, owner: As | None = None) -> str:
    return treehash.of_entries(str(root), walk(str(root), selected or Filter()), owner=owner or As())


def make(root: Path) -> Path:
    (root / "directory").mkdir(parents=True)
    (root / "directory/file").write_bytes(b"content")
    (root / "link").symlink_to("directory/file")
    os.mkfifo(root / "pipe")
    return root


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "directory/file").write_bytes(b"CONTENT"),
    "mode": lambda root: (root / "directory/file").chmod(0o4755),
    "mode of a directory": lambda root: (root / "directory").chmod(0o700),
    "name": lambda root: (root / "directory/file").rename(root / "directory/other"),
    "target": lambda root: [(root / "link").unlink(), (root / "link").symlink_to("directory")],
    "type": lambda root: [(root / "pipe").unlink(), (root / "pipe").mkdir()],
    "new": lambda root: (root / "empty").mkdir(),
    "gone": lambda root: (root / "pipe").unlink(),
    "attribute": lambda root: os.setxattr(root / "directory/file", "user.a", b"1"),
    "attribute of a directory": lambda root: os.setxattr(root / "directory", "user.a", b"1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_content_counts(tmp_path: Path, change: str) -> None:
    before = digest(make(tmp_path / "tree"))
    CHANGES[change](tmp_path / "tree")
    assert digest(tmp_path / "tree") != before


@alone.DEVICES
def test_owners_and_devices_count(tmp_path: Path) -> None:
    root = make(tmp_path / "tree")
    digests = [digest(root)]
    os.chown(root / "link", 1, 2, follow_symlinks=False)
    digests.append(digest(root))
    os.mknod(root / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    digests.append(digest(root))
    (root / "null").unlink()
    os.mknod(root / "null", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    digests.append(digest(root))
    assert len(set(digests)) == 4


@pytest.mark.root
def test_owners_can_be_counted_as_others(tmp_path: Path) -> None:
    root = make(tmp_path / "tree")
    mine = As(0, 0)
    before = digest(root, owner=mine)
    os.chown(root / "directory/file", 1000, 1000)
    assert digest(root, owner=mine) == before
    assert digest(root) != before


def test_times_and_hard_links_do_not_count(tmp_path: Path) -> None:
    root = make(tmp_path / "tree")
    (root / "twin").write_bytes(b"content")
    before = digest(root)
    os.utime(root / "directory/file", (1, 1))
    (root / "twin").unlink()
    os.link(root / "directory/file", root / "twin")
    assert digest(root) == before


def test_a_part_is_hashed_as_a_tree_of_its_own(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole")
    part = make(tmp_path / "part")
    (whole / "more").write_text("more")
    (whole / "directory/more.log").write_text("more")
    assert digest(whole, Filter(exclude=("more", "**/*.log"))) == digest(part)
    assert digest(whole / "directory", Filter(exclude=("*.log",))) == digest(part / "directory")


def test_names_cannot_be_mistaken_for_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for root, names in ((one, ("a", "b")), (other, ("ab", ""))):
        root.mkdir()
        for name in filter(None, names):
            (root / name).write_bytes(b"")
    assert digest(one) != digest(other)


def test_the_empty_tree(tmp_path: Path) -> None:
    assert digest(tmp_path) == treehash.EMPTY


@pytest.mark.parametrize("size", [0, 1, (1 << 16) - 1, 1 << 16, (1 << 20) + 1])
def test_file_digest_is_that_of_the_content_s_digest(tmp_path: Path, size: int) -> None:
    """As Dagger's is: of one byte ``1``, which it answers ``sha256:9c2e4d8f…`` for, and of any other."""
    import hashlib

    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert treehash.of_file(f"{tmp_path}/file", metadata=False) == (
        "sha256:" + hashlib.sha256(hashlib.sha256(data).digest()).hexdigest()
    )


def test_file_digest_with_metadata(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    path.chmod(0o600)
    before = treehash.of_file(str(path)), treehash.of_file(str(path), metadata=False)
    path.chmod(0o644)
    assert treehash.of_file(str(path)) != before[0]
    assert treehash.of_file(str(path), metadata=False) == before[1]
