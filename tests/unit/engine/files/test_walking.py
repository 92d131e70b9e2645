import os
from pathlib import Path

from baselard.engine.files.walking import EVERYTHING, Filter, walk


def make(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    return root


def seen(root: Path, selected: Filter = EVERYTHING) -> list[str]:
    return [entry.path for entry in walk(str(root), selected)]


def test_directories_come_before_their_content_in_the_order_of_names(tmp_path: Path) -> None:
    make(tmp_path, "b", "a/z", "a/b/c", "a.txt", "empty/")
    assert seen(tmp_path) == ["a", "a/b", "a/b/c", "a/z", "a.txt", "b", "empty"]


def test_include_brings_only_the_directories_it_needs(tmp_path: Path) -> None:
    make(tmp_path, "src/a.py", "src/deep/er/b.py", "src/deep/x.txt", "docs/a.md", "empty/")
    assert seen(tmp_path, Filter(include=("**/*.py",))) == [
        "src",
        "src/a.py",
        "src/deep",
        "src/deep/er",
        "src/deep/er/b.py",
    ]


def test_exclude_wins_over_include(tmp_path: Path) -> None:
    make(tmp_path, "src/a.py", "src/test_a.py", "b.py")
    assert seen(tmp_path, Filter(include=("src",), exclude=("**/test_*",))) == ["src", "src/a.py"]


def test_what_is_taken_back_survives_its_excluded_directory(tmp_path: Path) -> None:
    make(tmp_path, "node_modules/a/index.js", "node_modules/keep/index.js", "x")
    selected = Filter(exclude=("node_modules", "!node_modules/keep"))
    assert seen(tmp_path, selected) == ["node_modules", "node_modules/keep", "node_modules/keep/index.js", "x"]


def test_directories_that_cannot_matter_are_not_opened(tmp_path: Path) -> None:
    make(tmp_path, "src/a", "node_modules/b", "other/c")
    for name in ("node_modules", "other"):
        (tmp_path / name).rename(tmp_path / (name + ".real"))
        (tmp_path / name).mkdir()
    opened: list[str] = []
    scandir = os.scandir

    def spy(path: str) -> "os._ScandirIterator[str]":
        opened.append(os.path.relpath(path, tmp_path))
        return scandir(path)

    os.scandir = spy  # type: ignore[assignment]
    try:
        seen(tmp_path, Filter(include=("src/**",), exclude=("node_modules",)))
    finally:
        os.scandir = scandir
    assert opened == [".", "src"]


def test_names_that_are_not_text(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9")).touch()
    Path(os.fsdecode(bytes(tmp_path) + b"/new\nline")).touch()
    assert [os.fsencode(path) for path in seen(tmp_path)] == [b"caf\xe9", b"new\nline"]
    assert len(seen(tmp_path, Filter(include=("*",)))) == 2


def test_very_deep_trees_do_not_overflow_the_stack(tmp_path: Path) -> None:
    depth = 1500
    path = str(tmp_path)
    for _ in range(depth):
        path += "/d"
        os.mkdir(path)
    try:
        assert len(seen(tmp_path)) == depth
    finally:
        while path != str(tmp_path):  # pytest's own removal recurses
            os.rmdir(path)
            path = os.path.dirname(path)
