from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import owners
from baselard.engine.files.owners import Owner


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nbuilder:x:1000:77::/:/bin/sh\nbroken\n12ab:x:5:5\n")
    (tmp_path / "etc/group").write_text("root:x:0:\ntools:x:77:builder\n")
    return tmp_path


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("1000:1001", Owner(1000, 1001)),
        ("1000", Owner(1000, 1000)),
        ("builder", Owner(1000, 1000)),
        ("builder:tools", Owner(1000, 77)),
        ("builder:5", Owner(1000, 5)),
        ("0:tools", Owner(0, 77)),
        ("12ab", Owner(5, 5)),
        ("", None),
    ],
)
def test_resolve(tree: Path, owner: str, expected: Owner | None) -> None:
    assert owners.resolve(tree, owner) == expected


@pytest.mark.parametrize("owner", ["nobody", "builder:nogroup", "builder:", ":", "-1", "4294967295", "²"])
def test_unknown_owners_are_named(tree: Path, owner: str) -> None:
    with pytest.raises(UserError, match="owner"):
        owners.resolve(tree, owner)


def test_a_tree_without_passwd_knows_numbers_only(tmp_path: Path) -> None:
    assert owners.resolve(tmp_path, "7") == Owner(7, 7)
    with pytest.raises(UserError, match="/etc/passwd"):
        owners.resolve(tmp_path, "root")


def test_passwd_is_looked_up_inside_the_tree(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tmp_path / "passwd").write_text("intruder:x:1:1::/:\n")
    (tree / "etc/passwd").symlink_to(tmp_path / "passwd")
    with pytest.raises(UserError, match="intruder"):
        owners.resolve(tree, "intruder")
