"""Archives that others wrote come in, and broken or hostile ones do not."""

import contextlib
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import archive_layers, archive_read, archive_write, writing
from baselard.engine.images.archive_read import Chosen
from baselard.engine.images.writing import Format, Variant
from baselard.engine.store.database import Snapshot, Store
from baselard.oci.image_config import ImageConfig

pytestmark = pytest.mark.root
AMD64, ARM64 = platforms.parse("linux/amd64"), platforms.parse("linux/arm64")


@pytest.fixture
def ours(store: Store, tmp_path: Path) -> Path:
    """Two platforms, two layers."""
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "one").write_text("1")
        lowest = draft.commit()
    with merging.snapshots(store).layer(lowest) as draft:
        (draft.path / "two").write_text("2")
        tree = draft.commit()
    variants = [Variant(tree, ImageConfig(platform, cmd=(str(platform),))) for platform in (AMD64, ARM64)]
    archive_write.write(store, writing.write(store, variants, Format()), tmp_path / "ours.tar")
    return tmp_path / "ours.tar"


def taken(path: Path, root: Path, platform: Any = AMD64, tag: str = "") -> tuple[Chosen, set[str]]:
    """The image, and the names of its files, out of the archive into a store of its own."""
    other = Store.open(root)
    try:
        with archive_read.opened(path, other) as archive:
            chosen = archive_read.choose(archive, platform, tag)
            tree = archive_layers.unpack(merging.snapshots(other), archive, chosen)
        names = set()
        link: Snapshot | None = tree
        while link:
            names |= {entry.name for entry in other.layer_path(link).iterdir()}
            link = link.parent
        return chosen, names
    finally:
        other.close()


def skopeo_copy(source: str, target: str, *options: str) -> None:
    subprocess.run(["skopeo", "--override-arch", "amd64", "copy", "--quiet", *options, source, target], check=True)


@pytest.mark.parametrize("platform", [AMD64, ARM64])
def test_ours_by_platform(ours: Path, tmp_path: Path, platform: Any) -> None:
    chosen, names = taken(ours, tmp_path / "other", platform)
    assert (chosen.config.platform, chosen.config.cmd, names) == (platform, (str(platform),), {"one", "two"})


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("docker-archive:{path}:mine:1", ()),
        ("oci-archive:{path}:mine:1", ()),
        ("oci-archive:{path}:mine:1", ("--dest-compress-format", "zstd")),
        ("oci-archive:{path}", ("--dest-compress",)),
    ],
)
def test_what_skopeo_wrote(ours: Path, tmp_path: Path, target: str, options: tuple[str, ...]) -> None:
    path = tmp_path / "theirs.tar"
    skopeo_copy(f"oci-archive:{ours}", target.format(path=path), *options)
    chosen, names = taken(path, tmp_path / "other")
    assert (chosen.config.cmd, names) == (("linux/amd64",), {"one", "two"})


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zstandard.ZstdCompressor().compress(data)])
def test_a_compressed_archive(ours: Path, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "packed").write_bytes(pack(ours.read_bytes()))
    assert taken(tmp_path / "packed", tmp_path / "other")[1] == {"one", "two"}


def test_one_of_several_by_name(ours: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    skopeo_copy(f"oci-archive:{ours}", f"oci:{layout}:first")
    skopeo_copy(f"oci-archive:{ours}", f"oci:{layout}:second")
    subprocess.run(["tar", "-C", layout, "-cf", tmp_path / "two.tar", "."], check=True)
    assert taken(tmp_path / "two.tar", tmp_path / "other", tag="second")[1] == {"one", "two"}
    with pytest.raises(UserError, match="no image named 'third' here; there are: first, second"):
        taken(tmp_path / "two.tar", tmp_path / "another", tag="third")


def test_old_docker_links_equal_layers(tmp_path: Path) -> None:
    layer = tar_of({"file": b"x"})
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [sha(layer)] * 2}}
    listed = [{"Config": "c.json", "RepoTags": ["mine:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in {"a/layer.tar": layer, "c.json": js(config), "manifest.json": js(listed)}.items():
            add(archive, name, content)
        link = tarfile.TarInfo("b/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../a/layer.tar"
        archive.addfile(link)
    (tmp_path / "old.tar").write_bytes(out.getvalue())
    assert taken(tmp_path / "old.tar", tmp_path / "other", tag="mine:1")[1] == {"file"}


@pytest.fixture
def plain(store: Store, tmp_path: Path) -> tuple[Path, str]:
    """An archive whose one layer is not compressed, and that layer's digest."""
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "file").write_text("what the digest says")
        tree = draft.commit()
    whole = writing.write(store, [Variant(tree, ImageConfig(AMD64))], Format("none"))
    archive_write.write(store, whole, tmp_path / "plain.tar")
    return tmp_path / "plain.tar", whole.images[0].manifest.layers[0].digest


def test_a_layer_that_is_not_compressed_is_kept_whole(plain: tuple[Path, str], tmp_path: Path) -> None:
    path, layer = plain
    assert taken(path, tmp_path / "other")[1] == {"file"}
    with contextlib.closing(Store.open(tmp_path / "other")) as other:
        assert other.has_blob(layer)
        assert sha(other.blob_path(layer).read_bytes()) == layer


@pytest.mark.parametrize("unpacked_before", [False, True])
def test_another_layer_than_announced_is_refused_and_not_kept(
    plain: tuple[Path, str], tmp_path: Path, *, unpacked_before: bool
) -> None:
    path, layer = plain
    if unpacked_before:
        taken(path, tmp_path / "other")
        with contextlib.closing(Store.open(tmp_path / "other")) as other:
            other.db.execute("DELETE FROM blobs")
    path.write_bytes(path.read_bytes().replace(b"what the digest says", b"what was put instead"))
    with pytest.raises(UserError, match=layer):
        taken(path, tmp_path / "other")
    with contextlib.closing(Store.open(tmp_path / "other")) as other:
        assert not other.has_blob(layer)


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def js(value: object) -> bytes:
    return json.dumps(value).encode()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def tar_of(files: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            add(archive, name, content)
        for info in more:
            archive.addfile(info)
    return out.getvalue()


LAYER = gzip.compress(tar_of({"file": b"x"}), mtime=0)
CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "config": {},
    "rootfs": {"type": "layers", "diff_ids": [sha(gzip.decompress(LAYER))]},
}


def descriptor(data: bytes, kind: str, **changed: object) -> dict[str, Any]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": sha(data), "size": len(data), **changed}


def layout(
    *,
    layer: bytes = LAYER,
    config: Any = None,
    config_bytes: bytes | None = None,
    manifest: Any = None,
    manifest_bytes: bytes | None = None,
    index: Any = None,
    without: str = "",
    stored_layer: bytes | None = None,
    more: tuple[tarfile.TarInfo, ...] = (),
) -> bytes:
    """An OCI layout in a tar, right unless something is given."""
    config_data = config_bytes if config_bytes is not None else js(CONFIG if config is None else config)
    plain = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor(config_data, "config.v1+json"),
        "layers": [descriptor(layer, "layer.v1.tar+gzip")],
    }
    manifest_data = manifest_bytes if manifest_bytes is not None else js(manifest(plain) if manifest else plain)
    top = {"schemaVersion": 2, "manifests": [descriptor(manifest_data, "manifest.v1+json")]}
    files = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": js(index(top) if index else top),
        "blobs/sha256/" + sha(config_data)[7:]: config_data,
        "blobs/sha256/" + sha(manifest_data)[7:]: manifest_data,
        "blobs/sha256/" + sha(layer)[7:]: layer if stored_layer is None else stored_layer,
    }
    return tar_of({name: data for name, data in files.items() if not without or without not in name}, *more)


def docker(config: Any = None, listed: Any = None, layer: bytes = LAYER) -> bytes:
    entry = {"Config": "c.json", "RepoTags": None, "Layers": ["l.tar"]}
    return tar_of(
        {
            "c.json": js(CONFIG if config is None else config),
            "l.tar": layer,
            "manifest.json": js([entry] if listed is None else listed),
        }
    )


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no tar": lambda: b"hello world" * 200,
    "an empty tar": lambda: tar_of({}),
    "a tar of something else": lambda: tar_of({"README": b"hi"}),
    "a truncated archive": lambda: layout()[:3000],
    "an archive truncated in a compressed frame": lambda: gzip.compress(layout())[:-400],
    "compressed nonsense": lambda: b"\x1f\x8b" + b"nonsense" * 50,
    "zstd nonsense": lambda: b"\x28\xb5\x2f\xfd" + b"nonsense" * 50,
    "a climbing name": lambda: layout(more=(special("../outside", tarfile.REGTYPE),)),
    "an absolute name": lambda: layout(more=(special("/etc/outside", tarfile.REGTYPE),)),
    "a link that climbs out": lambda: layout(more=(special("x", tarfile.SYMTYPE, "../../etc/passwd"),)),
    "an absolute link": lambda: layout(more=(special("x", tarfile.SYMTYPE, "/etc/passwd"),)),
    "a hard link that climbs out": lambda: layout(more=(special("x", tarfile.LNKTYPE, "../etc/passwd"),)),
    "a device": lambda: layout(more=(special("x", tarfile.CHRTYPE),)),
    "a fifo": lambda: layout(more=(special("x", tarfile.FIFOTYPE),)),
    "links in a circle": lambda: tar_of(
        {}, special("index.json", tarfile.SYMTYPE, "b"), special("b", tarfile.SYMTYPE, "index.json")
    ),
    "an index that is no JSON": lambda: tar_of({"index.json": b"{"}),
    "an index that is a list": lambda: tar_of({"index.json": b"[]"}),
    "an index nested without end": lambda: tar_of({"index.json": b"[" * 200_000}),
    "an index of nothing": lambda: layout(index=lambda top: {**top, "manifests": []}),
    "an index without manifests": lambda: layout(index=lambda top: {"schemaVersion": 2}),
    "an index of a climbing digest": lambda: layout(
        index=lambda top: {**top, "manifests": [{**top["manifests"][0], "digest": "sha256:../../x"}]}
    ),
    "an index of another hash": lambda: layout(
        index=lambda top: {**top, "manifests": [{**top["manifests"][0], "digest": "md5:00"}]}
    ),
    "an index of a negative size": lambda: layout(
        index=lambda top: {**top, "manifests": [{**top["manifests"][0], "size": -1}]}
    ),
    "an index of words as size": lambda: layout(
        index=lambda top: {**top, "manifests": [{**top["manifests"][0], "size": "big"}]}
    ),
    "an index too long": lambda: layout(index=lambda top: {**top, "manifests": top["manifests"] * 2000}),
    "an absurdly large index": lambda: tar_of({"index.json": b" " * (5 << 20)}),
    "another platform": lambda: layout(
        index=lambda top: {
            **top,
            "manifests": [{**top["manifests"][0], "platform": {"os": "linux", "architecture": "s390x"}}],
        }
    ),
    "a manifest that is missing": lambda: layout(
        index=lambda top: {**top, "manifests": [{**top["manifests"][0], "digest": "sha256:" + "0" * 64}]}
    ),
    "a manifest that is no JSON": lambda: layout(manifest_bytes=b"nonsense"),
    "a manifest of schema 1": lambda: layout(manifest=lambda plain: {"schemaVersion": 1, "fsLayers": []}),
    "a manifest of another kind": lambda: layout(manifest=lambda plain: {**plain, "mediaType": "application/x-helm"}),
    "a manifest without a configuration": lambda: layout(manifest=lambda plain: {**plain, "config": None}),
    "a manifest whose layers are words": lambda: layout(manifest=lambda plain: {**plain, "layers": "all"}),
    "a manifest with too few layers": lambda: layout(manifest=lambda plain: {**plain, "layers": []}),
    "a configuration that is missing": lambda: layout(without=sha(js(CONFIG))[7:]),
    "a configuration that is no JSON": lambda: layout(config_bytes=b"\xff\xfe"),
    "a configuration that is a list": lambda: layout(config=[1]),
    "a configuration without architecture": lambda: layout(config={"rootfs": CONFIG["rootfs"]}),
    "a configuration with numbers for variables": lambda: layout(config={**CONFIG, "config": {"Env": [1, 2]}}),
    "a configuration with a bad diff id": lambda: layout(config={**CONFIG, "rootfs": {"diff_ids": ["sha256:x"]}}),
    "a layer that is missing": lambda: layout(without=sha(LAYER)[7:]),
    "a layer with other bytes": lambda: layout(stored_layer=LAYER + b"x"),
    "a layer with another content than the diff id": lambda: layout(
        config={**CONFIG, "rootfs": {"diff_ids": ["sha256:" + "1" * 64]}}
    ),
    "a layer that is not a tar": lambda: layout(layer=gzip.compress(b"no tar" * 300)),
    "a layer that climbs": lambda: layout(layer=gzip.compress(tar_of({"../../outside": b"x"}))),
    "a docker list that is not a list": lambda: docker(listed={"Config": "c.json"}),
    "a docker list of nothing": lambda: docker(listed=[]),
    "a docker list without layers": lambda: docker(listed=[{"Config": "c.json"}]),
    "a docker list of a climbing layer": lambda: docker(listed=[{"Config": "c.json", "Layers": ["../../etc/shadow"]}]),
    "a docker list of an absolute configuration": lambda: docker(listed=[{"Config": "/etc/passwd", "Layers": []}]),
    "a docker list of a missing layer": lambda: docker(listed=[{"Config": "c.json", "Layers": ["gone.tar"]}]),
    "a docker layer of another content": lambda: docker(layer=gzip.compress(tar_of({"other": b"y"}))),
}


def test_the_case_without_a_fault_is_taken(tmp_path: Path) -> None:
    for number, data in enumerate((layout(), docker())):
        (tmp_path / "a.tar").write_bytes(data)
        assert taken(tmp_path / "a.tar", tmp_path / f"other{number}")[1] == {"file"}


@pytest.mark.parametrize("names", [3, "mine:1", [3], {"mine:1": 1}])
def test_what_is_no_list_of_names_names_no_image(names: Any, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(docker(listed=[{"Config": "c.json", "RepoTags": names, "Layers": ["l.tar"]}]))
    with pytest.raises(UserError, match="no image named 'mine:1' here; there are: none with a name"):
        taken(tmp_path / "a.tar", tmp_path / "other", tag="mine:1")


@pytest.mark.parametrize("case", HOSTILE)
def test_broken_and_hostile_archives_are_refused_and_leave_nothing(case: str, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(HOSTILE[case]())
    with pytest.raises(UserError) as caught:
        taken(tmp_path / "a.tar", tmp_path / "in" / "other")
    assert len(str(caught.value)) < 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "in"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["other"]
    assert list((tmp_path / "in" / "other" / "layers").iterdir()) == []
    assert not any(path.is_dir() for path in (tmp_path / "in" / "other" / "work").iterdir())
