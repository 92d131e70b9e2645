"""Layers that are not unpacked are seen as if they were. The kernel's own EROFS reads every index; GNU tar wrote the
layers; what an engine unpacks as ever is the judge of the rest."""

import contextlib
import gzip
import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from baselard.engine.errors import HostError, UserError
from baselard.engine.files import merging, treehash
from baselard.engine.files.walking import walk
from baselard.engine.images.layers import generate, keeping, stack
from baselard.engine.store import collect, indexes, mounting
from baselard.engine.store.collect import Policy
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer

pytestmark = pytest.mark.root
_CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store.open(tmp_path / "store")) as opened:
        if not keeping.available(opened):
            pytest.skip("this kernel mounts no EROFS image from a file")
        yield opened


@pytest.fixture(autouse=True)
def _every_layer_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_LARGE", 1)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Something of everything: kinds, owners, modes, times, attributes, many and long names, large and empty files."""
    top = tmp_path / "tree"
    (top / "many/deep/er").mkdir(parents=True)
    for number in range(300):
        (top / "many" / f"file with a name {number}").write_text(f"{number}\n" * number)
    (top / ("n" * 255)).write_bytes(os.urandom(70_000))
    for name in ("!", "-", "..a", "é"):  # before and after . and .. in the order of bytes
        (top / name).write_text(name)
    (top / "empty").touch()
    (top / "absent").symlink_to("x" * 600)
    (top / "link").symlink_to("many")
    os.link(top / "empty", top / "many/deep/again")
    os.mkfifo(top / "fifo")
    os.mknod(top / "device", stat.S_IFCHR, os.makedev(259, 1030))
    os.mknod(top / "disk", stat.S_IFBLK, os.makedev(8, 1))
    os.chown(top / "!", 4_000_000_000, 70_000)
    os.chmod(top / "-", 0o6755)
    os.chmod(top / "many/deep", 0o1777)
    os.setxattr(top / "-", "security.capability", _CAPABILITY)
    os.setxattr(top / "many", "user.of", b"\0" * 300)
    os.setxattr(top / "many", "trusted.of", b"y")
    os.utime(top / "é", ns=(1, 981_173_106_789_000_000))
    os.utime(top, ns=(5, 5 * 10**9))
    return top


def tarred(tree: Path, *options: str) -> bytes:
    command = ("tar", "--format=pax", "--xattrs", "--xattrs-include=*", *options, "-C", str(tree), "-c", ".")
    return subprocess.run(command, check=True, capture_output=True).stdout


def layer(store: Store, plain: bytes, pack: Callable[[bytes], bytes] = bytes, compression: str = "none") -> Layer:
    packed = pack(plain)
    return Layer(store.put_blob([packed]), len(packed), "sha256:" + hashlib.sha256(plain).hexdigest(), compression)


def stacked(store: Store, *layers: Layer) -> Snapshot:
    blobs = [store.blob_path(layer.digest) for layer in layers]
    top = stack.stack(merging.snapshots(store), layers, [lambda path=path: path for path in blobs])  # type: ignore[misc]
    assert top is not None
    return top


def unpacked(store: Store, monkeypatch: pytest.MonkeyPatch, *layers: Layer) -> tuple[Store, Snapshot]:
    """The same in a store of an engine that unpacks."""
    other = Store.open(store.root.with_name("other"))
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "available", lambda _: False)
        for one in layers:
            other.put_blob([store.blob_path(one.digest).read_bytes()])
        return other, stacked(other, *layers)


def listing(store: Store, top: Snapshot) -> tuple[str, dict[str, dict[str, bytes]], str]:
    """What find prints of the whole tree, its attributes, and its digest."""
    shown = r"%p %y %m %U %G %T@ %n %l", r"%p %y %m %U %G %T@ %n %s"
    form = ("(", "-type", "d", "-o", "-type", "l", ")", "-printf", rf"{shown[0]}\n", "-o", "-printf", rf"{shown[1]}\n")
    with merging.snapshots(store).view(top) as root:
        said = subprocess.run(("find", ".", *form), cwd=root, check=True, capture_output=True, text=True).stdout
        paths = [os.path.join(here, name) for here, dirs, files in os.walk(root) for name in (".", *dirs, *files)]
        found = {
            os.path.relpath(path, root): {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
            for path in paths
            if (names := os.listxattr(path, follow_symlinks=False))
        }
        return "\n".join(sorted(said.splitlines())), found, treehash.of_entries(str(root), walk(str(root)))


PACKED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "none": (bytes, "none"),
    "gzip": (gzip.compress, "gzip"),
    "zstd": (lambda plain: zstandard.ZstdCompressor().compress(plain), "zstd"),
}


@pytest.mark.parametrize("compression", PACKED)
def test_a_layer_looks_as_if_it_were_unpacked(
    store: Store, tree: Path, compression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = layer(store, tarred(tree), *PACKED[compression])
    top = stacked(store, made)
    assert sorted(os.listdir(store.own_directory(top))) == ["index", "tar"]
    other, judge = unpacked(store, monkeypatch, made)
    assert listing(store, top) == listing(other, judge)
    again = [b"".join(generate.tar([str(one.layer_path(it))], root=True)) for one, it in ((store, top), (other, judge))]
    assert again[0] == again[1]
    assert all((store.layer_path(top) / path).read_bytes() == (tree / path).read_bytes() for path in ("n" * 255, "é"))
    other.close()


def test_layers_stack_and_what_is_not_described_looks_as_below(
    store: Store, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "upper/many").mkdir(parents=True)
    (tmp_path / "upper/many/file with a name 7").write_text("replaced")
    (tmp_path / "upper/added").write_text("added")
    command = ("tar", "--format=pax", "-C", str(tmp_path / "upper"), "-c", "many", "added")
    upper = subprocess.run(command, check=True, capture_output=True).stdout
    layers = [layer(store, tarred(tree)), layer(store, upper, *PACKED["gzip"])]
    top = stacked(store, *layers)
    assert store.indexed() == {top.id, top.id - 1}
    other, judge = unpacked(store, monkeypatch, *layers)
    assert listing(store, top) == listing(other, judge)
    other.close()


def test_what_is_written_on_top_is_kept_and_packed(store: Store, tree: Path) -> None:
    top = stacked(store, layer(store, tarred(tree)))
    trees = merging.snapshots(store)
    with trees.draft(top) as draft:
        (draft.path / "many/file with a name 3").write_text("changed")
        (draft.path / "empty").unlink()
        os.rename(draft.path / "é", draft.path / "e")
        changed = draft.commit()
    with trees.view(changed) as root:
        assert (root / "many/file with a name 3").read_text() == "changed"
        assert (root / "many/file with a name 4").read_text() == "4\n" * 4
        assert not (root / "empty").exists()
        assert (root / "e").read_text() == "é"
        assert (root / "many/deep/again").stat().st_size == 0


def _whiteout(tree: Path) -> tuple[str, ...]:
    (tree / ".wh.gone").touch()
    return ()


def _sparse(tree: Path) -> tuple[str, ...]:
    with (tree / "holes").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 19)
        file.write(b"x" * 10_000)
    return ("--sparse",)


def _undescribed(_: Path) -> tuple[str, ...]:
    return ("--transform", "s,many/deep/er,left/out/er,")


def _acl(tree: Path) -> tuple[str, ...]:
    os.setxattr(tree / "many", "system.posix_acl_access", bytes.fromhex(_ACL))
    return ()


_ACL = "0200000001000700ffffffff020007000100000004000500ffffffff10000700ffffffff20000500ffffffff"


@pytest.mark.parametrize("unusual", [_whiteout, _sparse, _undescribed, _acl])
def test_what_no_index_can_tell_is_unpacked(
    store: Store, tree: Path, unusual: Callable[[Path], tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lower = layer(store, tarred(tree))
    upper = layer(store, tarred(tree, *unusual(tree)), *PACKED["gzip"])
    top = stacked(store, lower, upper)
    assert store.indexed() == {top.id - 1}
    other, judge = unpacked(store, monkeypatch, lower, upper)
    assert listing(store, top) == listing(other, judge)
    other.close()


@pytest.mark.parametrize("compression", PACKED)
def test_a_broken_or_other_layer_leaves_nothing(store: Store, tree: Path, compression: str) -> None:
    good = layer(store, tarred(tree), *PACKED[compression])
    with pytest.raises(UserError, match="the image says sha256:000"):
        stacked(store, Layer(good.digest, good.size, "sha256:" + "0" * 64, good.compression))
    cut = store.blob_path(good.digest).read_bytes()[:-5000]
    with pytest.raises(UserError, match=r"truncated|the image says"):
        stacked(store, Layer(store.put_blob([cut]), len(cut), good.diff_id, good.compression))
    assert list((store.root / "layers").iterdir()) == []
    assert not any(path.is_dir() for path in store.work.iterdir())


def test_an_engine_that_mounts_none_unpacks_what_another_left(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [layer(store, tarred(tree)), layer(store, tarred(tree, "--exclude=many"), *PACKED["gzip"])]
    top = stacked(store, *layers)
    before = listing(store, top)
    store.close()
    again = Store.open(store.root)
    with monkeypatch.context() as patch:
        patch.setattr(indexes, "mount", _refused)
        with pytest.raises(HostError, match=r"layer .* cannot be mounted"):
            again.layer_path(found := again.snapshot(top.id) or top)
        stack.settle_indexed(merging.snapshots(again))
        assert again.indexed() == set()
        assert listing(again, found) == before
        assert "many" in os.listdir(again.layer_path(Snapshot(top.id - 1)))
    again.close()


def test_an_index_that_a_power_cut_tore_hinders_nobody(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = layer(store, tarred(tree))
    top = stacked(store, made)
    (store.own_directory(top) / "index").write_bytes(b"")
    monkeypatch.setattr("baselard.engine.store.database._boot", lambda: "another")
    stack.settle_indexed(merging.snapshots(store))
    again = stacked(store, made)
    assert (again != top, store.indexed()) == (True, {again.id})
    assert (store.layer_path(again) / "é").read_text() == "é"


def _refused(layer: Path, target: Path) -> None:
    raise OSError(22, f"{layer} on {target}: Invalid argument")


def test_a_layer_that_is_mounted_is_pruned(store: Store, tree: Path) -> None:
    top = stacked(store, layer(store, tarred(tree), *PACKED["gzip"]))
    assert (store.layer_path(top) / "many").is_dir()
    freed = collect.collect(store, Policy(everything=True), dry_run=True, now=store.started + 1e6)
    assert freed.snapshots == 0  # this very session looks at it
    store.close()
    later = Store.open(store.root)
    assert later.layer_path(later.snapshot(top.id) or top).is_dir()  # what a prune finds mounted in its own process
    freed = collect.collect(later, Policy(everything=True))
    assert (freed.snapshots, freed.size > 200_000) == (1, True)
    assert list((later.root / "layers").iterdir()) == []
    assert later.indexed() == set()
    assert str(store.root) not in Path("/proc/self/mounts").read_text()
    later.close()


def test_a_closed_store_leaves_no_mount(store: Store, tree: Path) -> None:
    top = stacked(store, layer(store, tarred(tree)))
    assert store.layer_path(top).is_mount()
    store.close()
    assert str(store.root) not in Path("/proc/self/mounts").read_text()


def test_an_uncompressed_layer_lies_on_the_disk_once(store: Store, tree: Path) -> None:
    made = layer(store, tarred(tree))
    top = stacked(store, made)
    assert os.path.samefile(store.blob_path(made.digest), store.own_directory(top) / "tar")


def test_where_the_kernel_refuses_layers_are_unpacked(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.available.cache_clear()
    monkeypatch.setattr(mounting, "mount", _no_such_file_system)
    assert not keeping.available(store)
    top = stacked(store, layer(store, tarred(tree)))
    assert (store.indexed(), (store.own_directory(top) / "many").is_dir()) == (set(), True)
    keeping.available.cache_clear()


def _no_such_file_system(*_: object) -> None:
    raise OSError(19, "No such device")


_TAKING = """
import sys
from pathlib import Path
from baselard.engine.files import merging
from baselard.engine.images.layers import stack
from baselard.engine.store import snapshots
from baselard.engine.store.database import Store
from baselard.engine.store.layer_index import Layer

snapshots.private_namespace()
stack._LARGE = 1
store = Store.open(Path(sys.argv[1]))
blob = store.blob_path(sys.argv[2])
layer = Layer(sys.argv[2], blob.stat().st_size, sys.argv[3], "gzip")
step = {"reading": (stack.keeping, "_check"), "written": (store, "_make_room"), "": (stack, "known")}[sys.argv[4]]

def wait(*_):
    print("here", flush=True)
    sys.stdin.read()

if sys.argv[4]:
    object.__setattr__(*step, wait) if step[0] is store else setattr(*step, wait)
top = stack.stack(merging.snapshots(store), [layer], [lambda: blob])
store.layer_path(top)
wait()
"""


@pytest.mark.parametrize("moment", ["reading", "written", ""])
def test_an_engine_killed_at_it_leaves_a_whole_store(store: Store, tree: Path, moment: str) -> None:
    made = layer(store, tarred(tree), *PACKED["gzip"])
    argv = [sys.executable, "-c", _TAKING, str(store.root), made.digest, made.diff_id, moment]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == "here\n"
        engine.kill()
    store.clean()
    assert str(store.root) not in Path("/proc/self/mounts").read_text()
    assert [path.name for path in (store.root / "layers").iterdir()] == ([] if moment else ["1"])
    assert store.indexed() == (set() if moment else {1})
    assert sorted(path.name for path in store.work.parent.iterdir()) == sorted(["all", *_own(store)])
    top = stacked(store, made)
    assert (store.layer_path(top) / "é").read_text() == "é"


def _own(store: Store) -> tuple[str, str]:
    return store.engine, f"{store.engine}.lock"
