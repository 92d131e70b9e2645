"""Where a tree stands. Judge: git itself."""

import subprocess
from pathlib import Path

import pytest

from baselard.engine.files import checkout
from baselard.engine.store.runs import Commit


def git(place: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=trunk")
    return subprocess.check_output(["git", *identity, *words], cwd=place, text=True).strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "x")
    return tmp_path


def test_a_clean_tree_is_at_its_commit(tree: Path) -> None:
    assert checkout.commit(str(tree)) == Commit("trunk", git(tree, "rev-parse", "HEAD"), False)


def test_what_git_does_not_know_and_what_changed_are_changes_below_the_directory_alone(tree: Path) -> None:
    (tree / "b\n# branch.oid c").write_text("")
    assert checkout.commit(str(tree)) == Commit("trunk", git(tree, "rev-parse", "HEAD"), True)
    assert not checkout.commit(str(tree / "sub")).changed
    (tree / "sub" / "a").write_text("2")
    assert checkout.commit(str(tree / "sub")).changed


def test_a_detached_head_has_no_branch_and_no_commit_has_no_name(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(tree, "checkout", "--quiet", "--detach")
    assert checkout.commit(str(tree)) == Commit("", git(tree, "rev-parse", "HEAD"), False)
    empty = tmp_path_factory.mktemp("empty")
    assert checkout.commit(str(empty)) == Commit()
    git(empty, "init", "--quiet")
    assert checkout.commit(str(empty)) == Commit("trunk")
