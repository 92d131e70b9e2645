"""Directories and files of the host: hashed first, copied once, never what is outside."""

import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import EngineError, UserError
from baselard.engine.files import copying, inside, treehash
from baselard.engine.files.walking import Entry, Filter, walk
from baselard.engine.host import rundir
from baselard.engine.images import transfer
from baselard.engine.ops import host, host_walk
from baselard.engine.ops.copy import Copy
from baselard.engine.ops.scratch import Scratch
from baselard.engine.solver.graph import Output
from baselard.engine.store import cachedir
from baselard.engine.store.database import Store

pytestmark = pytest.mark.root


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A host directory as a project has one."""
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src/main.py").write_text("print()")
    (root / "README").write_text("read")
    (root / "link").symlink_to("/etc/passwd")
    os.chown(root / "README", 1000, 1000)
    return root


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were copied."""
    names: list[str] = []
    copy_bytes = copying.copy_bytes

    def spy(source: str, target: str, *opener: Any) -> None:
        names.append(os.path.basename(source))
        copy_bytes(source, target, *opener)

    monkeypatch.setattr(copying, "copy_bytes", spy)
    return names


def test_a_directory_comes_without_its_owners(trees, here: Path) -> None:
    node = host.load(trees, str(here))
    assert trees.names(node) == ["README", "link", "src", "src/main.py"]
    assert trees.text(node, "src/main.py") == "print()"
    assert trees.stat(node, "README").st_uid == 0
    assert trees.look(node, lambda root: os.readlink(root / "link")) == "/etc/passwd"
    assert trees.stat(node, "README").st_mtime_ns == (here / "README").stat().st_mtime_ns


def test_equal_content_is_neither_copied_nor_another_node(trees, here: Path, copied: list[str], tmp_path: Path) -> None:
    first = host.load(trees, str(here))
    assert sorted(copied) == ["README", "main.py"]
    copied.clear()
    shutil.copytree(here, tmp_path / "elsewhere", symlinks=True)
    os.utime(tmp_path / "elsewhere/README", (1, 1))
    assert host.load(trees, str(here)).key == first.key
    assert host.load(trees, str(tmp_path / "elsewhere")).key == first.key
    assert copied == []
    assert len(list((trees.store.root / "layers").iterdir())) == 1


def test_its_key_is_the_hash_of_the_copy(trees, here: Path) -> None:
    node = host.load(trees, str(here))
    with trees.snapshots.view(trees.value(node).tree) as root:
        assert node.key == treehash.of_entries(str(root), walk(str(root)))


@pytest.mark.parametrize("change", ["content", "mode", "new", "target"])
def test_a_change_makes_another_key(trees, here: Path, change: str) -> None:
    before = host.load(trees, str(here))
    match change:
        case "content":
            (here / "README").write_text("READ")
        case "mode":
            (here / "README").chmod(0o700)
        case "new":
            (here / "src/new").touch()
        case "target":
            (here / "link").unlink()
            (here / "link").symlink_to("/etc/group")
    after = host.load(trees, str(here))
    assert after.key != before.key
    assert trees.text(before, "README") == "read", "what was read stays as it was"


def test_patterns_and_gitignore_files_above(trees, here: Path) -> None:
    (here / ".git").mkdir()
    (here / ".gitignore").write_text("*.log\n/src/build\n")
    for name in ("src/a.log", "src/build/x", "src/deep/keep"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).touch()
    assert trees.names(host.load(trees, str(here), Filter(include=("src",), exclude=("**/deep",)))) == [
        "src",
        "src/a.log",
        "src/build",
        "src/build/x",
        "src/main.py",
    ]
    inside = host.load(trees, str(here / "src"), Filter(gitignore=True))
    assert trees.names(inside) == ["deep", "deep/keep", "main.py"]


def test_patterns_that_point_outside_bring_nothing(trees, here: Path) -> None:
    (here.parent / "secret").touch()
    assert trees.names(host.load(trees, str(here), Filter(include=("../secret", "README")))) == ["README"]


def test_sockets_and_devices_that_would_hide_things_stay_behind(trees, here: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(here / "socket"))
        os.mknod(here / "whiteout", stat.S_IFCHR, 0)
        os.mkfifo(here / "pipe")
        assert trees.names(host.load(trees, str(here))) == ["README", "link", "pipe", "src", "src/main.py"]


def test_a_file(trees, here: Path) -> None:
    odd = here / "odd [name]*?"
    odd.write_text("odd")
    node, name = host.load_file(trees, str(odd))
    assert (trees.names(node), trees.text(node, name)) == ([odd.name], "odd")
    (here / "way").symlink_to("README")
    node, name = host.load_file(trees, str(here / "way"))
    assert trees.text(node, name) == "read"


def test_a_large_file_is_copied_when_somebody_needs_the_copy(trees, here: Path, monkeypatch) -> None:
    monkeypatch.setattr(host, "_LARGE", 4)
    small, _ = host.load_file(trees, str(here / "src/main.py"))
    monkeypatch.setattr(host, "_LARGE", 1)
    node, name = host.load_file(trees, str(here / "README"), later=True)
    assert (trees.store.lookup(small.key) is None, trees.store.lookup(node.key)) == (False, None)
    with node.in_place(trees) as place:
        assert Path(place, name).read_text() == "read"
    assert trees.text(node, name) == "read"
    (here / "README").write_text("else")
    with pytest.raises(EngineError, match="README changed since it was read; run again"), node.in_place(trees):
        pass
    late, _ = host.load_file(trees, str(here / "README"), later=True)
    (here / "README").write_text("more")
    with pytest.raises(EngineError, match="changed since it was read"):
        trees.names(late)


def test_what_is_not_there_is_named(trees, here: Path) -> None:
    with pytest.raises(UserError, match="no such file or directory"):
        host.load(trees, str(here / "none"))
    with pytest.raises(UserError, match="not a directory"):
        host.load(trees, str(here / "README"))
    with pytest.raises(UserError, match="no such file"):
        host.load_file(trees, str(here / "none"))
    with pytest.raises(UserError, match="is a directory"):
        host.load_file(trees, str(here / "src"))


def test_what_cannot_be_read_is_named(trees, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, info: os.stat_result, *opener: Any) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(treehash, "file_identity", refuse)
    with pytest.raises(UserError, match="README on the host cannot be read: Permission denied"):
        host.load(trees, str(here))


def test_a_file_that_changes_while_it_is_copied_is_called_by_what_was_copied(
    trees, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_bytes = copying.copy_bytes

    def late(source: str, target: str, *opener: Any) -> None:
        if source.endswith("README"):
            Path(source).write_text("changed between hashing and copying")
            (here / "src/new").touch()
        copy_bytes(source, target, *opener)

    monkeypatch.setattr(copying, "copy_bytes", late)
    node = host.load(trees, str(here))
    monkeypatch.undo()
    assert trees.text(node, "README") == "changed between hashing and copying"
    assert "src/new" in trees.names(node)
    assert host.load(trees, str(here)).key == node.key


def test_a_lost_tree_is_read_once_more(trees, here: Path) -> None:
    node = host.load(trees, str(here))
    trees.store.db.execute("DELETE FROM results")
    assert trees.text(node, "README") == "read"
    trees.store.db.execute("DELETE FROM results")
    (here / "README").write_text("other")
    with pytest.raises(Exception, match="changed since it was read"):
        trees.value(node)


def test_a_copy_into_nothing_is_the_host_directory_itself(trees, here: Path, copied: list[str]) -> None:
    node = host.load(trees, str(here))
    copied.clear()
    assert trees.value(Copy(Output(Scratch()), Output(node), "/")).tree == trees.value(node).tree
    assert copied == []


def _store(root: Path) -> None:
    Store.open(root).close()


def _exported_cache(root: Path) -> None:
    store = Store.open(root.parent.parent / "another")
    transfer.note_run(store)
    transfer.export_directory(store, 0, root)
    store.close()


def _cache(root: Path) -> None:
    """As the command line tags the user's cache when the engine starts."""
    root.mkdir()
    cachedir.tag(root)


OWN = {"a store": _store, "an exported cache": _exported_cache, "a cache": _cache}


@pytest.mark.parametrize("where", [".cache", "src/deeper"])
@pytest.mark.parametrize("make", OWN.values(), ids=OWN)
@pytest.mark.parametrize(
    "selected", [Filter(), Filter(include=("**",)), Filter(gitignore=True), Filter(exclude=("*", "!src", "!.cache"))]
)
def test_what_is_kept_here_is_part_of_no_source(trees, here: Path, make, where: str, selected: Filter) -> None:
    before = host.load(trees, str(here), selected)
    (here / where).parent.mkdir(exist_ok=True)
    make(here / where)
    assert list((here / where).iterdir())
    assert host.load(trees, str(here), selected) == before


def test_the_store_in_use_is_part_of_no_source(trees, tmp_path: Path) -> None:
    """It was copied into itself until «File name too long»."""
    (tmp_path / "file").write_text("a")
    node = host.load(trees, str(tmp_path))
    assert trees.names(node) == ["file"]
    assert host.load(trees, str(tmp_path)) == node


def test_run_directories_are_part_of_no_source(trees, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There lie programs' variables and secrets while they run."""
    monkeypatch.setenv("BASELARD_RUN", str(here / "src/run"))
    with closing(rundir.open_run_dir()) as own:
        assert own.path.parent == here / "src/run"
        assert trees.names(host.load(trees, str(here))) == ["README", "link", "src", "src/main.py"]


def test_a_source_reached_through_a_link_has_no_store_either(trees, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    _store(tmp_path / "project/kept")
    (tmp_path / "link").symlink_to("project")
    assert trees.names(host.load(trees, str(tmp_path / "link"))) == []


def test_the_store_itself_is_no_source(trees) -> None:
    with pytest.raises(UserError, match="a directory that Baselard keeps for itself"):
        host.load(trees, str(trees.store.root))


@pytest.mark.parametrize("name", ["report", "src/image.tar", "link"])
def test_what_is_written_in_the_end_is_part_of_no_source(trees, here: Path, name: str) -> None:
    (here / "report").mkdir()
    (here / "report/old").touch()
    (here / "src/image.tar").touch()
    names = trees.names(host.load(replace(trees, output=str(here / name)), str(here)))
    assert [path for path in ("report", "src/image.tar", "link") if path not in names] == [name]


def test_another_programs_tag_means_nothing(trees, here: Path) -> None:
    """cargo's and mypy's caches carry one, too, and may be wanted."""
    (here / "target").mkdir()
    (here / "target/CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n# made by cargo\n")
    assert "target/CACHEDIR.TAG" in trees.names(host.load(trees, str(here)))


@pytest.fixture
def disturbed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None], int], None]:
    """Has something happen once, just before the file ``main.py`` is opened, the first time or a later one."""

    def disturb(happening: Callable[[], None], at: int) -> None:
        opened, seen = inside.plain, list[str]()

        def spy(path: str) -> int:
            seen.extend([path] if path.endswith("/main.py") else [])
            if len(seen) == at:
                seen.append("")
                happening()
            return opened(path)

        monkeypatch.setattr(inside, "plain", spy)

    return disturb


def _gone(path: Path) -> None:
    path.unlink(missing_ok=True)


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/etc/passwd")


def _directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(exist_ok=True)


def _folder_gone(path: Path) -> None:
    shutil.rmtree(path.parent, ignore_errors=True)


def _folder_link(path: Path) -> None:
    """The folder leads to somebody else's file of the same name."""
    other = path.parents[2] / "other"
    shutil.copytree(path.parent, other)
    (other / "main.py").write_text("nobody's business")
    path.parent.rename(path.parents[1] / "old")
    path.parent.symlink_to(other)


CHANGES = [_gone, _pipe, _link, _directory, _folder_gone, _folder_link]


@pytest.mark.parametrize("at", [1, 2], ids=["while hashing", "while copying"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_once_is_read_as_it_is_then(
    trees, here: Path, disturbed, change: Callable[[Path], None], at: int
) -> None:
    disturbed(lambda: change(here / "src/main.py"), at)
    names = trees.names(host.load(trees, str(here)))
    assert names == sorted(str(path.relative_to(here)) for path in here.rglob("*"))


def test_what_never_holds_still_is_named(trees, here: Path, disturbed) -> None:
    """A file that is there when the directory is listed, and gone when it is opened, each time."""
    walked = host_walk.walk

    def walk_and_remove(root: str, selected: Filter, **rules: object) -> Iterator[Entry]:
        (here / "src/main.py").write_text("again")
        entries = list(walked(root, selected, **rules))  # type: ignore[arg-type]
        (here / "src/main.py").unlink()
        return iter(entries)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host_walk, "walk", walk_and_remove)
        with pytest.raises(UserError, match=r"changes while it is read \(.*/src/main\.py: No such file"):
            host.load(trees, str(here))


def test_names_that_are_no_text_come_along(trees, tmp_path: Path) -> None:
    root = os.fsencode(tmp_path / "odd")
    os.makedirs(root + b"/d\xfe")
    with open(root + b"/d\xfe/f\xff", "wb") as file:
        file.write(b"x")
    node = host.load(trees, os.fsdecode(root))
    assert [os.fsencode(name) for name in trees.names(node)] == [b"d\xfe", b"d\xfe/f\xff"]
