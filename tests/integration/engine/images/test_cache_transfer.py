"""Results travel to another store, where unchanged steps then run nothing."""

import json
import os
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import reference, transfer, writing
from baselard.engine.images.layers import packed
from baselard.engine.images.registries import Registries
from baselard.engine.images.writing import Format, Variant
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store import layer_index
from baselard.engine.store.database import Snapshot, Store
from baselard.oci.image_config import ImageConfig

pytestmark = pytest.mark.root


def on(store: Store, parent: Snapshot | None, name: str, gone: str = "") -> Snapshot:
    with merging.snapshots(store).layer(parent) as draft:
        (draft.path / name).write_text(name)
        os.utime(draft.path / name, (5, 5))
        if gone:
            os.mknod(draft.path / gone, stat.S_IFCHR, os.makedev(0, 0))
        os.utime(draft.path, (5, 5))
        return draft.commit()


@pytest.fixture
def run(store: Store) -> float:
    """An old result that the run did not use, and three that it did."""
    store.record(["unused"], Result((Value("unused", on(store, None, "unused")),)))
    store.db.execute("UPDATE results SET used = 1")
    began = time.time()
    base = on(store, None, "base")
    layer_index.record_bootstrapped(store, "debian:trixie (linux/amd64)", base)
    top = on(store, base, "top", gone="base")
    store.record(["base"], Result((Value("digest of base", base),)))
    store.record(
        ["exec", "exec by content"],
        Result((Value("e", top), Value("m", None)), {"exit": 0, "stdout": store.put_blob([b"hello"])}),
        "exec make top",
    )
    return began


def check(other: Store) -> Snapshot:
    """All of the run, and nothing else, is there."""
    assert other.lookup("unused") is None
    found = other.lookup("exec")
    assert found is not None
    assert found == other.lookup("exec by content")
    assert other.blob_path(found.data["stdout"]).read_bytes() == b"hello"
    assert (found.values[0].digest, found.values[1]) == ("e", Value("m", None))
    top = found.values[0].tree
    assert isinstance(top, Snapshot)
    assert (other.layer_path(top) / "top").read_text() == "top"
    assert stat.S_ISCHR((other.layer_path(top) / "base").lstat().st_mode)
    base = other.lookup("base")
    assert base is not None
    assert base.values[0].tree == top.parent
    assert top.parent is not None
    assert layer_index.bootstrapped(other, top.parent) == "debian:trixie (linux/amd64)"
    return top


def test_through_a_directory_and_again(store: Store, run: float, tmp_path: Path) -> None:
    exported = transfer.export_directory(store, run, tmp_path / "cache")
    assert (exported.results, exported.snapshots) == (3, 2)
    assert transfer.export_directory(store, run, tmp_path / "cache").size == 0
    other = Store.open(tmp_path / "other", packed.unpack)
    first = transfer.import_directory(other, tmp_path / "cache", None)
    assert first == exported
    check(other)
    before = len(list((other.root / "layers").iterdir()))
    assert transfer.import_directory(other, tmp_path / "cache", None).size == 0
    assert len(list((other.root / "layers").iterdir())) == before
    other.close()


def test_a_result_goes_under_all_its_keys(store: Store, run: float, tmp_path: Path) -> None:
    """A run that finds it by one key does not ask for the other."""
    store.db.execute("UPDATE results SET used = 1 WHERE key = 'exec by content'")
    assert transfer.export_directory(store, run, tmp_path / "cache").results == 3


def test_a_step_more_adds_only_its_own_blobs(store: Store, run: float, tmp_path: Path) -> None:
    transfer.export_directory(store, run, tmp_path / "cache")
    before = set((tmp_path / "cache/blobs/sha256").iterdir())
    found = store.lookup("exec")
    assert found is not None
    tree = found.values[0].tree
    assert isinstance(tree, Snapshot)
    store.record(["more"], Result((Value("more", on(store, tree, "more")),)))
    transfer.export_directory(store, run, tmp_path / "cache")
    added = set((tmp_path / "cache/blobs/sha256").iterdir()) - before
    assert len(added) == 3  # one layer, the list, the manifest


def test_through_a_registry(store: Store, run: float, server: Any, tmp_path: Path) -> None:
    target = reference.parse(f"{server.host}/cache:main")
    exported = transfer.export_registry(store, run, Registries(), target, print)
    assert exported.size > 0
    assert transfer.export_registry(store, run, Registries(), target, print).size == 0
    other = Store.open(tmp_path / "other", packed.unpack)
    transfer.import_registry(other, Registries(), target, print, None)
    check(other)
    other.close()


def test_the_same_image_comes_out_of_both_stores(store: Store, run: float, tmp_path: Path) -> None:
    """Whatever was packed for the journey, and whether before or after it."""
    transfer.export_directory(store, run, tmp_path / "cache")
    other = Store.open(tmp_path / "other", packed.unpack)
    transfer.import_directory(other, tmp_path / "cache", None)
    found = store.lookup("exec")
    assert found is not None
    tree = found.values[0].tree
    assert isinstance(tree, Snapshot)
    config = ImageConfig(platforms.parse("linux/amd64"))
    here = writing.write(store, [Variant(tree, config)], Format())
    there = writing.write(other, [Variant(check(other), config)], Format())
    assert here.descriptor == there.descriptor
    assert b'"RUN make top"' in other.blob_path(there.images[0].manifest.config.digest).read_bytes()
    other.close()


def test_tar_reads_the_layers(store: Store, run: float, tmp_path: Path) -> None:
    transfer.export_directory(store, run, tmp_path / "cache")
    index = json.loads((tmp_path / "cache/index.json").read_text())
    blobs = tmp_path / "cache/blobs/sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    listing = subprocess.run(
        ["tar", "--zstd", "-tf", blobs / manifest["layers"][1]["digest"][7:]], check=True, capture_output=True
    )
    assert listing.stdout.decode().split() == [".wh.base", "top"]


@pytest.mark.parametrize(
    "damage", ["nothing there", "no index", "a blob is missing", "a blob is broken", "the list is broken", "an image"]
)
def test_what_is_broken_is_refused_and_leaves_no_result(store: Store, run: float, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    transfer.export_directory(store, run, cache)
    index = json.loads((cache / "index.json").read_text())
    manifest = cache / "blobs/sha256" / index["manifests"][0]["digest"][7:]
    parts = json.loads(manifest.read_text())
    layer = cache / "blobs/sha256" / parts["layers"][0]["digest"][7:]
    match damage:
        case "nothing there":
            cache = tmp_path / "nowhere"
        case "no index":
            (cache / "index.json").write_text("{}")
        case "a blob is missing":
            layer.unlink()
        case "a blob is broken":
            layer.write_bytes(layer.read_bytes()[:-1] + b"x")
        case "the list is broken":
            manifest.write_bytes(manifest.read_bytes() + b" ")
        case "an image":
            (cache / "index.json").write_text(json.dumps({**index, "manifests": index["manifests"] * 2}))
    other = Store.open(tmp_path / "other", packed.unpack)
    with pytest.raises(UserError):
        transfer.import_directory(other, cache, None)
    assert other.db.execute("SELECT count(*) FROM results").fetchone() == (0,)
    other.close()
