"""A host directory as a layer on an earlier import; the judge is GNU tar, of this tree and of one copied as a whole."""

import os
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.files import copying, inventory, merging, statcache, treehash
from baselard.engine.files.inventory_draft import InventoryDraft
from baselard.engine.files.walking import EVERYTHING, Filter, walk
from baselard.engine.images import transfer
from baselard.engine.images.layers import pack, packed
from baselard.engine.images.layers.groups import grouping
from baselard.engine.ops import host, host_layer
from baselard.engine.ops.copy import Copy
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Node, Output
from baselard.engine.store import cachedir, collect, layer_index
from baselard.engine.store.collect import Policy
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import ancestry
from tests.trees import Trees

pytestmark = pytest.mark.root

LARGE = 2 << 20


FILTERS = {
    "everything": EVERYTHING,
    "without": Filter(exclude=("kept", "out/p", "!out/p/q", "**/x")),
    "only": Filter(include=("large", "src", "out/p", "names/*")),
    "gitignore": Filter(gitignore=True),
}


@pytest.fixture(params=["known", "walked"])
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A host directory that is worth it by a large file, beside all kinds of small ones.

    What nobody changed is known without a look into it, or not, as what changed a moment ago.
    """
    monkeypatch.setattr(host_layer, "_WORTH", LARGE)
    if request.param == "known":
        monkeypatch.setattr(statcache, "_RACY_NS", -3_000_000_000)
        monkeypatch.setattr(inventory, "_RENEWED", 0)
    root = tmp_path / "project"
    for name in ("README", "src/main.py", "src/deep/er/x", "out/o", "out/p/q", "kept/k", "names/a"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "large").write_bytes(os.urandom(LARGE))
    (root / "link").symlink_to("README")
    (root / "to-directory").symlink_to("src")
    (root / "empty").mkdir(mode=0o700)
    (root / "names/b").hardlink_to(root / "names/a")
    (root / "names/outside").hardlink_to(tmp_path / "project/kept/k")
    os.mkfifo(root / "fifo")
    os.setxattr(root / "out", "user.old", b"1")
    os.setxattr(root / "out/o", "user.old", b"1")
    return root


@pytest.fixture
def other(_namespace: None, tmp_path: Path) -> Iterator[Trees]:
    """Another store, which copies everything."""
    store = Store.open(tmp_path / "other", packed.unpack)
    yield Trees(store, merging.snapshots(store))
    store.close()


def whole(other: Trees, here: Path, selected: Filter = EVERYTHING) -> Node:
    """The directory copied as a whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host_layer, "imported", lambda *_: None)
        return host.load(other, str(here), selected)  # type: ignore[arg-type]


def tar(trees: Trees, node: Node) -> str:
    """The listing and the bytes of the tree as GNU tar finds them: names, modes, owners, times, links, attributes.

    Access lists are left to the tree's digest: tar lists attributes in the order in which they were set.
    """
    attributes = "--xattrs --xattrs-include=* --xattrs-exclude=system.*"
    line = (
        f"tar --sort=name {attributes} --format=posix --pax-option=delete=atime,delete=ctime -cf - . "
        f"| tee >(sha256sum >&2) | tar {attributes} --full-time -tvvf - 2>&1; wait"
    )

    def ask(root: Path) -> str:
        done = subprocess.run(["bash", "-ec", line], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    return str(trees.look(node, ask))


def _digest(trees: Trees, node: Node) -> str:
    """The digest of the tree that is there."""
    return str(trees.look(node, lambda root: treehash.of_entries(str(root), walk(str(root)))))


def depth(trees: Trees, node: Node) -> int:
    """How many layers the tree has."""
    return len([*ancestry(trees.value(node).tree)])  # type: ignore[arg-type]


def _as_whole(trees: Trees, other: Trees, here: Path, selected: Filter = EVERYTHING) -> Node:
    """Load it, and compare with the whole copy."""
    node = host.load(trees, str(here), selected)  # type: ignore[arg-type]
    expected = whole(other, here, selected)
    assert node.key == expected.key == _digest(trees, node)
    assert tar(trees, node) == tar(other, expected)
    return node


def _replaced_by_a_file(here: Path) -> None:
    shutil.rmtree(here / "out")
    (here / "out").write_text("a file")


def _replaced_by_a_link(here: Path) -> None:
    shutil.rmtree(here / "src")
    (here / "src").symlink_to("out")


def _replaced_by_a_directory(here: Path, name: str) -> None:
    (here / name).unlink()
    (here / name).mkdir()
    (here / name / "main.py").write_text("another")


def _made_anew(here: Path) -> None:
    """The directory is there again with other files: what it held must not show through."""
    shutil.rmtree(here / "out")
    (here / "out").mkdir(mode=0o711)
    (here / "out/new").write_text("new")


def _moved(here: Path) -> None:
    (here / "src/deep").rename(here / "kept/deep")


def _swapped(here: Path) -> None:
    (here / "kept").rename(here / "away")
    (here / "out").rename(here / "kept")
    (here / "away").rename(here / "out")


def _without_attributes(here: Path) -> None:
    os.removexattr(here / "out", "user.old")
    os.removexattr(here / "out/o", "user.old")
    os.setxattr(here / "kept", "user.new", b"2")


def _touched(here: Path) -> None:
    os.utime(here / "README", (1, 1))
    os.utime(here / "out", (2, 2))
    os.utime(here / "link", (3, 3), follow_symlinks=False)


def _named_again(here: Path) -> None:
    (here / "src/c").hardlink_to(here / "names/a")


def _copied_apart(here: Path) -> None:
    (here / "names/b").unlink()
    shutil.copy2(here / "names/a", here / "names/b")


def _default_acl(here: Path) -> None:
    """A new file in a directory with one must not inherit what the original has not."""
    (here / "out/late").write_text("late")
    acl = bytes.fromhex("0200000001000700ffffffff04000700ffffffff20000500ffffffff")
    os.setxattr(here / "out", "system.posix_acl_default", acl)


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda here: (here / "src/main.py").write_text("text"),
    "mode": lambda here: (here / "kept/k").chmod(0o4755),
    "mode of a directory": lambda here: (here / "src/deep").chmod(0o1777),
    "new": lambda here: (here / "src/deep/er/y").write_text("y"),
    "new directory": lambda here: (here / "src/deep/new/er").mkdir(parents=True),
    "gone": lambda here: (here / "README").unlink(),
    "gone and nothing left": lambda here: (here / "src/deep/er/x").unlink(),
    "gone directory": lambda here: shutil.rmtree(here / "src"),
    "target": lambda here: ((here / "link").unlink(), (here / "link").symlink_to("src/x")),
    "directory to file": _replaced_by_a_file,
    "directory to link": _replaced_by_a_link,
    "file to directory": lambda here: _replaced_by_a_directory(here, "README"),
    "link to directory": lambda here: _replaced_by_a_directory(here, "to-directory"),
    "pipe to file": lambda here: ((here / "fifo").unlink(), (here / "fifo").write_text("no pipe")),
    "directory made anew": _made_anew,
    "moved": _moved,
    "swapped": _swapped,
    "attributes": _without_attributes,
    "times": _touched,
    "one name more": _named_again,
    "one name less": lambda here: (here / "names/b").unlink(),
    "first name less": lambda here: (here / "names/a").unlink(),
    "content of several names": lambda here: (here / "names/b").write_text("both"),
    "names apart": _copied_apart,
    "default acl": _default_acl,
    "a socket": lambda here: ((here / "fifo").unlink(), os.mknod(here / "fifo", 0o140644)),
    "nothing hidden": lambda here: os.mknod(here / "dev", 0o020600, os.makedev(0, 0)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("selected", FILTERS.values(), ids=FILTERS)
def test_it_is_the_tree_that_a_whole_copy_makes(
    trees: Trees, other: Trees, here: Path, selected: Filter, change: Callable[[Path], object]
) -> None:
    _as_whole(trees, other, here, selected)
    change(here)
    node = _as_whole(trees, other, here, selected)
    assert depth(trees, node) <= 2


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that a walk looked into."""
    real, seen = InventoryDraft.enter, list[str]()

    def enter(draft: InventoryDraft, path: str) -> None:
        seen.append(path)
        real(draft, path)

    monkeypatch.setattr(InventoryDraft, "enter", enter)
    return seen


@pytest.mark.parametrize("here", ["known"], indirect=True)
def test_a_walk_leaves_out_what_nobody_changed(trees: Trees, other: Trees, here: Path, looked: list[str]) -> None:
    host.load(trees, str(here))  # type: ignore[arg-type]
    for number in range(3):
        (here / "out/p/q").write_text("more" * number)
        looked.clear()
        node = host.load(trees, str(here))  # type: ignore[arg-type]
        assert looked == ["", "out", "out/p"]
        assert (node.key, tar(trees, node)) == (whole(other, here).key, tar(other, whole(other, here)))


@pytest.mark.parametrize("here", ["known"], indirect=True)
def test_rules_that_changed_count_for_all_below(trees: Trees, here: Path, looked: list[str]) -> None:
    (here / "src/.gitignore").write_text("y\n")
    host.load(trees, str(here), FILTERS["gitignore"])  # type: ignore[arg-type]
    (here / "src/.gitignore").write_text("x\nmore\n")
    looked.clear()
    node = host.load(trees, str(here), FILTERS["gitignore"])  # type: ignore[arg-type]
    assert looked == ["", "src", "src/deep", "src/deep/er"]
    assert "src/deep/er/x" not in trees.names(node)


@pytest.mark.parametrize("here", ["known"], indirect=True)
def test_a_new_session_knows_what_changed_a_moment_ago_before(
    trees: Trees, other: Trees, here: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base was made of files that had just been written; a later walk tells that they are as they were."""
    with monkeypatch.context() as patch:
        patch.setattr(statcache, "_RACY_NS", 3_600_000_000_000)
        host.load(trees, str(here))  # type: ignore[arg-type]
    for number in range(2):
        (here / "src/main.py").write_text("more" * number)
        looked.clear()
        _as_whole(trees, other, here)
    assert looked[: looked.index("", 1)] == ["", "src"]


@pytest.mark.parametrize("here", ["known"], indirect=True)
@pytest.mark.parametrize("ours", [True, False])
def test_a_tag_that_comes_or_goes_in_place_is_seen(trees: Trees, other: Trees, here: Path, *, ours: bool) -> None:
    """It changes neither the directory's own stamp nor what is known of the one that it is in."""
    tag = here / "out/p/CACHEDIR.TAG"
    tag.touch()
    for number in range(4):
        tag.write_bytes(cachedir._TEXT if ours else b"another's")
        (here / "src/main.py").write_text("more" * number)
        node = _as_whole(trees, other, here)
        assert ("out/p/q" in trees.names(node)) is not ours
        ours = not ours


@pytest.mark.parametrize("here", ["known"], indirect=True)
def test_what_is_written_in_the_end_is_not_what_is_known(trees: Trees, here: Path) -> None:
    """One call has a file that another leaves out, which it is to write."""
    writing = replace(trees, output=str(here / "out/new"))
    (here / "out/new").write_text("new")
    host.load(trees, str(here))  # type: ignore[arg-type]
    for number in range(3):
        (here / "src/main.py").write_text("more" * number)
        for each in (writing, trees):
            node = host.load(each, str(here))  # type: ignore[arg-type]
            assert ("out/new" in trees.names(node)) is (each is trees)
            assert node.key == _digest(trees, node)


def test_only_what_changed_is_copied(trees: Trees, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied, real = list[str](), copying.copy_bytes
    host.load(trees, str(here))  # type: ignore[arg-type]

    def spy(source: str, *rest: object) -> None:
        copied.append(os.path.relpath(source, here))
        real(source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "copy_bytes", spy)
    (here / "src/main.py").write_text("text")
    (here / "kept/new").write_text("new")
    node = host.load(trees, str(here))  # type: ignore[arg-type]
    assert (copied, depth(trees, node)) == (["kept/new", "src/main.py"], 2)


@pytest.mark.parametrize("seed", range(6))
def test_many_changes_one_after_the_other(
    trees: Trees, other: Trees, here: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes after whatever, on bases of all depths."""
    chance, selected = random.Random(seed), list(FILTERS.values())[seed % len(FILTERS)]
    monkeypatch.setattr(host_layer, "_WORTH", chance.choice([1, 20_000, LARGE]))
    seen = set()
    for _ in range(12):
        for _ in range(chance.randrange(1, 6)):
            _some_change(here, chance)
        seen.add(depth(trees, _as_whole(trees, other, here, selected)))
    assert max(seen) > 1


def _some_change(here: Path, chance: random.Random) -> None:
    every = sorted(path for path in here.rglob("*") if path.name != "large")
    directories = [here, *(path for path in every if path.is_dir() and not path.is_symlink())]
    into = chance.choice(directories) / chance.choice(("a", "b", "c", "d", "e", ".gitignore"))
    chosen = chance.choice(every)
    if chance.random() < 0.4:
        shutil.rmtree(chosen) if chosen.is_dir() and not chosen.is_symlink() else chosen.unlink()
    elif os.path.lexists(into):
        into.rename(here / f"moved-{chance.randrange(5)}") if into.is_file() and not into.is_symlink() else None
    elif chance.random() < 0.3:
        into.mkdir(chance.choice([0o700, 0o755]))
        (into / "within").write_text(str(chance.random()))
    elif chosen.is_file() and not chosen.is_symlink() and chance.random() < 0.5:
        into.hardlink_to(chosen)
    elif chance.random() < 0.3:
        into.symlink_to(chance.choice(every))
    else:
        into.write_text(f"{chance.random()}\na\n!b\n")


def _diffs(trees: Trees, node: Node) -> list[str]:
    """The layers of an image with this tree."""
    tree = trees.value(node).tree
    return [pack.pack(trees.store, group).diff_id for group in grouping(trees.store, tree).groups]  # type: ignore[arg-type]


def test_an_image_of_it_has_the_layers_that_a_whole_copy_makes(
    trees: Trees, other: Trees, here: Path, tmp_path: Path
) -> None:
    """A COPY into nothing is the directory itself: how it is kept must not be seen in the image, nor in a cache."""
    host.load(trees, str(here))  # type: ignore[arg-type]
    for change in ("gone directory", "file to directory", "one name less", "directory made anew"):
        CHANGES[change](here)
    node = Copy(Output(Scratch()), Output(host.load(trees, str(here))), "/")  # type: ignore[arg-type]
    more = Copy(Output(node), Output(node), "/again")
    assert (depth(trees, node), depth(trees, more)) == (2, 3)
    expected = whole(other, here)
    assert _diffs(trees, node) == _diffs(other, expected)
    assert _diffs(trees, more)[:-1] == _diffs(other, expected)
    transfer.export_directory(trees.store, 0, tmp_path / "cache")
    shutil.rmtree(tmp_path / "other")
    third = Store.open(tmp_path / "third", packed.unpack)
    transfer.import_directory(third, tmp_path / "cache", None)
    assert _diffs(Trees(third, merging.snapshots(third)), node) == _diffs(trees, node)
    third.close()


def _held(trees: Trees) -> list[Path]:
    return sorted((trees.store.root / "layers").glob("*.held"))


def test_neither_layers_nor_lists_grow_for_ever(
    trees: Trees, other: Trees, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_layer, "_WORTH", 1)
    depths = []
    for number in range(12):
        (here / "src/main.py").write_text(str(number))
        depths.append(depth(trees, _as_whole(trees, other, here)))
        assert len(_held(trees)) == 1
    assert depths == [*range(1, host_layer._DEEPEST + 2), 1, 2, 3]


def test_what_nobody_sees_any_more_does_not_outweigh_the_rest(trees: Trees, other: Trees, here: Path) -> None:
    for number in range(4):
        _as_whole(trees, other, here)
        (here / "large").write_bytes(bytes([number]) * LARGE)
        assert depth(trees, _as_whole(trees, other, here)) == 1
    assert len(_held(trees)) == 1


def test_all_goes_with_the_trees_and_nothing_that_is_needed(trees: Trees, other: Trees, here: Path) -> None:
    host.load(trees, str(here))  # type: ignore[arg-type]
    (here / "src/main.py").write_text("text")
    node = host.load(trees, str(here))  # type: ignore[arg-type]
    with trees.store.transaction():
        trees.store.db.execute("UPDATE results SET used = 1 WHERE key != ?", (node.key,))
        trees.store.db.execute("UPDATE snapshots SET used = 1")
    later = trees.store.started + 5
    size = collect.disk_usage(_held(trees)[0])
    assert size >= 4096
    collect.collect(trees.store, Policy(older_than=60), now=later)
    assert tar(trees, node) == tar(other, whole(other, here))
    (here / "src/main.py").write_text("next")
    assert depth(trees, _as_whole(trees, other, here)) == 1  # what it could lie on has no result, and may go any time
    with trees.store.transaction():
        trees.store.db.execute("UPDATE results SET used = 1")
        trees.store.db.execute("UPDATE snapshots SET used = 1")
    freed = collect.collect(trees.store, Policy(everything=True), now=later)
    assert list((trees.store.root / "layers").iterdir()) == []
    assert freed.snapshots == 3
    assert depth(trees, _as_whole(trees, other, here)) == 1


@pytest.mark.parametrize("damage", [b"", b"torn", None])
def test_a_list_that_is_torn_or_gone_is_none(trees: Trees, other: Trees, here: Path, damage: bytes | None) -> None:
    host.load(trees, str(here))  # type: ignore[arg-type]
    (held,) = _held(trees)
    held.unlink() if damage is None else held.write_bytes(held.read_bytes()[:50] + damage)
    (here / "src/main.py").write_text("text")
    assert depth(trees, _as_whole(trees, other, here)) == 1


def test_who_is_killed_leaves_no_half_of_a_tree(
    trees: Trees, other: Trees, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot and what tells that it is but a part of one are recorded at once or not at all."""
    host.load(trees, str(here))  # type: ignore[arg-type]
    (here / "src/main.py").write_text("text")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(layer_index, "record_joined", killed)
        host.load(trees, str(here))  # type: ignore[arg-type]
    assert trees.store.db.execute("SELECT count(*) FROM snapshots").fetchone() == (1,)
    trees.store.clean()
    assert depth(trees, _as_whole(trees, other, here)) == 2


def test_what_changes_between_the_look_and_the_copy_is_called_by_what_was_copied(
    trees: Trees, other: Trees, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.load(trees, str(here))  # type: ignore[arg-type]
    (here / "src/main.py").write_text("text")
    real = inventory.changes

    def late(*arguments: object) -> inventory.Difference:
        (here / "src/main.py").write_text("late")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(inventory, "changes", late)
    node = host.load(trees, str(here))  # type: ignore[arg-type]
    monkeypatch.undo()
    assert trees.text(node, "src/main.py") == "late"
    assert (node.key, tar(trees, node)) == (whole(other, here).key, tar(other, whole(other, here)))


def test_another_filter_and_small_directories_stand_alone(trees: Trees, here: Path, tmp_path: Path) -> None:
    host.load(trees, str(here))  # type: ignore[arg-type]
    assert depth(trees, host.load(trees, str(here), Filter(exclude=("out",)))) == 1  # type: ignore[arg-type]
    (here / "large").unlink()
    shutil.copytree(here, tmp_path / "small", symlinks=True, ignore=shutil.ignore_patterns("fifo"))
    before = len(_held(trees))
    for number in range(3):
        (tmp_path / "small/README").write_text(str(number))
        assert depth(trees, host.load(trees, str(tmp_path / "small"))) == 1  # type: ignore[arg-type]
    assert len(_held(trees)) == before


def test_who_asks_at_once_copies_once(trees: Trees, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, made, meet = host._import, list[str](), threading.Barrier(2)
    walked = host._hash

    def hashed(*arguments: object) -> object:
        found = walked(*arguments)  # type: ignore[arg-type]
        meet.wait(30)
        return found

    def spy(worker: object, part: object, read: object) -> object:
        made.append(read.digest)  # type: ignore[attr-defined]
        return real(worker, part, read)  # type: ignore[arg-type]

    monkeypatch.setattr(host, "_hash", hashed)
    monkeypatch.setattr(host, "_import", spy)
    threads = [threading.Thread(target=host.load, args=(trees, str(here))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert trees.store.db.execute("SELECT count(*) FROM snapshots").fetchone() == (1,)
