import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baselard.engine.files.walking import Filter, walk

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git as the judge: apt-get install git")
FILES = [
    "a",
    "b.log",
    "keep.log",
    "dir/a",
    "dir/b.log",
    "dir/sub/a",
    "dir/sub/c.txt",
    "other/a",
    "other/x y",
    "build/out/a",
]


def make(root: Path, ignores: dict[str, str]) -> Path:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for directory, text in ignores.items():
        (root / directory / ".gitignore").write_text(text)
    return root


def left_over(root: Path) -> list[str]:
    found = (entry.path for entry in walk(str(root), Filter(gitignore=True)))
    return sorted(path for path in found if (root / path).is_file() and not path.endswith(".gitignore"))


def judged_by_git(root: Path) -> list[str]:
    subprocess.run(["git", "init", "-q", root], check=True)
    listed = ["git", "-C", root, "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in found.split("\0") if path and not path.endswith(".gitignore"))


@needs_git
@pytest.mark.parametrize(
    "ignores",
    [
        {"": "*.log\n!keep.log\n"},
        {"": "/a\n"},
        {"": "a\n"},
        {"": "dir/\n!dir/a\n"},
        {"": "dir/*\n!dir/sub\n", "dir": "!a\n"},
        {"": "*\n!*/\n!*.txt\n"},
        {"": "**/sub\nother/**\n"},
        {"": "build/**/a\n# a comment\n\\#\nx\\ y\nx y   \n"},
        {"": "a\n", "dir/sub": "!a\n*.txt\n", "other": "*\n"},
        {"": "[ab]*\n"},
        {"": "[!a]\n*[\n"},
        {"": "dir/sub/\r\nfoo\r\n"},
        {"": "sub/a\n/sub/a\n"},
        {"": "???\n!a\n"},
        {"": "a\n/**\n!dir\n"},
        {"": "/***\n!dir/\n"},
    ],
)
def test_agrees_with_git(tmp_path: Path, ignores: dict[str, str]) -> None:
    root = make(tmp_path / "tree", ignores)
    assert left_over(root) == judged_by_git(root)


_word = st.sampled_from(["a", "dir", "sub", "*", "**", "*.log", "b*", "other", "[a-b]", "?"])
_line = st.builds(
    lambda negated, rooted, words, slash: "!" * negated + "/" * rooted + "/".join(words) + "/" * slash,
    st.booleans(),
    st.booleans(),
    st.lists(_word, min_size=1, max_size=3),
    st.booleans(),
)


@needs_git
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(outer=st.lists(_line, max_size=4), inner=st.lists(_line, max_size=3))
def test_agrees_with_git_on_anything(
    tmp_path_factory: pytest.TempPathFactory, outer: list[str], inner: list[str]
) -> None:
    root = make(tmp_path_factory.mktemp("tree"), {"": "\n".join(outer), "dir": "\n".join(inner)})
    assert left_over(root) == judged_by_git(root)


def test_a_link_called_gitignore_is_not_followed(tmp_path: Path) -> None:
    root = make(tmp_path / "tree", {})
    (tmp_path / "elsewhere").write_text("a\n")
    (root / ".gitignore").symlink_to(tmp_path / "elsewhere")
    assert "a" in left_over(root)
