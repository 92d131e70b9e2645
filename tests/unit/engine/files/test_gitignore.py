"""What is ignored is what git ignores.

Judge: `git check-ignore --no-index` for patterns one by one, over every path of a tree; `git ls-files --others` for
several files together. (pathspec 1.1.1, asked the same, differs in 50 of some 570: bytes, classes, `**`.)
"""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.files import checkout, gitignore
from baselard.engine.files.walking import Filter, walk

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git as the judge: apt-get install git")

TABLE = json.loads(Path(__file__).with_name("gitignore.json").read_text())
FILES: list[str] = TABLE["files"]
TEXTS: list[str] = TABLE["texts"]  # one .gitignore each
WORDS: list[str] = TABLE["words"]


def _random_texts(count: int) -> Iterator[str]:
    chosen = random.Random(20)  # the same on every run
    for _ in range(count):
        yield "\n".join("".join(chosen.choices(WORDS, k=chosen.randint(1, 6))) for _ in range(chosen.randint(1, 3)))


def _make(root: Path, files: list[str] = FILES) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> set[str]:
    done = subprocess.run(["git", "-C", root, *arguments], input=stdin, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}


def _ignored(text: bytes, paths: list[tuple[str, bool]]) -> set[str]:
    rules = [gitignore.Rules("", text)]
    found: set[str] = set()
    for path, is_directory in paths:
        if os.path.dirname(path) in found or gitignore.ignored(rules, path, is_directory=is_directory):
            found.add(path)
    return found


def test_every_pattern_matches_what_git_matches(tmp_path: Path) -> None:
    _git(_make(tmp_path), "init", "-q")
    paths = [(entry.path, (tmp_path / entry.path).is_dir()) for entry in walk(str(tmp_path), Filter(exclude=(".git",)))]
    asked = b"".join(os.fsencode(path) + b"\0" for path, _ in paths)
    unlike = []
    for text in map(os.fsencode, [*TEXTS, *_random_texts(150)]):
        (tmp_path / ".git/info/exclude").write_bytes(text)
        judged = _git(tmp_path, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked)
        if judged != _ignored(text, paths):
            unlike.append(text)
    assert unlike == []


def _left_over(root: Path, below: str = "") -> list[str]:
    """The files of the checkout's directory ``below`` that are not ignored when it is read as a host directory."""
    start = str(root / below) if below else str(root)
    found = walk(start, Filter(gitignore=True, exclude=(".git",)), outer_rules=checkout.outer_rules(start))
    return sorted(entry.path for entry in found if (Path(start) / entry.path).is_file())


def _judged(root: Path, below: str = "") -> list[str]:
    return sorted(_git(root / below, "ls-files", "-z", "--others", "--exclude-standard"))


TOGETHER = {
    "files further in win": {".gitignore": "a\n*.log\n", "e/.gitignore": "!x.log\n", "d/.gitignore": "!a\n"},
    "nothing comes back below what is ignored": {".gitignore": "d/\n!d/a\n", "d/.gitignore": "!a\n"},
    "info/exclude": {".git/info/exclude": "a\n/foo/\n*.log\n"},
    "a .gitignore wins over info/exclude": {".git/info/exclude": "*.log\na\n", ".gitignore": "!x.log\n"},
    "the user's file": {"../user": "*.txt\n/build\n"},
    "all of them": {
        "../user": "*.txt\n*.log\n",
        ".git/info/exclude": "!x.log\nfoo\n",
        ".gitignore": "!foo\n",
        "e/.gitignore": "*",
    },
    "a byte-order mark in each": {"../user": "\ufeffa", ".git/info/exclude": "\ufeffb", "d/.gitignore": "\ufeffd"},
    "anchored in a file further in": {"foo/.gitignore": "/bar\nbaz/bar\n", "e/.gitignore": "f/g\n"},
}


# A directory that is asked for by name is not judged itself; git would ignore all that is in it.
ASKED_ANYWAY = {
    ("nothing comes back below what is ignored", "d"): [".gitignore", ".hidden/z", "a", "b.txt", "trail  ", "é"],
    ("info/exclude", "foo"): ["bar", "bar2/baz", "baz/bar"],
}


@pytest.mark.parametrize("below", ["", "d", "foo", "e/f"])
@pytest.mark.parametrize("name", TOGETHER)
def test_all_ignore_files_together(name: str, below: str, tmp_path: Path) -> None:
    texts = TOGETHER[name]
    root = _make(tmp_path / "tree")
    _git(root, "init", "-q")
    _git(root, "config", "core.excludesFile", str(tmp_path / "user"))
    for file, text in texts.items():
        (root / file).write_text(text)
    assert _left_over(root, below) == ASKED_ANYWAY.get((name, below), _judged(root, below))


def test_the_users_file_by_its_usual_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, as those have who keep such files in a repository; a home directory in the setting."""
    root = _make(tmp_path / "tree", ["a", "b", "c"])
    _git(root, "init", "-q")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config/git").mkdir(parents=True)
    (tmp_path / "kept").write_text("a\n")
    (tmp_path / "config/git/ignore").symlink_to("../../kept")
    assert _left_over(root) == _judged(root) == ["b", "c"]
    (tmp_path / "mine").write_text("b\n")
    _git(root, "config", "core.excludesFile", "~/mine")
    assert _left_over(root) == _judged(root) == ["a", "c"]


def test_a_worktree_has_the_rules_of_its_repository(tmp_path: Path) -> None:
    main = _make(tmp_path / "main", ["kept"])
    _git(main, "init", "-q")
    _git(main, "add", "kept")
    _git(main, "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "m")
    _git(main, "worktree", "add", "-q", str(tmp_path / "other"))
    (main / ".git/info/exclude").write_text("x\n")
    _make(tmp_path / "other", ["x", "y"])
    assert _judged(tmp_path / "other") == ["y"]
    assert "x" not in _left_over(tmp_path / "other")


def test_a_tree_with_its_repository_needs_no_host(tmp_path: Path) -> None:
    """Of a tree in the store nothing is known but what is in it."""
    root = _make(tmp_path / "tree", ["a", "b"])
    _git(root, "init", "-q")
    (root / ".git/info/exclude").write_text("a\n")
    found = [entry.path for entry in walk(str(root), Filter(gitignore=True, exclude=(".git",)))]
    assert found == _judged(root) == ["b"]


def test_a_link_called_gitignore_is_not_followed(tmp_path: Path) -> None:
    root = _make(tmp_path / "tree", ["a"])
    (tmp_path / "elsewhere").write_text("a\n")
    (root / ".gitignore").symlink_to(tmp_path / "elsewhere")
    assert "a" in _left_over(root)


def test_a_directory_called_gitignore_has_no_rules(tmp_path: Path) -> None:
    root = _make(tmp_path / "tree", ["a", ".gitignore/b"])
    assert _left_over(root) == [".gitignore/b", "a"]


def test_a_repository_that_is_a_link_leads_nowhere_else(tmp_path: Path) -> None:
    root = _make(tmp_path / "tree", ["a"])
    _make(tmp_path / "outside", ["info/exclude"]).joinpath("info/exclude").write_text("a\n")
    (root / ".git").symlink_to(tmp_path / "outside")
    assert [entry.path for entry in walk(str(root), Filter(gitignore=True))] == [".git", "a"]
