"""Ways inside a tree that somebody may change meanwhile; chroot(2)'s own lookup is the judge where it can be asked."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import bounded, inside, openat2
from baselard.engine.files.inside import Reached, names_of
from tests import alone


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree beside something that is none of its business."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/key").write_text("secret")
    root = tmp_path / "tree"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_text("inside")
    (root / "abs").symlink_to("/a/b")
    (root / "up").symlink_to("../../../../a")
    (root / "a/back").symlink_to("../abs/file")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    (root / "gone").symlink_to("not/there/../file")
    return root


@pytest.fixture(params=["by the kernel", "step by step"])
def looked_up(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways that ends of ways are looked up: openat2(2)'s own, and the one where the kernel has no such call."""
    way: str = request.param
    if way == "step by step":
        monkeypatch.setattr(openat2, "opened", lambda *_: None)
        return way
    place = openat2.opened(openat2.HERE, "/", os.O_PATH, openat2.NO_LINKS)
    if place is None:
        pytest.skip("this kernel has no openat2(2), or a filter refuses it")
    os.close(place)
    return way


def _found(tree: Path, path: str) -> tuple[str, str]:
    with inside.reached(tree, path) as place:
        return tuple(os.fsdecode(b"/".join(names)) for names in (place.names, place.rest))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("path", "names", "rest"),
    [
        ("/", "", ""),
        ("/a/b", "a/b", ""),
        ("a//./b/file", "a/b", "file"),
        ("/abs/file", "a/b", "file"),
        ("/up/b", "a/b", ""),
        ("/a/back", "a/b", "file"),
        ("/abs/..", "a", ""),
        ("/../../a", "a", ""),
        ("/abs/../../..", "", ""),
        ("/a/new", "a", "new"),
        ("/a/new/deep", "a", "new/deep"),
        ("/a/new/../b", "a/b", ""),
        ("/a/new/../../a/b", "a/b", ""),
        ("/a/b/file/deep", "a/b", "file/deep"),
        ("/gone", "", "not/file"),
    ],
)
def test_where_paths_lead(tree: Path, path: str, names: str, rest: str) -> None:
    assert _found(tree, path) == (names, rest)


def test_a_link_out_of_the_tree_leads_into_it(tree: Path, tmp_path: Path) -> None:
    assert inside.read(tree, "/out/key") is None
    assert _found(tree, "/out/key")[1] == f"{tmp_path}/outside/key".lstrip("/")


@pytest.mark.parametrize("path", ["/a/b/file", "/abs/file", "/up/b/file", "/a/back", "/a/../abs/file"])
@pytest.mark.root
def test_chroot_agrees(tree: Path, path: str) -> None:
    code = "import os, sys; os.chroot(sys.argv[1]); sys.stdout.buffer.write(os.read(os.open(sys.argv[2], 0), 99))"
    seen = subprocess.run([sys.executable, "-c", code, tree, path], capture_output=True, check=True).stdout
    assert inside.read(tree, path) == seen == b"inside"


LEADS = {
    "/": ".",
    "/abs/file": "a/b/file",
    "/up/b": "a/b",
    "/a/back": "a/b/file",
    "/abs/../../..": ".",
    "/out/key": errno.ENOENT,
    "/loop": errno.ELOOP,
    "/a/new": errno.ENOENT,
    "/a/new/deep": errno.ENOENT,
    "/a/b/file/deep": errno.ENOTDIR,
}


@pytest.mark.parametrize("path", LEADS)
def test_the_end_of_a_way_is_found_inside(tree: Path, looked_up: str, path: str) -> None:
    """openat2(2) is the judge of the steps."""
    with inside.opened(tree) as root:
        try:
            found = inside.found(root, path)
        except OSError as error:
            assert error.errno == LEADS[path]
            return
    try:
        assert os.path.samestat(os.fstat(found), (tree / str(LEADS[path])).stat())
    finally:
        os.close(found)


def test_a_plain_way_has_no_link(tree: Path, looked_up: str) -> None:
    real = os.path.realpath(tree)
    os.mkfifo(tree / "a/pipe")
    with open(inside.plain(f"{real}/a/b/file")) as file:
        assert file.read() == "inside"
    links = (errno.ELOOP, errno.ENOTDIR)
    expected = {"abs/file": links, "a/back": links, "a/pipe": (errno.ESTALE,), "a/none": (errno.ENOENT,)}
    for path, numbers in expected.items():
        with pytest.raises(OSError) as caught:
            inside.plain(f"{real}/{path}")
        assert caught.value.errno in numbers


def test_circles_are_told(tree: Path) -> None:
    with pytest.raises(UserError, match="/loop: Too many levels of symbolic links"):
        inside.read(tree, "/loop")


def test_a_directory_that_is_exchanged_meanwhile_leads_nowhere_else(tree: Path, tmp_path: Path) -> None:
    with inside.reached(tree, "/a/b/key") as place:
        (tree / "a/b").rename(tree / "a/old")
        (tree / "a/b").symlink_to(tmp_path / "outside")
        assert place.status() is None
        with inside.new_file(tree, "/a/old/key", (os.geteuid(), os.getegid()), 0o600) as made:
            os.write(made, b"own")
        assert os.lstat("key", dir_fd=place.directory).st_size == 3
    assert (tmp_path / "outside/key").read_text() == "secret"


def test_no_link_is_followed_on_a_way_that_was_found(tree: Path) -> None:
    with inside.opened(tree) as root, pytest.raises(NotADirectoryError):
        inside.descend(root, names_of("abs"))


def test_files_are_written_in_the_tree(tree: Path, tmp_path: Path) -> None:
    (tree / "a/link").symlink_to(tmp_path / "outside/key")
    (tree / "a/hard").symlink_to("/a/b/new")
    owner = (os.geteuid(), os.getegid())
    with inside.new_file(tree, "/a/hard", owner, 0o640) as made:
        os.write(made, b"x")
    assert (tree / "a/b/new").read_bytes() == b"x"
    assert stat.S_IMODE((tree / "a/b/new").stat().st_mode) == 0o640
    with pytest.raises(UserError, match="there is no such directory"), inside.new_file(tree, "/a/link", owner, 0o600):
        pass
    assert (tmp_path / "outside/key").read_text() == "secret"


@pytest.mark.parametrize("kind", ["directory", "fifo", "socket", pytest.param("device", marks=alone.DEVICES)])
def test_only_files_are_read_and_written(tree: Path, kind: str) -> None:
    place = tree / "odd"
    match kind:
        case "directory":
            place.mkdir()
        case "fifo":
            os.mkfifo(place)
        case "socket":
            os.mknod(place, stat.S_IFSOCK | 0o600)
        case "device":
            os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # zeros without end
    with pytest.raises(UserError, match=r"not a regular file|no such file"):
        os.close(inside.file(tree, "/odd"))
    with pytest.raises(UserError, match="it is not a regular file"), inside.new_file(tree, "/odd", (0, 0), 0o600):
        pass
    if kind != "directory":
        with pytest.raises(UserError, match="/odd: not a regular file"):
            inside.read(tree, "/odd")
        with pytest.raises(UserError, match="odd: not a regular file"):
            bounded.read(place)


def test_no_more_is_read_than_may_be_had(tree: Path) -> None:
    with (tree / "large").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(UserError, match="/large: has more than 16 MiB"):
        inside.read(tree, "/large")
    with pytest.raises(UserError, match="has more than 0 MiB"):
        bounded.read(tree / "a/b/file", most=5)
    assert bounded.read(tree / "a/b/file", most=6) == b"inside"


def test_a_deep_way_needs_few_descriptors(tree: Path) -> None:
    deep = "/".join(["d"] * 900)
    with inside.opened(tree) as root:

        def missing(here: int, names: tuple[bytes, ...]) -> None:
            os.mkdir(names[-1], dir_fd=here)

        before = len(os.listdir("/proc/self/fd"))
        place = inside.reach(root, names_of(f"{deep}/.."), missing=missing)
        assert isinstance(place, Reached)
        assert len(os.listdir("/proc/self/fd")) == before + 1
        os.close(place.directory)


def test_what_changed_after_a_look_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program takes away the directory, or the file, that was there."""
    (tmp_path / "d").mkdir()
    monkeypatch.setattr(inside.Reached, "status", lambda _: (tmp_path / "d").rmdir())
    with pytest.raises(UserError, match=r"^No such file"), inside.new_file(tmp_path, "/d/x", (0, 0), 0o600):
        pass
    monkeypatch.setattr(inside.Reached, "status", lambda _: os.stat(tmp_path))
    with pytest.raises(UserError, match=r"^/gone: No such file or directory"):
        inside.read(tmp_path, "/gone")
