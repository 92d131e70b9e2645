from pathlib import Path

import pytest

from baselard.engine.files import wildcards


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("a.txt", "b.txt", "c.md", ".hidden.txt", "dir1/x.txt", "dir2/y.txt", "dir2/deep/z.txt", "lit?ral"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "out").symlink_to("/dir1")
    (root / "host").symlink_to(tmp_path)
    return root


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("*.txt", [".hidden.txt", "a.txt", "b.txt"]),
        ("/[ab].*", ["a.txt", "b.txt"]),
        ("dir*/*.txt", ["dir1/x.txt", "dir2/y.txt"]),
        ("*/x.txt", ["a.txt/x.txt", "b.txt/x.txt", "c.md/x.txt", "dir1/x.txt"]),
        ("out/*", ["dir1/x.txt"]),
        ("none*", []),
        ("lit?ral", ["lit?ral"]),
        ("not/there", ["not/there"]),
        ("out/x.txt", ["dir1/x.txt"]),
    ],
)
def test_resolve(tree: Path, path: str, found: list[str]) -> None:
    got = wildcards.resolve(tree, path)
    assert [entry for entry in got if (tree / entry).exists() or "*" not in path] == [
        entry for entry in found if (tree / entry).exists() or "*" not in path
    ]


def test_links_do_not_lead_to_the_host(tree: Path) -> None:
    (tree.parent / "secret.txt").touch()
    assert wildcards.resolve(tree, "host/*.txt") == []


def test_climbing_ends_at_the_root(tree: Path) -> None:
    (tree.parent / "secret.txt").touch()
    assert wildcards.resolve(tree, "../*.txt") == wildcards.resolve(tree, "*.txt")
