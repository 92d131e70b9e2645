"""eStargz layers: read as a lazy puller reads them, and by stargz-snapshotter's own library."""

import gzip
import hashlib
import json
import os
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import platforms
from engine.images import image_write, layer_estargz
from engine.images.image import ImageConfig
from engine.images.image_write import Format, Variant, Whole
from engine.snapshot import Snapshots
from engine.store import Store

pytestmark = pytest.mark.root

Judge = Callable[..., "subprocess.CompletedProcess[str]"]
LARGE = os.urandom(1 << 20) * 9 + b"tail"  # more than two chunks


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def written(store: Store, compression: str = "estargz") -> Whole:
    with Snapshots(store).layer(None) as draft:
        root = draft.path
        (root / "empty").touch()
        (root / "dir").mkdir()
        (root / "dir" / ("n" * 150)).write_bytes(LARGE)
        (root / "small").write_text("small")
        os.link(root / "small", root / "zlink")
        (root / "symbolic").symlink_to("small")
        os.mkfifo(root / "fifo")
        os.setxattr(root / "small", "user.note", b"\xff")
        for path in (*root.iterdir(), *(root / "dir").iterdir(), root):
            os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
        variant = Variant(draft.commit(), ImageConfig(platforms.parse("linux/amd64"), cmd=("true",)))
    return image_write.write(store, [variant], Format(compression))


def table(blob: bytes) -> Any:
    """The table of contents, found by the footer."""
    footer = blob[-51:]
    assert gzip.decompress(footer) == b""
    assert (footer[12:14], footer[32:38]) == (b"SG", b"STARGZ")
    text = gzip.decompress(blob[int(footer[16:32], 16) : -51])
    size = int(text[124:135], 8)
    return text[512 : 512 + size]


def test_every_file_can_be_fetched_alone(store: Store) -> None:
    (image,) = written(store).images
    (layer,) = image.manifest.layers
    assert layer.media_type == "application/vnd.oci.image.layer.v1.tar+gzip"
    blob = store.blob_path(layer.digest).read_bytes()
    text = table(blob)
    assert dict(layer.annotations) == {layer_estargz.TOC_DIGEST: "sha256:" + hashlib.sha256(text).hexdigest()}
    entries = json.loads(text)["entries"]
    found: dict[str, bytes] = {}
    for entry in entries:
        if entry["type"] in ("reg", "chunk") and entry.get("chunkSize"):
            data = zlib.decompressobj(31).decompress(blob[entry["offset"] :], entry["chunkSize"])
            assert "sha256:" + hashlib.sha256(data).hexdigest() == entry["chunkDigest"]
            assert len(found.get(entry["name"], b"")) == entry["chunkOffset"]
            found[entry["name"]] = found.get(entry["name"], b"") + data
    assert found == {"dir/" + "n" * 150: LARGE, "small": b"small"}
    kinds = {entry["name"]: entry["type"] for entry in entries if entry["type"] != "chunk"}
    assert kinds["zlink"] == "hardlink"
    assert (kinds["dir/"], kinds["fifo"], kinds["symbolic"], kinds["empty"]) == ("dir", "fifo", "symlink", "reg")


def test_what_it_unpacks_to_is_what_its_diff_id_says(store: Store) -> None:
    whole = written(store)
    (layer,) = whole.images[0].manifest.layers
    config = json.loads(store.blob_path(whole.images[0].manifest.config.digest).read_bytes())
    content = gzip.decompress(store.blob_path(layer.digest).read_bytes())
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(content).hexdigest()]
    listed = subprocess.run(["tar", "-t"], input=content, check=True, capture_output=True).stdout.split()
    assert b"small" in listed
    assert b"stargz.index.json" not in listed


def test_the_same_tree_gives_the_same_layer_and_a_plain_one_afterwards_is_plain(store: Store) -> None:
    first, second = written(store), written(store)
    assert first.descriptor == second.descriptor
    plain = written(store, "gzip").images[0].manifest.layers[0]
    assert plain.annotations == ()
    content = gzip.decompress(store.blob_path(plain.digest).read_bytes())
    assert b"stargz.index.json" not in content


@pytest.mark.full
@pytest.mark.network
def test_the_library_of_the_snapshotter_verifies_it(store: Store, judge: Judge) -> None:
    (layer,) = written(store).images[0].manifest.layers
    toc = dict(layer.annotations)[layer_estargz.TOC_DIGEST]
    ended = judge("estargz", str(store.blob_path(layer.digest)), toc)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"small: 5\ndir/{'n' * 150}: {len(LARGE)}\n"
