"""The list of a tree's entries; the judge of one with kept pieces is the one that a walk through everything makes."""

import io
import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselard.engine.files import inventory, listing, treehash
from baselard.engine.files.inventory import Inventory, Subtree
from baselard.engine.files.inventory_draft import InventoryDraft
from baselard.engine.files.walking import EVERYTHING, Filter, walk

NAMES = ("a", "a.b", "a-b", "b", "c", os.fsdecode(b"caf\xe9\n"), "0")
FILTERS = (EVERYTHING, Filter(exclude=("b", "!b/a")), Filter(include=("a", "**/c")), Filter(gitignore=True))


def names(root: Path) -> dict[str, str]:
    """The states of all directories."""
    every = [root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())]
    return {os.path.relpath(path, root) if path != root else "": listing.of(str(path)).name for path in every}


def walked(
    root: Path, source: Inventory | None = None, known: frozenset[str] = frozenset(), selected: Filter = EVERYTHING
) -> Inventory:
    """What a walk finds, with what is ``known`` taken from ``source``."""
    draft = InventoryDraft()

    def relative(real: str) -> str:
        return os.path.relpath(real, root) if real != str(root) else ""

    def leaves(real: str) -> bool:
        if source is None or relative(real) not in known:
            return False
        draft.keep(source, relative(real))
        return True

    entries = walk(str(root), selected, enters=lambda real: draft.enter(relative(real)), leaves=leaves)
    for entry in entries:
        draft.add(entry, treehash.line(f"{root}/{entry.path}", entry))
    if draft.shares(source):
        return walked(root, selected=selected)
    return draft.commit("walk", names(root), {}, [], source)


def read(held: Inventory) -> Inventory:
    """The inventory as it comes back from a file."""
    found = inventory.whole(io.BytesIO(b"".join(held.pieces())))
    assert found
    return found


def facts(held: Inventory) -> object:
    """All that an inventory says of a tree."""
    links = sorted((link.device, link.inode, sorted(link.directories)) for link in held.links)
    return bytes(held.lines), bytes(held.rest), list(held.subtrees), links, held.walk


def known(source: Inventory, now: Mapping[str, str], *, inherited: bool = False) -> frozenset[str]:
    """What may be kept of a tree whose directories have these states now."""
    return inventory.unchanged(source, lambda subtree: now.get(subtree.path) == subtree.name, inherited=inherited)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inventory")


def _change(root: Path, chance: random.Random, number: int) -> None:
    """Make, replace, move, link or remove something; no text is as long as another."""
    every = sorted(path for path in root.rglob("*"))
    directories = [root, *(path for path in every if path.is_dir() and not path.is_symlink())]
    into = chance.choice(directories) / chance.choice((*NAMES, ".gitignore"))
    chosen = chance.choice(every) if every else root
    kind = chance.random()
    if kind < 0.2 and every:
        shutil.rmtree(chosen) if chosen.is_dir() and not chosen.is_symlink() else chosen.unlink()
    elif os.path.lexists(into):
        into.write_text("b\n" * number) if into.is_file() and not into.is_symlink() else None
    elif kind < 0.4 and into.name != ".gitignore":
        into.mkdir()
    elif kind < 0.6 and chosen.is_file() and not chosen.is_symlink():
        into.hardlink_to(chosen)
    elif kind < 0.7 and every and not into.is_relative_to(chosen):
        chosen.rename(into)
    elif kind < 0.8:
        into.symlink_to(chance.choice(NAMES))
    else:
        into.write_text("c\n" * number)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 1 << 32), selected=st.sampled_from(FILTERS), few=st.integers(1, 5))
def test_it_is_the_same_whatever_was_kept(place: Path, seed: int, selected: Filter, few: int) -> None:
    chance, root = random.Random(seed), place / "tree"
    shutil.rmtree(place)
    root.mkdir(parents=True)
    for number in range(1, 40):
        _change(root, chance, number)
    before = read(walked(root, selected=selected))
    for number in range(40, 40 + few):
        _change(root, chance, number)
    expected = walked(root, selected=selected)
    found = walked(root, before, known(before, names(root), inherited=selected.gitignore), selected)
    assert facts(found) == facts(expected)
    assert treehash.of_lines([bytes(found.lines)]) == treehash.of_entries(str(root), walk(str(root), selected))
    assert inventory.changes(before, found) == inventory.changes(before, expected)
    assert facts(read(found)) == facts(expected)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/deep/er/x", "a/y", "b/z", "c/one"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    (tmp_path / "tree/b/two").hardlink_to(tmp_path / "tree/c/one")
    return tmp_path / "tree"


def test_what_is_above_a_change_is_taken_apart_and_nothing_else(tree: Path) -> None:
    before = walked(tree)
    (tree / "a/deep/new").write_text("new")
    kept = known(before, names(tree))
    assert kept == {"a/deep/er", "b", "c"}
    assert sorted(inventory.topmost(kept)) == ["a/deep/er", "b", "c"]
    found = walked(tree, before, kept)
    assert found.kept == ["a/deep/er", "b", "c"]
    assert [*inventory.changes(before, found).new] == ["a/deep", "a/deep/new"]


def test_who_has_another_name_elsewhere_is_taken_apart_with_it(tree: Path) -> None:
    before = walked(tree)
    (tree / "b/z").write_text("another text")
    assert known(before, names(tree)) == {"a", "a/deep", "a/deep/er"}


def test_a_name_that_comes_along_with_its_directory_is_seen(tree: Path) -> None:
    """A directory that is moved leaves what is in it as it was, also the times of a file whose other name is known."""
    (tree.parent / "away").mkdir()
    (tree / "c/one").rename(tree.parent / "away/one")
    before = walked(tree)
    (tree.parent / "away").rename(tree / "c/away")
    kept = known(before, names(tree))
    assert kept >= {"b"}
    found = walked(tree, before, kept)
    assert facts(found) == facts(walked(tree))
    assert [*inventory.changes(before, found).new] == ["b/two", "c", "c/away", "c/away/one"]


def test_rules_count_for_what_is_below(tree: Path) -> None:
    before = walked(tree)
    (tree / "a/y").write_text("another text")
    assert known(before, names(tree)) == {"a/deep", "a/deep/er", "b", "c"}
    assert known(before, names(tree), inherited=True) == {"b", "c"}


def test_pieces_that_are_not_whole_are_none(tree: Path) -> None:
    pieces = b"".join(walked(tree).pieces())
    for torn in (b"", pieces[:20], pieces[:-1], pieces + b"0", pieces[:99] + b"!" + pieces[100:]):
        assert inventory.whole(io.BytesIO(torn)) is None


def test_what_was_read_is_not_read_again(tree: Path) -> None:
    pieces = b"".join(walked(tree).pieces())
    first = inventory.whole(io.BytesIO(pieces))
    file = io.BytesIO(pieces)
    assert inventory.whole(file, first) is first
    assert file.tell() == 32
    (tree / "a/y").unlink()
    assert inventory.whole(io.BytesIO(b"".join(walked(tree).pieces())), first) is not first


def _unnamed(held: Inventory) -> Inventory:
    return replace(held, subtrees=[subtree._replace(name="") for subtree in held.subtrees])


def test_directories_that_hold_the_same_are_known_by_their_states_from_then_on(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, mine = _unnamed(walked(tree)), {"", "a", "a/deep", "a/deep/er", "c"}
    (tree / "b/z").write_text("another text")
    now = walked(tree)
    assert inventory.renewed(before, now, inventory.changes(before, now)) is None
    monkeypatch.setattr(inventory, "_RENEWED", 1)
    found = inventory.renewed(before, now, inventory.changes(before, now))
    assert found
    assert {subtree.path for subtree in found.subtrees if subtree.name} == mine
    assert {subtree.path: subtree.name for subtree in found.subtrees if subtree.name} == {
        path: names(tree)[path] for path in mine
    }
    assert (bytes(found.lines), bytes(found.rest)) == (bytes(before.lines), bytes(before.rest))


def test_another_walk_says_nothing_of_this_one(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leaves out may be there in the state that it saw."""
    monkeypatch.setattr(inventory, "_RENEWED", 0)
    before, now = _unnamed(walked(tree)), walked(tree)
    assert inventory.renewed(before, now, inventory.changes(before, now))
    assert inventory.renewed(before, replace(now, walk="another"), inventory.changes(before, now)) is None


def test_a_tag_that_appeared_is_known_with_its_directory(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "_RENEWED", 0)
    before, now = replace(_unnamed(walked(tree)), tagged=["a/old", "b/old"]), replace(walked(tree), tagged=["a/new"])
    before = replace(
        before, subtrees=[subtree if subtree.path != "b" else _nobody(subtree) for subtree in before.subtrees]
    )
    found = inventory.renewed(before, now, inventory.changes(before, now))
    assert found
    assert found.tagged == ["a/new", "b/old"]


def _nobody(subtree: Subtree) -> Subtree:
    return subtree._replace(meant=False)
