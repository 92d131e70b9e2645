"""A file that was put somewhere has one name, as in docker: whatever placed it, wherever else its bytes are.

Judge: docker 26.1.5, where `RUN stat -c %h` after a COPY says 1 (tests/conformance/dockerfile, names-…); it keeps hard
links within one copied directory alone. cron, for one, ignores a crontab with a second name.
"""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files.walking import Filter
from baselard.engine.ops.copy import Copy, CopyFiles
from baselard.engine.ops.file import Chmod, NewFile, Remove
from baselard.engine.ops.host import load
from baselard.engine.ops.merge import ApplyChanges, Diff
from baselard.engine.ops.replace import Replace
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Node, Output, Result, Value

pytestmark = pytest.mark.root
EMPTY = Output(Scratch())


@dataclass(frozen=True)
class Ready(Scratch):
    """A node whose value is there already."""

    value: Value

    def run(self, worker: Any, inputs: Sequence[Value]) -> Result:
        return Result((self.value,))


def _source(root: Path) -> None:
    (root / "d/sub").mkdir(parents=True)
    for name in ("d/job", "d/sub/other", "d/empty", "e"):
        (root / name).write_text(name if name != "d/empty" else "")


@pytest.fixture
def source(trees) -> Output:
    """A tree of two layers, as a stage is."""
    with trees.snapshots.draft(None) as draft:
        _source(draft.path)
        tree = draft.commit()
    below = Output(Ready(Value("source", tree)))
    return Output(NewFile(below, "/d/new", b"new"))


def _on(dest: Output, source: Output, path: str = "/to", inner: str = "/d", **more: Any) -> Output:
    return Output(Copy(dest, source, path, inner, **more))


PLACED: dict[str, Callable[[Output], Node]] = {
    "a directory": lambda source: Copy(EMPTY, source, "/to", "/d"),
    "everything": lambda source: Copy(EMPTY, source, "/"),
    "everything, elsewhere": lambda source: Copy(EMPTY, source, "/to"),
    "a part": lambda source: Copy(EMPTY, source, "/", selected=Filter(exclude=("e",))),
    "with another owner": lambda source: Copy(EMPTY, source, "/to", "/d", owner="5:6"),
    "with permissions": lambda source: Copy(EMPTY, source, "/to", "/d", permissions=0o600),
    "onto files of the same names": lambda source: Copy(source, source, "/d", "/d"),
    "twice into one tree": lambda source: Copy(_on(EMPTY, source), source, "/again", "/d"),
    "a copy of a copy": lambda source: Copy(EMPTY, _on(EMPTY, source), "/more", "/to"),
    "a file": lambda source: CopyFiles(EMPTY, (source,), ("/d/job",), "/etc/cron.d/job"),
    "a file twice": lambda source: CopyFiles(EMPTY, (source, source), ("/d/job", "/d/job"), "/etc/cron.d/"),
    "files": lambda source: CopyFiles(EMPTY, (source, source), ("/d/job", "/d/sub/other"), "/etc/"),
    "a difference": lambda source: Diff(EMPTY, source),
    "changes": lambda source: ApplyChanges(EMPTY, EMPTY, source),
    "changes, in a directory": lambda source: ApplyChanges(source, EMPTY, source, "/in"),
    "a copy that was written to": lambda source: NewFile(_on(EMPTY, source), "/to/job", b"changed"),
    "a copy that was replaced in": lambda source: Replace(_on(EMPTY, source), "/to/job", b"job", b"cat"),
    "a copy with modes": lambda source: Chmod(_on(EMPTY, source), "/to", (("job", 0o600),)),
    "a copy without some": lambda source: Remove(_on(EMPTY, source), ("/to/job",)),
}


def _linked(root: Path) -> list[str]:
    """The files that have more than one name."""
    files = [path for path in root.rglob("*") if not path.is_dir()]
    return [str(path.relative_to(root)) for path in files if os.lstat(path).st_nlink > 1]


@pytest.mark.parametrize("make", PLACED.values(), ids=PLACED)
def test_what_was_placed_has_one_name(trees, source: Output, make: Callable[[Output], Node]) -> None:
    assert trees.look(make(source), _linked) == []
    assert trees.look(source.node, _linked) == []


def test_a_host_directory_has_its_own_files(trees, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    _source(tmp_path / "project")
    node = Output(load(trees, str(tmp_path / "project")))
    for made in (node.node, Copy(EMPTY, node, "/to"), Copy(EMPTY, node, "/", "/d")):
        assert trees.look(made, _linked) == []


def _twins(root: Path) -> None:
    (root / "d/sub").mkdir(parents=True)
    (root / "d/a").write_text("a")
    os.link(root / "d/a", root / "d/sub/b")
    os.link(root / "d/a", root / "outside")


@pytest.mark.parametrize(
    ("make", "linked"),
    [
        (lambda one: Copy(EMPTY, one, "/to"), ["to/d/a", "to/d/sub/b", "to/outside"]),
        (lambda one: Copy(EMPTY, one, "/to", "/d"), ["to/a", "to/sub/b"]),
        (lambda one: Copy(EMPTY, one, "/to", "/d", owner="5:6"), ["to/a", "to/sub/b"]),
        (lambda one: Copy(EMPTY, one, "/to", "/d/sub"), []),
        (lambda one: Copy(EMPTY, one, "/to", "/d", selected=Filter(exclude=("sub",))), []),
        (lambda one: CopyFiles(EMPTY, (one, one), ("/d/a", "/d/sub/b"), "/to/"), []),
        (lambda one: Copy(_on(EMPTY, one, "/x", "/d/sub"), one, "/to", "/d"), ["to/a", "to/sub/b"]),
        (lambda one: Diff(EMPTY, one), ["d/a", "d/sub/b", "outside"]),
    ],
)
def test_names_of_one_file_stay_together_within_one_copy(
    trees, make: Callable[[Output], Node], linked: list[str]
) -> None:
    """BuildKit notes the inodes of one copied source (fsutil/copy, getLinkSource)."""
    with trees.snapshots.draft(None) as draft:
        _twins(draft.path)
        one = Output(Ready(Value("twins", draft.commit())))

    def counts(root: Path) -> list[str]:
        found = _linked(root)
        assert {os.lstat(root / name).st_nlink for name in found} <= {len(found)}
        return sorted(found)

    assert trees.look(make(one), counts) == linked


@pytest.mark.parametrize("length", [239, 240, 241, 600])
def test_a_long_chain_shows_one_name_too(trees, length: int) -> None:
    """Beyond 240 layers a tree is folded; what is shown of shorter chains with the same layers is not to change."""
    made = []
    for number in range(length):
        with trees.snapshots.layer(made[-1] if made else None) as draft:
            (draft.path / "etc/cron.d").mkdir(parents=True)
            for name in (f"job{number % 7}", f"own{number}"):
                (draft.path / "etc/cron.d" / name).write_text(str(number))
            made.append(draft.commit())
    for tree in (made[-1], made[0], made[length // 2], made[-1]):
        with trees.snapshots.view(tree) as root:
            assert _linked(root) == []
    with trees.snapshots.draft(made[-1]) as draft:
        assert _linked(draft.path) == []
        assert stat.S_ISREG(os.lstat(draft.path / f"etc/cron.d/job{(length - 1) % 7}").st_mode)
