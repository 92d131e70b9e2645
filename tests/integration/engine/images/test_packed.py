"""An exported cache is unpacked when somebody looks at it. The store that gave it is the judge of the trees."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.files import merging, treehash
from baselard.engine.files.walking import walk
from baselard.engine.host import doctor, platforms
from baselard.engine.images import transfer, writing
from baselard.engine.images.layers import pack, packed, stack
from baselard.engine.images.layers.groups import Group
from baselard.engine.images.writing import Format, Variant
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store import collect, layer_index, tars
from baselard.engine.store.collect import Policy
from baselard.engine.store.database import Snapshot, Store
from baselard.oci.image_config import ImageConfig

pytestmark = pytest.mark.root


def on(store: Store, parent: Snapshot | None, name: str, gone: str = "") -> Snapshot:
    with merging.snapshots(store).layer(parent) as draft:
        (draft.path / name).write_text(name * 1000)
        if gone:
            os.mknod(draft.path / gone, stat.S_IFCHR, os.makedev(0, 0))
        return draft.commit()


def listing(store: Store, key: str) -> str:
    """The digest of a result's tree as it is seen."""
    found = store.lookup(key)
    assert found
    with merging.snapshots(store).view(found.values[0].tree) as root:  # type: ignore[arg-type]
        return treehash.of_entries(str(root), walk(str(root)))


def own_files(store: Store) -> int:
    return len(list((store.root / "layers").iterdir()))


@pytest.fixture
def cache(store: Store, tmp_path: Path) -> Path:
    """An export: ``base``, ``top`` on it and ``side`` on it, and ``alone``."""
    transfer.note_run(store)
    base = on(store, None, "base")
    trees = {"base": base, "top": on(store, base, "top", gone="base"), "side": on(store, base, "side")}
    for key, tree in {**trees, "alone": on(store, None, "alone")}.items():
        store.record([key], Result((Value(f"digest of {key}", tree),)), f"made {key}")
    transfer.export_directory(store, 0, tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def other(cache: Path, tmp_path: Path) -> Iterator[Store]:
    """Another store that has imported it."""
    opened = Store.open(tmp_path / "other", packed.unpack)
    assert transfer.import_directory(opened, cache, None).snapshots == 4
    yield opened
    opened.close()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests of the layers that were unpacked."""
    real, seen = stack.take, list[str]()

    def take(store: Store, layer: stack.Layer, *rest: object, **more: object) -> object:
        seen.append(layer.digest)
        return real(store, layer, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(stack, "take", take)
    return seen


def test_only_what_is_looked_at_is_unpacked(store: Store, cache: Path, taken: list[str], tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other", packed.unpack)
    transfer.import_directory(other, cache, None)
    assert (taken, own_files(other)) == ([], 0)
    assert other.lookup("side")
    assert (taken, own_files(other)) == ([], 0)
    assert [listing(other, "top") for _ in range(2)] == [listing(store, "top")] * 2
    assert (len(taken), own_files(other)) == (2, 2)
    assert listing(other, "side") == listing(store, "side")
    assert (len(taken), own_files(other), len(tars.packed(other))) == (3, 3, 1)
    other.close()


def test_it_travels_on_without_being_unpacked(store: Store, other: Store, taken: list[str], tmp_path: Path) -> None:
    assert transfer.export_directory(other, 0, tmp_path / "again").snapshots == 4
    third = Store.open(tmp_path / "third", packed.unpack)
    transfer.import_directory(third, tmp_path / "again", None)
    assert (taken, own_files(other), own_files(third)) == ([], 0, 0)
    assert listing(third, "top") == listing(store, "top")
    third.close()


def test_a_later_engine_unpacks_it(store: Store, other: Store) -> None:
    later = Store.open(other.root, packed.unpack)
    assert listing(later, "top") == listing(store, "top")
    assert listing(other, "top") == listing(store, "top")  # which read that it was packed
    later.close()


def test_two_engines_and_many_threads_unpack_it_once(store: Store, other: Store, taken: list[str]) -> None:
    later = Store.open(other.root, packed.unpack)
    seen: list[str] = []
    looking = [threading.Thread(target=lambda one=one: seen.append(listing(one, "top"))) for one in [other, later] * 4]
    for thread in looking:
        thread.start()
    for thread in looking:
        thread.join()
    assert seen == [listing(store, "top")] * 8
    assert len(taken) == 2
    later.close()


def test_what_is_made_on_it_and_packed_is_the_same(store: Store, other: Store, tmp_path: Path) -> None:
    for one in (store, other):
        found = one.lookup("top")
        assert found
        tree = found.values[0].tree
        assert isinstance(tree, Snapshot)
        one.record(["more"], Result((Value("more", on(one, tree, "more", gone="top")),)))
    assert listing(other, "more") == listing(store, "more")
    assert transfer.export_directory(other, 0, tmp_path / "again").results == 5


def test_what_is_packed_keeps_its_blobs(store: Store, other: Store) -> None:
    for table in ("results", "snapshots", "blobs"):
        other.db.execute(f"UPDATE {table} SET used = used - 10")  # by an earlier session
    other.close()
    later = Store.open(other.root, packed.unpack)
    later.lookup("side")  # this session uses it, and base below
    freed = collect.collect(later, Policy(everything=True))
    assert (freed.results, freed.snapshots) == (3, 2)
    assert len(tars.packed(later)) == 2
    assert listing(later, "side") == listing(store, "side")
    later.db.execute("UPDATE results SET used = used - 10")
    later.db.execute("UPDATE snapshots SET used = used - 10")
    later.close()
    last = Store.open(other.root, packed.unpack)
    collect.collect(last, Policy(everything=True))
    rows = [last.db.execute(f"SELECT * FROM {table}").fetchall() for table in ("packed", "blobs", "snapshots")]
    assert (rows, list((last.root / "blobs/sha256").iterdir()), own_files(last)) == ([[], [], []], [], 0)
    last.close()


def test_the_sizes_are_counted_once(other: Store) -> None:
    """What is packed takes its blob; what became of it is measured."""
    blobs = sum(path.stat().st_size for path in (other.root / "blobs/sha256").iterdir())
    assert collect.collect(other, Policy(), dry_run=True).kept == blobs
    listing(other, "alone")
    assert collect.collect(other, Policy(), dry_run=True).kept > blobs


def test_the_doctor_misses_nothing(other: Store) -> None:
    listing(other, "alone")
    (told,) = doctor._records(other.root, deep=True)
    assert told.detail.startswith("1 snapshots and")


def _rewritten(cache: Path, change: dict[str, object]) -> None:
    """Have the listed layer of ``alone`` say something else of itself, and every digest fit."""
    blobs = cache / "blobs/sha256"
    index = json.loads((cache / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    listed = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())
    for entry in listed["snapshots"]:
        entry["layer"] |= change if entry["label"] == "made alone" else {}
    for place, document in ((manifest["config"], listed), (index["manifests"][0], manifest)):
        (blobs / "new").write_text(json.dumps(document))
        name = hashlib.sha256((blobs / "new").read_bytes()).hexdigest()
        place |= {"digest": f"sha256:{name}", "size": (blobs / "new").stat().st_size}
        (blobs / "new").rename(blobs / name)
    (cache / "index.json").write_text(json.dumps(index))


def test_another_layer_than_announced_is_never_seen_and_made_anew(cache: Path, tmp_path: Path) -> None:
    _rewritten(cache, {"diff_id": "sha256:" + "0" * 64})
    other = Store.open(tmp_path / "other", packed.unpack)
    transfer.import_directory(other, cache, None)
    with pytest.raises(HostError, match=r"imported cache .*the image says sha256:000.*run again"):
        listing(other, "alone")
    assert (own_files(other), other.lookup("alone")) == (0, None)
    other.close()


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_another_layer_than_announced_goes_into_no_image(cache: Path, tmp_path: Path, compression: str) -> None:
    _rewritten(cache, {"diff_id": "sha256:" + "0" * 64})
    other = Store.open(tmp_path / "other", packed.unpack)
    transfer.import_directory(other, cache, None)
    found = other.lookup("alone")
    assert found
    alone = found.values[0].tree
    assert isinstance(alone, Snapshot)
    with pytest.raises(HostError, match="the image says sha256:000"):
        pack.pack(other, Group(alone, None), compression=compression)
    assert other.lookup("alone") is None
    other.close()


def test_what_was_given_up_travels_nowhere(cache: Path, tmp_path: Path) -> None:
    _rewritten(cache, {"diff_id": "sha256:" + "0" * 64})
    other = Store.open(tmp_path / "other", packed.unpack)
    transfer.import_directory(other, cache, None)
    with pytest.raises(HostError):
        listing(other, "alone")
    assert transfer.export_directory(other, 0, tmp_path / "again").results == 3
    third = Store.open(tmp_path / "third", packed.unpack)
    assert transfer.import_directory(third, tmp_path / "again", None).results == 3
    for opened in (other, third):
        opened.close()


def test_an_image_is_packed_again_without_its_files(
    store: Store, cache: Path, taken: list[str], tmp_path: Path
) -> None:
    """Layers that came with an image are handed on as they are; the store that had the files writes the same image."""
    found = store.lookup("top")
    assert found
    top = found.values[0].tree
    assert isinstance(top, Snapshot)
    for link in (top.parent, top):
        assert link
        layer = pack.pack(store, Group(link, link.parent), compression="gzip")
        layer_index.record_layer(store, link, link.parent, layer_index.GIVEN, layer)
    transfer.export_directory(store, 0, cache)
    other = Store.open(tmp_path / "other", packed.unpack)
    transfer.import_directory(other, cache, None)
    again = other.lookup("top")
    assert again
    config = ImageConfig(platforms.parse("linux/amd64"))
    variants = [Variant(one.values[0].tree, config) for one in (found, again)]  # type: ignore[arg-type]
    written = [writing.write(one, [variant], Format()) for one, variant in zip((store, other), variants, strict=True)]
    assert written[0].descriptor == written[1].descriptor
    assert taken == []
    other.close()


def test_a_power_cut_costs_what_was_unpacked_since(store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    other.clean()  # as a session does that finds the rows safe on the disk
    other.db.execute("UPDATE results SET boot = ''")
    other.db.execute("UPDATE blobs SET boot = ''")
    other.db.execute("UPDATE snapshots SET boot = ''")
    expected = listing(store, "top")
    assert listing(other, "alone") == listing(store, "alone")
    other.close()
    monkeypatch.setattr("baselard.engine.store.database._boot", lambda: "another")
    later = Store.open(other.root, packed.unpack)
    assert later.lookup("alone") is None
    later.clean()
    assert later.lookup("alone") is None
    assert listing(later, "top") == expected
    later.close()


_UNPACKING = """
import sys
from pathlib import Path
from baselard.engine.files import merging
from baselard.engine.images.layers import packed, stack
from baselard.engine.store import indexes, snapshots, tars
from baselard.engine.store.database import Store

snapshots.private_namespace()
store = Store.open(Path(sys.argv[1]), packed.unpack)

def wait(*_, **more):
    print("here", flush=True)
    sys.stdin.read()

moment = sys.argv[2]
if moment == "read":
    stack.fit = wait
if moment == "moved":
    rename = Path.rename
    Path.rename = lambda own, target: (rename(own, target), wait())
with merging.snapshots(store).view(store.lookup("top").values[0].tree):
    wait()
"""


@pytest.mark.parametrize(("moment", "left"), [("read", 0), ("moved", 1), ("", 2)])
def test_an_engine_killed_at_it_leaves_a_whole_store(store: Store, other: Store, moment: str, left: int) -> None:
    argv = [sys.executable, "-c", _UNPACKING, str(other.root), moment]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == "here\n"
        engine.kill()
    other.clean()
    assert own_files(other) == left
    assert len(tars.packed(other)) == (2 if not moment else 4)
    assert listing(other, "top") == listing(store, "top")
    assert own_files(other) == 2
