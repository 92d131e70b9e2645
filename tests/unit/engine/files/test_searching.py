import os
import shutil
from pathlib import Path

import pytest

from baselard.engine.errors import HostError, UserError
from baselard.engine.files import searching
from baselard.engine.files.searching import SearchResult, SearchSubmatch, Wanted, search
from baselard.engine.host import process

pytestmark = pytest.mark.skipif(not shutil.which("rg"), reason="needs ripgrep: apt-get install ripgrep")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name, text in {
        "b.py": "import os\nfoo = 1\n",
        "a/x.py": "foo(bar)\nFOO\nfoo foo\n",
        "a/.hidden": "foo\n",
        "a/skip.log": "foo\n",
        ".gitignore": "*.log\n",
        "two": "first\nsecond\n",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / ".git").mkdir()  # ripgrep(1): ignore files count in a repository alone
    (tmp_path / "secret").write_text("foo of the host\n")
    (tree / "out").symlink_to(tmp_path / "secret")
    (tree / "in").symlink_to("/a")
    (tmp_path / ".ignore").write_text("*\n")
    return tree


def places(found: list[SearchResult]) -> list[tuple[str, int]]:
    return [(one.file_path, one.line_number) for one in found]


def test_results_are_in_order_and_whole(root: Path) -> None:
    found = search(root, "/", Wanted("fo+"))
    assert places(found) == [
        ("a/.hidden", 1),
        ("a/skip.log", 1),
        ("a/x.py", 1),
        ("a/x.py", 3),
        ("b.py", 2),
    ]
    assert found[3] == SearchResult(
        "a/x.py", 3, 13, "foo foo\n", (SearchSubmatch("foo", 0, 3), SearchSubmatch("foo", 4, 7))
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted("foo(", literal=True), [("a/x.py", 1)]),
        (Wanted("^foo$", insensitive=True, skip_hidden=True, skip_ignored=True), [("a/x.py", 2)]),
        (Wanted("foo", skip_ignored=True), [("a/.hidden", 1), ("a/x.py", 1), ("a/x.py", 3), ("b.py", 2)]),
        (Wanted("foo", limit=2), [("a/.hidden", 1), ("a/skip.log", 1)]),
        (Wanted("foo", files_only=True, skip_hidden=True), [("a/skip.log", 0), ("a/x.py", 0), ("b.py", 0)]),
        (Wanted(r"first\nsecond"), None),
        (Wanted(r"first\nsecond", multiline=True), [("two", 1)]),
        (Wanted("first.second", multiline=True), []),
        (Wanted("first.second", multiline=True, dotall=True), [("two", 1)]),
        (Wanted("--version"), []),
        (Wanted("nothing like it"), []),
    ],
)
def test_options(root: Path, wanted: Wanted, expected: list[tuple[str, int]] | None) -> None:
    if expected is None:
        with pytest.raises(UserError, match="ripgrep error"):
            search(root, "/", wanted)
    else:
        assert places(search(root, "/", wanted)) == expected


def test_places_and_globs(root: Path) -> None:
    assert places(search(root, "/", Wanted("foo"), within=["b.py"])) == [("b.py", 2)]
    assert places(search(root, "/", Wanted("foo"), within=["/in/x.py"])) == [("a/x.py", 1), ("a/x.py", 3)]
    assert places(search(root, "/", Wanted("foo"), globs=["*.py", "!b.py"])) == [("a/x.py", 1), ("a/x.py", 3)]
    assert places(search(root, "/a", Wanted("foo"), globs=["*.py"])) == [("x.py", 1), ("x.py", 3)]


def test_nothing_outside_is_read(root: Path) -> None:
    assert "out" not in dict(places(search(root, "/", Wanted("host"))))
    with pytest.raises(UserError, match="No such file or directory"):
        search(root, "/", Wanted("host"), within=["out"])
    with pytest.raises(UserError, match=r"path cannot escape directory: \.\./secret"):
        search(root, "/", Wanted("host"), within=["../secret"])


def test_text_that_is_not_utf8_is_left_out(root: Path) -> None:
    (root / "latin").write_bytes(b"caf\xe9 foo\n")
    Path(os.fsdecode(bytes(root) + b"/caf\xe9")).write_text("foo\n")
    found = search(root, "/", Wanted("foo"))
    assert len(found) == 5
    assert len(search(root, "/", Wanted("foo", files_only=True))) == 5


def test_ignore_files_count_in_a_repository_alone(root: Path) -> None:
    (root / ".git").rmdir()
    assert ("a/skip.log", 1) in places(search(root, "/", Wanted("foo", skip_ignored=True)))


@pytest.mark.parametrize(
    ("wanted", "says"), [(Wanted("("), "ripgrep error: .*regex"), (Wanted("x", limit=-1), "limit")]
)
def test_bad_requests(root: Path, wanted: Wanted, says: str) -> None:
    with pytest.raises(UserError, match=says):
        search(root, "/", wanted)


def test_without_ripgrep(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "which", lambda name: None)
    with pytest.raises(HostError, match="apt-get install ripgrep"):
        searching.search(root, "/", Wanted("x"))
