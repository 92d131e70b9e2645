"""A repository on a disk, with what others may have put there. Judge: the engine's rules, as in the tests' own one."""

import os

import pytest

from pipeline.on_disk import DiskTree

pytestmark = pytest.mark.anyio


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "repository"
    for name in ("Dockerfile", "examples/a/Dockerfile", "examples/a/goss/x.yaml", "examples/.b/Dockerfile"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("FROM scratch\n")
    (tmp_path / "outside").write_text("FROM outside\n")
    return DiskTree(root)


@pytest.mark.parametrize(
    "pattern",
    ["Dockerfile", "*", "examples/*", "examples/*/*ockerfile*", "examples/a/goss/*.yaml", "nowhere/*", "none"],
)
async def test_it_lists_as_an_engine_does(tree, repository, pattern):
    files = {str(path.relative_to(tree.root)): "" for path in tree.root.rglob("*") if path.is_file()}
    listed = [path for path in await tree.glob(pattern) if not path.endswith("/")]
    assert listed == await repository(files).glob(pattern)


async def test_a_directory_is_told_by_a_slash(tree):
    (tree.root / "examples/c/Dockerfile").mkdir(parents=True)
    assert await tree.glob("examples/c/*ockerfile*") == ["examples/c/Dockerfile/"]
    assert await tree.text("examples/c/Dockerfile") is None


async def test_a_link_is_followed_within_the_tree_alone(tree):
    (tree.root / "within").symlink_to("examples/a/Dockerfile")
    (tree.root / "without").symlink_to("../outside")
    (tree.root / "far").symlink_to("/etc/passwd")
    (tree.root / "round").symlink_to("round")
    assert await tree.text("within") == "FROM scratch\n"
    assert [await tree.text(name) for name in ("without", "far", "round", "nowhere")] == [None] * 4


async def test_no_directory_is_reached_through_a_link(tree, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/Dockerfile").write_text("")
    (tree.root / "examples/linked").symlink_to(tmp_path / "other")
    assert "examples/linked/Dockerfile" not in await tree.glob("examples/*/Dockerfile")


async def test_a_pipe_is_no_file(tree):
    os.mkfifo(tree.root / "examples/a/Dockerfile.pipe")
    assert await tree.text("examples/a/Dockerfile.pipe") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_what_may_not_be_read_is_not_there(tree):
    (tree.root / "Dockerfile").chmod(0)
    assert await tree.text("Dockerfile") is None


async def test_names_that_are_no_text_are_passed_over(tree):
    (tree.root / os.fsdecode(b"\xff.dockerfile")).write_text("")
    assert await tree.glob("*.dockerfile") == []
