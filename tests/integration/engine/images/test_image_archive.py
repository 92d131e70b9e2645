"""Images written from snapshots, judged by skopeo and umoci."""

import json
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import archive_write, writing
from baselard.engine.images.layers import groups as layer_groups
from baselard.engine.images.layers import pack
from baselard.engine.images.writing import Format, Variant
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store import layer_index
from baselard.engine.store.database import Snapshot, Store
from baselard.oci.image_config import History, ImageConfig
from tests import alone

pytestmark = pytest.mark.root


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def tree(store: Store) -> Snapshot:
    """Three snapshots: files, deletions of them, and a replaced directory."""
    snapshots = merging.snapshots(store)
    with snapshots.layer(None) as draft:
        (draft.path / "keep").write_text("kept")
        (draft.path / "gone").write_text("gone")
        (draft.path / "dir").mkdir()
        (draft.path / "dir" / "hidden").write_text("hidden")
        os.link(draft.path / "keep", draft.path / "linked")
        os.symlink("keep", draft.path / "symbolic")
        (draft.path / os.fsdecode(b"odd-\xff")).write_text("odd")
        (draft.path / ("d" * 120)).mkdir()
        (draft.path / ("d" * 120) / ("f" * 130)).write_text("long")
        os.chown(draft.path / "keep", alone.owner(3_000_000), 12)
        (draft.path / "keep").chmod(0o4711)
        os.setxattr(
            draft.path / "keep", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000")
        )
        lowest = draft.commit()
    with snapshots.layer(lowest) as draft:
        os.mknod(draft.path / "gone", stat.S_IFCHR, os.makedev(0, 0))
        (draft.path / "dir").mkdir()
        alone.opaque(draft.path / "dir")
        (draft.path / "dir" / "new").write_text("new")
        middle = draft.commit()
    with snapshots.layer(middle) as draft:
        draft_empty = draft.commit()
    with snapshots.layer(draft_empty) as draft:
        (draft.path / "top").write_text("top")
        return draft.commit()


CONFIG = ImageConfig(platforms.parse("linux/amd64"), env=(("PATH", "/bin"),), cmd=("true",))


def archive(store: Store, tree: Snapshot, path: Path, form: Format = Format(), *names: str) -> Path:  # noqa: B008
    whole = writing.write(store, [Variant(tree, CONFIG, (("a.b", "c"),))], form)
    archive_write.write(store, whole, path, names)
    return path


def test_what_blobs_lie_in_comes_before_them(store: Store, tree: Snapshot, tmp_path: Path) -> None:
    """As in docker save's archives. skopeo 1.18 makes a directory that is missing root's, and no plain user may."""
    with tarfile.open(archive(store, tree, tmp_path / "a.tar")) as tar:
        members = tar.getmembers()
    assert [member.name for member in members if member.isdir()] == ["blobs", "blobs/sha256"]
    first = next(at for at, member in enumerate(members) if member.name.startswith("blobs/sha256/"))
    assert all(member.isfile() for member in members[first:])


def layout(source: str, target: Path) -> Path:
    subprocess.run(["skopeo", "copy", "--quiet", source, f"oci:{target}:x"], check=True)
    return target


@pytest.mark.parametrize(
    ("compression", "docker"),
    [
        ("gzip", False),
        ("zstd", False),
        ("none", False),
        ("gzip", True),
        ("none", True),
    ],
)
def test_umoci_unpacks_what_we_pack(
    store: Store, tree: Snapshot, tmp_path: Path, compression: str, docker: bool
) -> None:
    path = archive(store, tree, tmp_path / "a.tar", Format(compression, docker=docker))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if compression == "zstd":
        config = json.loads(
            subprocess.run(
                ["skopeo", "inspect", "--config", f"oci-archive:{path}"], check=True, capture_output=True
            ).stdout
        )
        assert len(config["rootfs"]["diff_ids"]) == 3
        return  # umoci of this age reads gzip only
    image = layout(f"oci-archive:{path}", tmp_path / "oci")
    subprocess.run(["umoci", "unpack", "--image", f"{image}:x", tmp_path / "bundle"], check=True, capture_output=True)
    root = tmp_path / "bundle" / "rootfs"
    assert sorted(os.listdir(os.fsencode(root))) == sorted(
        [b"keep", b"linked", b"symbolic", b"dir", b"top", b"odd-\xff", b"d" * 120]
    )
    assert os.listdir(root / "dir") == ["new"]
    assert (root / ("d" * 120) / ("f" * 130)).read_text() == "long"
    info = (root / "linked").stat()
    assert (info.st_uid, info.st_gid) == (alone.owner(3_000_000), 12)
    assert (stat.S_IMODE(info.st_mode), info.st_nlink) == (0o4711, 2)
    assert len(os.getxattr(root / "keep", "security.capability")) == 20
    assert (root / "symbolic").readlink() == Path("keep")


def test_skopeo_reads_it_as_docker_archive_too(store: Store, tree: Snapshot, tmp_path: Path) -> None:
    path = archive(store, tree, tmp_path / "a.tar", Format(), "docker.io/library/mine:1")
    inspected = json.loads(
        subprocess.run(
            ["skopeo", "inspect", f"docker-archive:{path}:docker.io/library/mine:1"], check=True, capture_output=True
        ).stdout
    )
    assert (inspected["Architecture"], len(inspected["Layers"]), inspected["Env"]) == ("amd64", 3, ["PATH=/bin"])
    listed = subprocess.run(["tar", "-tvf", path], check=True, capture_output=True, text=True).stdout
    assert "oci-layout" in listed


def test_packed_once_and_the_same_bytes_in_another_store(
    store: Store, tree: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    real = pack._write
    monkeypatch.setattr(pack, "_write", lambda *args: written.append(1) or real(*args))
    first = archive(store, tree, tmp_path / "1.tar").read_bytes()
    assert len(written) == 3
    assert archive(store, tree, tmp_path / "2.tar").read_bytes() == first
    assert len(written) == 3


def test_source_date_epoch_holds_times_down(store: Store, tree: Snapshot, tmp_path: Path) -> None:
    whole = writing.write(store, [Variant(tree, CONFIG)], Format("none", epoch=1_000_000_000))
    listing = "".join(
        subprocess.run(
            ["tar", "--utc", "--full-time", "-tvf", store.blob_path(layer.digest)],
            check=True,
            capture_output=True,
            text=True,
            errors="replace",
        ).stdout
        for layer in whole.images[0].manifest.layers
    )
    assert {line.split()[3] for line in listing.splitlines()} == {"2001-09-09"}
    assert b'"created": "2001-09-09T01:46:40Z"' in store.blob_path(whole.images[0].manifest.config.digest).read_bytes()


def test_many_snapshots_share_layers_and_still_unpack_the_same(
    store: Store, tree: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_groups, "_MOST_LAYERS", 2)
    assert len(layer_groups.grouping(store, tree).groups) == 2
    image = layout(f"oci-archive:{archive(store, tree, tmp_path / 'a.tar')}", tmp_path / "oci")
    subprocess.run(["umoci", "unpack", "--image", f"{image}:x", tmp_path / "bundle"], check=True, capture_output=True)
    root = tmp_path / "bundle" / "rootfs"
    assert not (root / "gone").exists()
    assert (os.listdir(root / "dir"), (root / "top").read_text()) == (["new"], "top")


def test_a_layer_that_came_with_the_image_keeps_its_bytes(store: Store, tree: Snapshot) -> None:
    groups = layer_groups.grouping(store, tree).groups
    blob = store.put_blob([b"not even a tar"])
    given = layer_index.Layer(blob, 14, "sha256:" + "1" * 64, "zstd")
    layer_index.record_layer(store, groups[0].top, None, layer_index.GIVEN, given)
    assert pack.pack(store, groups[0]) == given
    assert pack.pack(store, groups[1]).compression == "gzip"


def test_history_names_every_layer(store: Store, tree: Snapshot) -> None:
    history = (History("FROM", empty_layer=True), History("COPY"))
    config = ImageConfig(CONFIG.platform, history=history)
    whole = writing.write(store, [Variant(tree, config)], Format())
    written = ImageConfig.from_json(json.loads(store.blob_path(whole.images[0].manifest.config.digest).read_bytes()))
    assert sum(not entry.empty_layer for entry in written.history) == len(written.diff_ids) == 3
    assert written.history[:2] == history


def test_several_platforms_make_a_sorted_index(store: Store, tree: Snapshot, tmp_path: Path) -> None:
    arm = ImageConfig(platforms.parse("linux/arm64"))
    whole = writing.write(store, [Variant(tree, arm), Variant(tree, CONFIG)], Format())
    assert [str(image.descriptor.platform) for image in whole.images] == ["linux/amd64", "linux/arm64"]
    archive_write.write(store, whole, tmp_path / "a.tar")
    subprocess.run(
        ["skopeo", "copy", "--quiet", "--all", f"oci-archive:{tmp_path / 'a.tar'}", f"dir:{tmp_path / 'all'}"],
        check=True,
    )


def test_the_same_platform_twice_and_nothing_at_all_are_refused(store: Store, tree: Snapshot) -> None:
    with pytest.raises(UserError, match="duplicate platform linux/amd64"):
        writing.write(store, [Variant(tree, CONFIG), Variant(tree, CONFIG)], Format())
    with pytest.raises(UserError, match="no containers to export"):
        writing.write(store, [], Format())


def test_history_says_what_made_each_layer_and_no_path_of_this_machine(store: Store, tree: Snapshot) -> None:
    chain = [tree, *([tree.parent.parent, tree.parent.parent.parent] if tree.parent and tree.parent.parent else [])]
    for link, label in zip(chain, ("exec /bin/sh -c make", "host directory /home/me", ""), strict=True):
        assert link is not None
        store.record([], Result((Value("", link),)), label)
    store.record([], Result((Value("", tree),)), "exec something else, which left it as it was")
    whole = writing.write(store, [Variant(tree, CONFIG)], Format())
    written = ImageConfig.from_json(json.loads(store.blob_path(whole.images[0].manifest.config.digest).read_bytes()))
    assert [entry.created_by for entry in written.history] == ["baselard", "host directory", "RUN /bin/sh -c make"]
