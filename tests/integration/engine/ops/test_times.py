"""No time in a tree tells when the engine made it, so that the same build is the same image in any store.

Judge: the operations made twice, in two stores, of which the second is asked later by the clock: every time of
modification is the same, and older than the test but where it came with a file.
"""

import io
import os
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files.walking import Filter
from baselard.engine.ops.copy import Copy, CopyFiles
from baselard.engine.ops.file import Chmod, Chown, NewDirectory, NewFile, Remove, Symlink
from baselard.engine.ops.git import GitTree
from baselard.engine.ops.host import load
from baselard.engine.ops.merge import ApplyChanges, Diff
from baselard.engine.ops.patch import ApplyPatch, MakePatch
from baselard.engine.ops.replace import Replace
from baselard.engine.ops.scratch import Scratch
from baselard.engine.ops.unpack import Unpack
from baselard.engine.solver.graph import Node, Output
from baselard.engine.store import stamps
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import Snapshots

pytestmark = pytest.mark.root
EMPTY = Output(Scratch())
OLD = 1_000_000_000  # of the host's files


def _new(path: str, text: bytes = b"text", on: Output = EMPTY) -> Output:
    return Output(NewFile(on, path, text))


BASE = Output(Symlink(_new("/d/e/f", on=_new("/etc/passwd", b"me:x:5:6::/:\n")), "/d/link", "e"))
OPERATIONS: dict[str, Callable[[Output], Node]] = {
    "a file": lambda _: NewFile(EMPTY, "/a/b", b"text"),
    "a file in a directory that is there": lambda _: NewFile(BASE, "/d/e/g", b"text"),
    "a file in the place of a directory": lambda _: NewFile(Output(Remove(BASE, ("/d",))), "/d", b"text"),
    "a directory": lambda _: NewDirectory(BASE, "/d/x/y", owner="me"),
    "a link": lambda _: Symlink(BASE, "/d/x/y", "nowhere"),
    "a removal": lambda _: Remove(BASE, ("/d/e/f",)),
    "a removal and a new file": lambda _: _new("/d/e/f", b"new", Output(Remove(BASE, ("/d/e",)))).node,
    "an owner": lambda _: Chown(BASE, "/d", "me"),
    "modes": lambda _: Chmod(BASE, "/d", (("e", 0o700), ("e/f", 0o600))),
    "a replacement": lambda _: Replace(BASE, "/d/e/f", b"text", b"other"),
    "a copy of what was made": lambda _: Copy(BASE, BASE, "/to/there", "/d"),
    "a copy into what is there": lambda _: Copy(BASE, _new("/x/y"), "/d/e", "/x"),
    "an empty directory copied": lambda _: Copy(BASE, EMPTY, "/d/x"),
    "a copied file": lambda _: CopyFiles(BASE, (BASE,), ("/etc/passwd",), "/new/er/"),
    "a copied file with an owner": lambda _: CopyFiles(BASE, (BASE,), ("/etc/passwd",), "/d/e/", owner="me"),
    "a host directory": lambda host: host.node,
    "a copy of a host directory": lambda host: Copy(BASE, host, "/d/e"),
    "a copy of a host directory, new": lambda host: Copy(BASE, host, "/app"),
    "a part of a host directory": lambda host: Copy(EMPTY, host, "/", selected=Filter(exclude=("sub",))),
    "a difference": lambda host: Diff(BASE, Output(Copy(BASE, host, "/d"))),
    "changes": lambda host: ApplyChanges(BASE, BASE, Output(Remove(Output(Copy(BASE, host, "/d")), ("/d/e",))), "/in"),
    "a patch": lambda _: MakePatch(BASE, _new("/d/e/f", b"new\n", BASE)),
    "a patched tree": lambda _: ApplyPatch(
        BASE, Output(MakePatch(BASE, _new("/d/n/f", b"new\n", BASE))), "/diff.patch"
    ),
    "an archive": lambda host: Unpack(host, "/a.tar", "a.tar"),
    "no archive": lambda host: Unpack(host, "/file", "file"),
    "a checkout with its repository": lambda host: GitTree("", "main", source=host, subdirectory="/repo"),
    "a checkout": lambda host: GitTree("", "main", keep=False, source=host, subdirectory="/repo"),
}


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host directory whose files are old, as a project's are."""
    root = tmp_path / "project"
    (root / "sub").mkdir(parents=True)
    for name in ("file", "sub/other"):
        (root / name).write_text(name)
    with tarfile.open(root / "a.tar", "w") as archive:
        for name in ("in/plied/file", "root"):
            info = tarfile.TarInfo(name)
            info.mtime, info.size = OLD, 1
            archive.addfile(info, io.BytesIO(b"x"))
    user = ["-c", "user.name=n", "-c", "user.email=e"]
    date = {**os.environ, "GIT_COMMITTER_DATE": f"{OLD} +0000", "GIT_AUTHOR_DATE": f"{OLD} +0000"}
    for words in (["init", "-q", "-b", "main", "."], ["add", "."], [*user, "commit", "-q", "-m", "m"]):
        (root / "repo").mkdir(exist_ok=True)
        (root / "repo/tracked").write_text("tracked")
        subprocess.run(["git", *words], cwd=root / "repo", check=True, env=date)
    for path in (*root.rglob("*"), root):
        os.utime(path, (OLD, OLD), follow_symlinks=False)
    return root


def _times(trees: Any, node: Node) -> dict[str, int]:
    def look(root: Path) -> dict[str, int]:
        return {str(path.relative_to(root)): os.lstat(path).st_mtime_ns for path in (root, *root.rglob("*"))}

    return trees.look(node, look)


@pytest.fixture
def later(trees, tmp_path: Path) -> Iterator[Any]:
    """Another store."""
    store = Store.open(tmp_path / "later")
    yield type(trees)(store, Snapshots(store))
    store.close()


@pytest.mark.parametrize("make", OPERATIONS.values(), ids=OPERATIONS)
def test_two_stores_have_the_same_times(trees, later, host: Path, make: Callable[[Output], Node]) -> None:
    began = time.time_ns() - 10**9
    first = _times(trees, make(Output(load(trees, str(host)))))
    os.utime(host)  # as something that is ignored has been written into it
    assert _times(later, make(Output(load(later, str(host))))) == first
    assert {path: at for path, at in first.items() if at >= began} == {}


def test_times_that_came_with_files_are_kept(trees, host: Path) -> None:
    """Those of the future, too."""
    os.utime(host / "file", (4_000_000_000, 4_000_000_000))
    found = _times(trees, Copy(BASE, Output(load(trees, str(host))), "/app"))
    assert (found["app/file"], found["app/sub"], found["app/sub/other"]) == (4 * 10**18, OLD * 10**9, OLD * 10**9)


def test_a_checkout_has_the_time_of_its_commit(trees, host: Path) -> None:
    node = GitTree("", "main", keep=False, source=Output(load(trees, str(host))), subdirectory="/repo")
    assert set(_times(trees, node).values()) == {OLD * 10**9}


def test_a_repository_that_is_kept_does_not_tell_where_it_was_made(trees, later, host: Path) -> None:
    """Neither the index, which knows inodes and times, nor logs, nor the address of a directory of the store."""

    def look(root: Path) -> dict[str, bytes]:
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    first, second = (
        one.look(GitTree("", "main", source=Output(load(one, str(host))), subdirectory="/repo"), look)
        for one in (trees, later)
    )
    assert first[".git/HEAD"]
    assert first == second


def test_files_of_other_content_have_other_times(trees) -> None:
    """Python keeps compiled code as long as a source has the time and the size that it had."""
    one, other = (_times(trees, NewFile(EMPTY, "/version.py", text))["version.py"] for text in (b"V = 1\n", b"V = 2\n"))
    assert one // 10**9 != other // 10**9
    assert min(one, other) >= stamps.FIXED


def test_fixed_times_are_times_that_a_zip_archive_can_hold() -> None:
    """From 1980 on (APPNOTE.TXT, 4.4.6), by whatever time zone the year is told."""
    assert time.gmtime(stamps.FIXED / 10**9 - 14 * 3600).tm_year == 1980
