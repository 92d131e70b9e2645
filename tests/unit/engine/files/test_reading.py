import os
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import reading
from baselard.engine.files.reading import FileType


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name in ("a/b/c.md", "a/b.md", "a/x", "a.txt", "A", "z.md"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "link").symlink_to("/a")
    (tree / "out").symlink_to(tmp_path)
    (tree / "dangling").symlink_to("none")
    (tmp_path / "outside").touch()
    return tree


def test_entries_are_sorted_by_name_and_directories_end_in_a_slash(root: Path) -> None:
    assert reading.entries(root) == ["A", "a/", "a.txt", "dangling", "link", "out", "z.md"]
    assert reading.entries(root, "/a") == ["b/", "b.md", "x"]
    assert reading.entries(root, "link") == ["b/", "b.md", "x"]


def test_links_do_not_lead_out(root: Path) -> None:
    for question in (reading.entries, reading.contents, reading.size, reading.status):
        with pytest.raises(UserError, match="no such file or directory"):
            question(root, "out/outside")
    for climbing in ("../outside", "a/../../outside", "/../../../../../../../../../../etc/passwd"):
        with pytest.raises(UserError, match="no such file or directory"):
            reading.contents(root, climbing)
    assert not reading.exists(root, "out/outside")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["A", "a/", "a.txt", "dangling", "link", "out", "z.md"]),
        ("**/*.md", ["a/b/c.md", "a/b.md", "z.md"]),
        ("a", ["a/"]),
        ("a/*", ["a/b/", "a/b.md", "a/x"]),
        ("a/**", ["a/b/", "a/b/c.md", "a/b.md", "a/x"]),
        ("**/b", ["a/b/"]),
        ("none", []),
    ],
)
def test_glob(root: Path, pattern: str, found: list[str]) -> None:
    assert reading.glob(root, "/", pattern) == found


def test_glob_below_a_path(root: Path) -> None:
    assert reading.glob(root, "/a", "**/*.md") == ["b/c.md", "b.md"]
    with pytest.raises(UserError, match="not a directory"):
        reading.glob(root, "/a.txt", "*")


def test_contents_and_their_errors(root: Path) -> None:
    assert reading.contents(root, "/a/x") == b"a/x"
    assert reading.contents(root, "link/x") == b"a/x"
    with pytest.raises(UserError, match="is a directory"):
        reading.contents(root, "a")
    with pytest.raises(UserError, match="no such file or directory"):
        reading.contents(root, "a.txt/x")
    os.mkfifo(root / "pipe")
    with pytest.raises(UserError, match="not a regular file"):
        reading.contents(root, "pipe")


def test_contents_have_a_limit(root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(reading.MAX_CONTENTS + 1)
    with pytest.raises(UserError, match="exceeds limit"):
        reading.contents(root, "huge")
    assert reading.size(root, "huge") == reading.MAX_CONTENTS + 1


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [(0, None, b"1\n2\n3"), (1, None, b"2\n3"), (1, 1, b"2\n"), (5, None, b""), (0, 0, b""), (2, 9, b"3")],
)
def test_lines(offset: int, limit: int | None, expected: bytes) -> None:
    assert reading.lines(b"1\n2\n3", offset, limit) == expected


def test_lines_cannot_be_negative() -> None:
    for offset, limit in ((-1, None), (0, -1)):
        with pytest.raises(UserError, match="negative"):
            reading.lines(b"", offset, limit)


def test_status(root: Path) -> None:
    (root / "a.txt").chmod(0o4640)
    found = reading.status(root, "a.txt")
    assert (found.name, found.kind, found.permissions, found.size) == ("a.txt", FileType.REGULAR, 0o640, 5)
    assert reading.status(root, "/link").kind == FileType.DIRECTORY
    assert reading.status(root, "/link", follow=False).kind == FileType.SYMLINK
    assert reading.status(root, ".").kind == FileType.DIRECTORY
    with pytest.raises(UserError, match="no such file"):
        reading.status(root, "dangling")


@pytest.mark.parametrize(
    ("path", "kind", "follow", "expected"),
    [
        ("a", None, True, True),
        ("a", FileType.DIRECTORY, True, True),
        ("a", FileType.REGULAR, True, False),
        ("link", FileType.DIRECTORY, True, True),
        ("link", FileType.DIRECTORY, False, False),
        ("link", FileType.SYMLINK, True, True),
        ("dangling", None, True, False),
        ("dangling", None, False, True),
        ("a.txt/x", None, True, False),
    ],
)
def test_exists(root: Path, path: str, kind: FileType | None, follow: bool, expected: bool) -> None:
    assert reading.exists(root, path, kind, follow=follow) is expected


def test_find_up(root: Path) -> None:
    assert reading.find_up(root, "/", "z.md", "a/b") == "z.md"
    assert reading.find_up(root, "/", "b.md", "a/b") == "a/b.md"
    assert reading.find_up(root, "/", "c.md", "a/b") == "a/b/c.md"
    assert reading.find_up(root, "/", "none", "a/b") is None
    assert reading.find_up(root, "/a", "z.md", "b") is None
    with pytest.raises(UserError, match="empty"):
        reading.find_up(root, "/", "", "a")
    with pytest.raises(UserError, match="cannot search outside parent"):
        reading.find_up(root, "/", "x", "../..")
