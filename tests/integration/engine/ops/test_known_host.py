"""A host directory that nobody touched is known without a walk; the judge of its key is the walk itself."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import knowntree, listing, statcache
from baselard.engine.files.walking import EVERYTHING, Entry, Filter
from baselard.engine.host import process
from baselard.engine.ops import host, host_walk
from baselard.engine.store import cachedir

pytestmark = pytest.mark.root

FILTERS = {
    "everything": EVERYTHING,
    "without": Filter(exclude=("**/*.log", "out")),
    "only": Filter(include=("src", "kept")),
    "gitignore": Filter(gitignore=True),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host directory whose files count as old enough to be remembered."""
    monkeypatch.setattr(statcache, "_RACY_NS", -3_000_000_000)
    root = tmp_path / "project"
    for name in ("README", "a.log", "src/main.py", "src/deep/er/x", "out/o", ".git/info/exclude", "kept/k"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text")
    (root / "src/.gitignore").write_text("*.log\n")
    (root / "src/b.log").write_text("log")
    (root / "link").symlink_to("README")
    return root


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that were walked."""
    walked, seen = host_walk.walk, list[str]()

    def spy(root: str, *filters: Filter, **rules: object) -> Iterator[Entry]:
        seen.append(root)
        return walked(root, *filters, **rules)  # type: ignore[arg-type]

    monkeypatch.setattr(host_walk, "walk", spy)
    return seen


def walked(trees: object, path: Path, selected: Filter) -> str:
    """The key that a walk finds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knowntree, "recall", lambda *_: None)
        return host.load(trees, str(path), selected).key  # type: ignore[arg-type]


@pytest.mark.parametrize("selected", FILTERS.values(), ids=FILTERS)
def test_what_nobody_touched_is_not_walked(trees, here: Path, walks: list[str], selected: Filter) -> None:
    first = host.load(trees, str(here), selected)
    walks.clear()
    assert host.load(trees, str(here), selected) == first
    assert walks == []
    assert walked(trees, here, selected) == first.key
    assert walks == [str(here)]


def _rewritten(here: Path) -> None:
    """Another text of the same size and time of modification."""
    info = (here / "src/main.py").stat()
    (here / "src/main.py").write_text("TEXT")
    os.utime(here / "src/main.py", ns=(info.st_atime_ns, info.st_mtime_ns))


def _replaced(here: Path) -> None:
    (here / "src/new").write_text("next")
    (here / "src/new").rename(here / "src/main.py")


def _relinked(here: Path) -> None:
    (here / "link").unlink()
    (here / "link").symlink_to("src/x")


def _moved(here: Path) -> None:
    (here / "src/deep/er").rename(here / "src/deep/r")


def _swapped(here: Path) -> None:
    """Another directory in the place of one, its files as old."""
    (here / "kept").rename(here / "away")
    (here / "out").rename(here / "kept")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": _rewritten,
    "replaced": _replaced,
    "mode": lambda here: (here / "kept/k").chmod(0o700),
    "mode of a directory": lambda here: (here / "src/deep").chmod(0o700),
    "attribute": lambda here: os.setxattr(here / "src/deep", "user.a", b"1"),
    "new": lambda here: (here / "src/deep/er/y").touch(),
    "new directory": lambda here: (here / "src/deep/er/d").mkdir(),
    "gone": lambda here: (here / "README").unlink(),
    "target": _relinked,
    "moved": _moved,
    "swapped": _swapped,
    "left out": lambda here: (here / "a.log").write_text("more"),
    "rules": lambda here: (here / "src/.gitignore").write_text("main.py\n"),
    "rules that are not checked in": lambda here: (here / ".git/info/exclude").write_text("src\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("selected", FILTERS.values(), ids=FILTERS)
def test_any_change_is_seen(trees, here: Path, selected: Filter, change: Callable[[Path], object]) -> None:
    host.load(trees, str(here), selected)
    host.load(trees, str(here), selected)
    change(here)
    expected = walked(trees, here, selected)
    assert [host.load(trees, str(here), selected).key for _ in range(2)] == [expected, expected]


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The directories of each program that looked at some."""
    monkeypatch.setattr(knowntree, "_MANY", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    real, seen = process.run, list[list[str]]()

    def run(argv: Sequence[str], **options: Any) -> process.Completed:
        if argv[-1] == listing.__file__:
            seen.append(os.fsdecode(options["stdin"]).split("\0"))
        return real(argv, **options)

    monkeypatch.setattr(process, "run", run)
    return seen


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_programs_see_any_change_of_a_large_tree(
    trees, here: Path, programs: list[list[str]], change: Callable[[Path], object]
) -> None:
    host.load(trees, str(here))
    change(here)
    expected = walked(trees, here, EVERYTHING)
    assert host.load(trees, str(here)).key == expected
    assert len(programs) == 2


def test_programs_share_a_large_tree_that_nobody_touched(
    trees, here: Path, programs: list[list[str]], walks: list[str]
) -> None:
    (here / os.fsdecode(b"caf\xe9\n")).mkdir()
    first = host.load(trees, str(here))
    walks.clear()
    assert host.load(trees, str(here)) == first
    assert walks == []
    told = [path for program in programs for path in program]
    directories = {str(path) for path in (here, *here.rglob("*")) if path.is_dir()}
    assert (len(programs), len(told), set(told)) == (2, len(directories), directories)


def test_rules_above_count(trees, here: Path) -> None:
    inner, selected = here / "src", Filter(gitignore=True)
    before = host.load(trees, str(inner), selected)
    (here / ".gitignore").write_text("main.py\n")
    assert host.load(trees, str(inner), selected).key == walked(trees, inner, selected) != before.key


def test_what_is_ours_or_written_stays_out(trees, here: Path) -> None:
    (here / "cache").mkdir()
    cachedir.tag(here / "cache")
    first = host.load(trees, str(here))
    (here / "cache/more").touch()
    assert host.load(trees, str(here)) == first
    assert "README" not in trees.names(host.load(replace(trees, output=str(here / "README")), str(here)))
    (here / "cache/CACHEDIR.TAG").write_text("another's")
    assert "cache/more" in trees.names(host.load(trees, str(here)))


def test_what_changed_a_moment_ago_is_walked_again(
    trees, here: Path, walks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statcache, "_RACY_NS", 2_000_000_000)
    host.load(trees, str(here))
    walks.clear()
    host.load(trees, str(here))
    assert walks == [str(here)]


def test_what_changes_during_the_walk_is_not_remembered(trees, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk read the old text; what is remembered would tell the new one's state with the old one's digest."""
    monkeypatch.setattr(statcache, "_RACY_NS", 0)
    real = knowntree.remember

    def late(*arguments: object) -> dict[str, str]:
        (here / "README").write_text("late")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(knowntree, "remember", late)
    host.load(trees, str(here))
    monkeypatch.undo()
    assert host.load(trees, str(here)).key == walked(trees, here, EVERYTHING)


def test_a_directory_that_went_is_told(trees, here: Path) -> None:
    host.load(trees, str(here))
    here.rename(here.parent / "other")
    with pytest.raises(UserError, match="no such file or directory"):
        host.load(trees, str(here))
