import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselard.engine.errors import UserError
from baselard.engine.files import paths


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [("/", ""), (".", ""), ("", ""), ("/a//b/./c/", "a/b/c"), ("a/../b", "b"), ("/a/b/../../c", "c"), ("..a", "..a")],
)
def test_clean(path: str, cleaned: str) -> None:
    assert paths.clean(path) == cleaned


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [("..", ""), ("/..", ""), ("a/../..", ""), ("../etc/passwd", "etc/passwd"), ("/a/../../etc", "etc")],
)
def test_climbing_ends_at_the_root(path: str, cleaned: str) -> None:
    """As path.Clean of a rooted path has it (Go's documentation, rule 4), and a file system's root."""
    assert paths.clean(path) == cleaned
    assert paths.climbs(path)


@pytest.mark.parametrize("path", ["", "/", ".", "a", "/a/..", "a/../b", "..a", "a/..b/..", "/a/b/../../c"])
def test_what_climbs_only_inside_does_not_climb(path: str) -> None:
    assert not paths.climbs(path)


def test_names_that_cannot_be_are_refused() -> None:
    with pytest.raises(UserError, match="255 characters"):
        paths.clean("a/" + "x" * 256)
    assert paths.clean("x" * 255)
    with pytest.raises(UserError, match="255 characters"):
        paths.clean("é" * 128)
    with pytest.raises(UserError, match="NUL"):
        paths.clean("a\0b")
    with pytest.raises(UserError, match="longer than"):
        paths.clean("directory/" * 400)
    with pytest.raises(UserError, match="not text"):
        paths.clean("a\ud800")


def test_join_sees_a_path_from_its_base() -> None:
    assert paths.join("/src", "/app/x") == "/src/app/x"
    assert paths.join("/src", "app/") == "/src/app/"
    assert paths.join("/src", ".") == "/src/"
    assert paths.join("/", "/") == "/"
    assert paths.join("/src", "../etc") == "/etc"
    assert paths.join("/src/a", "../../../../etc/") == "/etc/"


def _tree(root: Path) -> Path:
    (root / "inside").mkdir(parents=True)
    (root / "inside/file").write_text("here")
    (root / "absolute").symlink_to("/inside")
    (root / "climbing").symlink_to("../../../../inside")
    (root / "inside/up").symlink_to("..")
    (root / "chain").symlink_to("absolute/up/climbing/file")
    (root / "dangling").symlink_to("/nothing/here")
    (root / "loop").symlink_to("loop")
    return root


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("absolute/file", "inside/file"),
        ("climbing/file", "inside/file"),
        ("chain", "inside/file"),
        ("inside/up/inside/up/absolute", "inside"),
        ("dangling", "nothing/here"),
        ("dangling/more", "nothing/here/more"),
        ("absolute/new/file", "inside/new/file"),
        ("/", ""),
    ],
)
def test_links_lead_inside_the_tree(tmp_path: Path, path: str, real: str) -> None:
    assert paths.resolve(_tree(tmp_path / "tree"), path) == real


def test_links_in_circles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too many levels"):
        paths.resolve(_tree(tmp_path / "tree"), "loop/x")


def test_the_last_link_is_kept_when_it_is_meant(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    assert paths.resolve_parent(tree, "absolute/up") == "inside/up"
    assert paths.resolve_parent(tree, "loop") == "loop"


def test_mode_of_nothing_is_zero(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert paths.mode(f"{tmp_path}/none") == 0
    assert paths.mode(f"{tmp_path}/file/none") == 0
    assert paths.mode(f"{tmp_path}/file")


_names = st.sampled_from(["a", "b", "..", "."])
_links = st.lists(
    st.tuples(st.lists(_names, min_size=1, max_size=3), st.booleans(), st.lists(_names, min_size=1, max_size=4)),
    max_size=6,
)


@given(links=_links, wanted=st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=5))
def test_nothing_ever_leads_out(
    tmp_path_factory: pytest.TempPathFactory, links: list[tuple[list[str], bool, list[str]]], wanted: list[str]
) -> None:
    """Whatever links a tree holds, the resolved path has no link left in it and no ``..``."""
    root = tmp_path_factory.mktemp("tree")
    for where, absolute, target in links:
        place = root.joinpath(*(name for name in where if name in "ab"), "a")
        if not Path(os.path.realpath(place.parent)).is_relative_to(root):
            continue  # the links that are there already would lead this test out
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to("/" * absolute + "/".join(target))
        except OSError:
            continue
    try:
        found = paths.resolve(root, "/".join(wanted))
    except UserError:
        return
    assert ".." not in found.split("/")
    parts = [part for part in found.split("/") if part]
    assert not any(os.path.islink(root.joinpath(*parts[:depth])) for depth in range(1, len(parts) + 1))
