"""A tree of stacked layers looks the same whoever asks: listings, questions about one path, globs, copies, exports.

Judge: what umoci unpacks from the same layers. A whiteout in a directory that no lower layer has was listed as the
device that it is, though nothing was there when asked by name.
"""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from baselard.engine.files import exporting, merging, reading, treehash
from baselard.engine.files.copying import Copier, CopySource, CopyTarget
from baselard.engine.files.walking import walk
from baselard.engine.images.layers import generate, stack
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import Layer
from baselard.engine.store.snapshots import ancestry

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("umoci"), reason="umoci, the judge, is not installed"),
]

MTIME = 1_000_000_000  # of every entry; a directory that no layer describes has none
# Each case: layers, lowest first; a name that ends in a slash is a directory, `a -> b` a link, else a file.
CASES = {
    "in a new directory": ["kept", "e/ e/.wh.bar e/x"],
    "in a new directory, before it is described": ["kept", "e/.wh.bar e/ e/x"],
    "in a new directory that is not described": ["kept", "e/.wh.bar e/x"],
    "in new directories, deeper": ["kept", "e/ e/f/ e/f/.wh.bar e/f/g/ e/f/g/.wh.b e/f/x"],
    "of something that is there": ["e/ e/bar e/x", "e/ e/.wh.bar"],
    "of a directory that is there": ["e/ e/bar/ e/bar/y e/x", "e/ e/.wh.bar"],
    "of nothing, in a directory that is there": ["e/ e/x", "e/ e/.wh.bar"],
    "of nothing at the root": ["x", ".wh.bar y"],
    "opaque and another": ["e/ e/bar e/x", "e/ e/.wh..wh..opq e/.wh.bar e/z"],
    "another and opaque": ["e/ e/bar e/x", "e/ e/.wh.bar e/.wh..wh..opq e/z"],
    "opaque above another": ["e/ e/f/ e/f/bar e/x", "e/ e/.wh..wh..opq e/f/ e/f/.wh.bar e/z"],
    "opaque in a new directory": ["kept", "e/ e/.wh..wh..opq e/.wh.bar e/z"],
    "in a directory that was a file": ["e", "e/ e/.wh.bar e/x"],
    "in a directory that was a link": ["d/ d/bar e->d", "e/ e/.wh.bar e/x"],
    "in a directory that was deleted": ["e/ e/bar", ".wh.e", "e/ e/.wh.bar e/x"],
    "in a directory that was deleted in the same layer": ["e/ e/bar", ".wh.e e/ e/.wh.bar e/x"],
    "in a directory that is deleted afterwards in the same layer": ["e/ e/bar", "e/ e/.wh.bar e/x .wh.e"],
    "in a directory of the layer below that hides one below": ["e/ e/bar", "e/ e/.wh..wh..opq e/y", "e/ e/.wh.bar"],
    "twice": ["e/ e/bar", "e/ e/.wh.bar", "e/ e/.wh.bar e/x"],
    "of what comes again": ["e/ e/bar", "e/ e/.wh.bar", "e/ e/bar e/.wh.x"],
    "and a file of the same name": ["e/ e/bar", "e/ e/.wh.bar e/bar"],
    "and a directory of the same name": ["e/ e/bar/ e/bar/old", "e/ e/.wh.bar e/bar/ e/bar/new"],
    "in a new directory whose lower layer comes later": ["kept", "e/ e/.wh.bar", "e/ e/bar"],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def _tar(names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for word in names.split():
            name, _, target = word.partition("->")
            info = tarfile.TarInfo(name.rstrip("/"))
            info.type = tarfile.SYMTYPE if target else tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.linkname, info.mode, info.mtime = target, 0o755, MTIME
            archive.addfile(info)
    return out.getvalue()


def _stacked(store: Store, layers: list[str]) -> Snapshot:
    made = []
    for data in map(_tar, layers):
        diff_id = "sha256:" + hashlib.sha256(data).hexdigest()
        made.append(Layer(store.put_blob([data]), len(data), diff_id, "none"))
    blobs = [partial(store.blob_path, layer.digest) for layer in made]
    top = stack.stack(merging.snapshots(store), made, blobs)
    assert top is not None
    return top


def _unpacked(layers: list[str], place: Path) -> Path:
    """What umoci makes of the layers."""

    def umoci(*arguments: str | Path) -> None:
        subprocess.run(["umoci", *arguments], check=True, capture_output=True)

    umoci("init", "--layout", place / "image")
    umoci("new", "--image", f"{place}/image:x")
    for number, names in enumerate(layers):
        (place / f"{number}.tar").write_bytes(_tar(names))
        umoci("raw", "add-layer", "--image", f"{place}/image:x", place / f"{number}.tar")
    umoci("unpack", "--image", f"{place}/image:x", place / "bundle")
    return place / "bundle/rootfs"


def _walked(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def _listed(root: Path, below: str = "") -> set[str]:
    found = set()
    for name in reading.entries(root, f"/{below}"):
        path = f"{below}/{name}".strip("/")
        found |= {path, *(_listed(root, path) if name.endswith("/") else ())}
    return found


def _copied(root: Path, place: Path) -> set[str]:
    place.mkdir()
    Copier(CopySource(str(root)), CopyTarget(str(place))).tree(walk(str(root)), "")
    return _walked(place)


def _repacked(store: Store, top: Snapshot, place: Path) -> set[str]:
    """The tree written as one layer and read by tar."""
    trees = [str(store.layer_path(one)) for one in ancestry(top)]
    place.mkdir()
    data = b"".join(generate.tar(trees))
    subprocess.run(["tar", "--extract", "--directory", place], input=data, check=True)
    return {name for name in _walked(place) if not Path(name).name.startswith(".wh.")}


@pytest.mark.parametrize("layers", CASES.values(), ids=CASES)
def test_everybody_sees_one_tree(layers: list[str], store: Store, tmp_path: Path) -> None:
    judge = _unpacked(layers, tmp_path)
    wanted = _walked(judge)
    top = _stacked(store, layers)
    with merging.snapshots(store).view(top) as root:
        assert _walked(root) == wanted
        assert _listed(root) == wanted
        assert {path.rstrip("/") for path in reading.glob(root, "/", "**")} == wanted
        assert {name for name in ("bar", "e/bar", "e/x", "e/f/bar", *wanted) if reading.exists(root, name)} == wanted
        exporting.export_directory(str(root), tmp_path / "exported", wipe=False)
        assert _walked(tmp_path / "exported") == wanted
        assert _copied(root, tmp_path / "copied") == wanted
        assert treehash.of_entries(str(root), walk(str(root))) == treehash.of_entries(str(judge), walk(str(judge)))
        told = [name for name in wanted if os.lstat(judge / name).st_mtime == MTIME]
        assert [os.lstat(root / name).st_mtime for name in told] == [MTIME] * len(told)
    assert _repacked(store, top, tmp_path / "repacked") == wanted
