"""Layers become snapshots: what only lower layers can settle, equal layers once, being called off."""

import hashlib
import io
import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.images.layers import stack
from baselard.engine.solver import cancel
from baselard.engine.solver.cancel import Cancellation, Cancelled
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer

pytestmark = pytest.mark.root


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def packed(store: Store, *members: tarfile.TarInfo) -> Layer:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    name = store.put_blob([out.getvalue()])
    return Layer(name, len(out.getvalue()), "sha256:" + hashlib.sha256(out.getvalue()).hexdigest(), "none")


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def stacked(store: Store, *layers: Layer) -> Snapshot:
    blobs = [store.blob_path(layer.digest) for layer in layers]
    top = stack.stack(merging.snapshots(store), layers, [lambda path=path: path for path in blobs])  # type: ignore[misc]
    assert top is not None
    return top


def test_a_directory_the_layer_does_not_describe_looks_as_below(store: Store) -> None:
    lower = packed(
        store, entry("./", tarfile.DIRTYPE, mode=0o711), entry("d", tarfile.DIRTYPE, mode=0o2750, uid=7, gid=8)
    )
    top = stacked(store, lower, packed(store, entry("d/file")))
    info = (store.layer_path(top) / "d").stat()
    assert (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == (0o2750, 7, 8)
    assert stat.S_IMODE(store.layer_path(top).stat().st_mode) == 0o711


def test_a_hard_link_into_a_lower_layer_becomes_a_copy(store: Store) -> None:
    lower = packed(store, entry("file", size=5, mode=0o640, uid=3, mtime=9))
    top = stacked(store, lower, packed(store, entry("again", tarfile.LNKTYPE, linkname="file")))
    path = store.layer_path(top) / "again"
    assert (path.read_bytes(), path.stat().st_uid, path.stat().st_mtime) == (b"xxxxx", 3, 9)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["nowhere", "link", "d", "d/../../victim"])
def test_a_hard_link_to_no_file_below_is_refused(store: Store, target: str) -> None:
    lower = packed(
        store, entry("link", tarfile.SYMTYPE, linkname="/etc/passwd"), entry("d", tarfile.DIRTYPE, mode=0o755)
    )
    with pytest.raises(UserError):
        stacked(store, lower, packed(store, entry("x", tarfile.LNKTYPE, linkname=target)))


def test_equal_chains_are_unpacked_once(store: Store) -> None:
    layers = [packed(store, entry("a")), packed(store, entry("b"))]
    first = stacked(store, *layers)
    assert stacked(store, *layers) == first
    grown = stacked(store, *layers, packed(store, entry("c")))
    assert grown.parent == first
    assert len(list((store.root / "layers").iterdir())) == 3


def test_what_a_power_cut_may_have_torn_is_unpacked_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [packed(store, entry("a")), packed(store, entry("b"))]
    synced = stacked(store, layers[0])
    store.clean()  # syncs what was written so far
    torn = stacked(store, *layers)
    monkeypatch.setattr("baselard.engine.store.database._boot", lambda: "another")
    again = stacked(store, *layers)
    assert (again.parent, again == torn) == (synced, False)


def test_a_layer_other_than_announced_leaves_nothing(store: Store) -> None:
    layer = packed(store, entry("a"))
    with pytest.raises(UserError, match="the image says sha256:000"):
        stacked(store, Layer(layer.digest, layer.size, "sha256:" + "0" * 64, "none"))
    assert list((store.root / "layers").iterdir()) == []


def test_work_that_is_called_off_stops(store: Store) -> None:
    layer = packed(store, entry("a"))
    reached, go_on = threading.Event(), threading.Event()

    def blob() -> Path:
        reached.set()
        go_on.wait(10)
        return store.blob_path(layer.digest)

    cancellation = Cancellation()
    raised: list[BaseException] = []

    def work() -> None:
        cancel.enter(cancellation)
        try:
            stack.stack(merging.snapshots(store), [layer], [blob])
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    reached.wait(10)
    cancellation.cancel()
    go_on.set()
    thread.join()
    assert [type(error) for error in raised] == [Cancelled]
    assert list((store.root / "layers").iterdir()) == []
    assert not any(path.is_dir() for path in store.work.iterdir())
