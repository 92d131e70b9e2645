"""Differences between trees, and changes applied to others."""

import os
from pathlib import Path

import pytest

from baselard.engine.files import differences
from baselard.engine.ops.file import Chown, NewDirectory, NewFile, Remove, Symlink, Timestamps
from baselard.engine.ops.merge import ApplyChanges, Diff
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output

pytestmark = pytest.mark.root
EMPTY = Output(Scratch())


def files(*names: str, on: Output = EMPTY) -> Output:
    for name in names:
        on = Output(NewFile(on, name, name.encode()))
    return on


OLD = files("/same", "/d/changed", "/d/gone", "/gone/x", "/moved")
NEW = Output(Remove(files("/d/new", "/n/e/w", on=OLD), ("/d/gone", "/gone")))
NEW = Output(NewFile(NEW, "/d/changed", b"other"))


def test_diff_holds_what_is_new_and_changed(trees) -> None:
    node = Diff(OLD, NEW)
    assert trees.names(node) == ["d", "d/changed", "d/new", "n", "n/e", "n/e/w"]
    assert trees.text(node, "d/changed") == "other"


def test_diff_with_itself_and_with_nothing(trees) -> None:
    assert trees.names(Diff(NEW, NEW)) == []
    assert trees.names(Diff(EMPTY, NEW)) == trees.names(NEW.node)
    assert trees.names(Diff(NEW, EMPTY)) == []


def test_diff_of_parts(trees) -> None:
    assert trees.names(Diff(OLD, NEW, "/d", "/d")) == ["changed", "new"]


def test_times_alone_are_no_difference_owners_are(trees) -> None:
    assert trees.names(Diff(OLD, Output(Timestamps(OLD, "/", 1)))) == []
    assert trees.names(Diff(OLD, Output(Chown(OLD, "/same", "5")))) == ["same"]
    assert trees.names(Diff(files("/x"), files("/x"))) == []


def test_a_change_of_kind_is_a_difference(trees) -> None:
    file, link = files("/x"), Output(Symlink(EMPTY, "/x", "/y"))
    directory = files("/x/y")
    assert trees.look(Diff(file, link), lambda root: os.readlink(root / "x")) == "/y"
    assert trees.names(Diff(file, directory)) == ["x", "x/y"]
    assert trees.names(Diff(directory, file)) == ["x"]


def test_changes_are_applied_with_removals(trees) -> None:
    dest = files("/same", "/own", "/d/gone", "/gone/other", "/gone/x")
    node = ApplyChanges(dest, OLD, NEW)
    assert trees.names(node) == ["d", "d/changed", "d/new", "n", "n/e", "n/e/w", "own", "same"]
    assert trees.names(ApplyChanges(OLD, OLD, NEW)) == trees.names(NEW.node)


def test_changes_are_applied_below_a_path(trees) -> None:
    dest = files("/at/d/gone", "/d/gone")
    assert trees.names(ApplyChanges(dest, OLD, NEW, "/at"))[:4] == ["at", "at/d", "at/d/changed", "at/d/new"]
    assert "d/gone" in trees.names(ApplyChanges(dest, OLD, NEW, "/at"))
    assert "at/d/gone" not in trees.names(ApplyChanges(dest, OLD, NEW, "/at"))


def test_removals_do_not_go_through_links(trees) -> None:
    dest = Output(Symlink(files("/real/gone"), "/d", "real"))
    assert "real/gone" in trees.names(ApplyChanges(dest, OLD, NEW))


def test_changed_kinds_are_applied(trees) -> None:
    file, directory = files("/x"), files("/x/y", "/x/z")
    assert trees.names(ApplyChanges(file, file, directory)) == ["x", "x/y", "x/z"]
    assert trees.names(ApplyChanges(directory, directory, file)) == ["x"]


def test_a_removed_directory_that_was_emptied_and_made_anew(trees) -> None:
    anew = Output(NewDirectory(Output(Remove(OLD, ("/d",))), "/d", 0o700))
    assert trees.names(ApplyChanges(OLD, OLD, anew)) == ["d", "gone", "gone/x", "moved", "same"]


def test_between_names_what_is_gone_once(tmp_path: Path) -> None:
    for name in ("old/gone/deep/x", "old/kept/y", "old/kept/z", "new/kept/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = differences.between(str(tmp_path / "old"), str(tmp_path / "new"))
    assert [entry.path for entry in found.removed] == ["gone", "kept/z"]
    assert (found.added, found.modified) == ((), ())


def test_content_is_compared_to_the_end(tmp_path: Path) -> None:
    for name, last in (("old", b"a"), ("new", b"b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_bytes(b"x" * (1 << 20) + last)
    found = differences.between(str(tmp_path / "old"), str(tmp_path / "new"))
    assert [entry.path for entry in found.modified] == ["f"]
