"""Images out of Docker, played by a program of the same name."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselard.engine.errors import EngineError, HostError, ProcessError, UserError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import archive_write, writing
from baselard.engine.images.writing import Format, Variant
from baselard.engine.ops import host
from baselard.engine.ops.archive import Import
from baselard.engine.ops.docker_image import ARCHIVE, DockerImage, identify
from baselard.engine.solver.graph import Output
from baselard.engine.store.database import Snapshot, Store
from baselard.oci.image_config import ImageConfig

pytestmark = pytest.mark.root
DOCKER = """#!/bin/sh
case "$1 $2" in
"image inspect") [ "$5" = mine:1 ] && echo sha256:1234 || { echo "Error: No such image: $5" >&2; exit 1; } ;;
"save mine:1") cat "$DOCKER_ARCHIVE" ;;
"save other:1") echo half of it; echo "the disk broke" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def docker(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "file").write_text("content")
        tree = draft.commit()
    config = ImageConfig(platforms.wanted(""), cmd=("run",))
    archive_write.write(
        store, writing.write(store, [Variant(tree, config)], Format()), tmp_path / "archive", ("mine:1",)
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_ARCHIVE", str(tmp_path / "archive"))


@pytest.mark.usefixtures("docker")
def test_an_image_comes_out_of_docker(tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other")
    worker = SimpleNamespace(store=other, snapshots=merging.snapshots(other), progress=SimpleNamespace(output=print))
    saved = DockerImage(identify("mine:1"), "mine:1")
    node = Import(Output(saved), f"/{ARCHIVE}", platforms.wanted(""))
    result = node.run(worker, saved.run(worker, ()).values)  # type: ignore[arg-type]
    tree = result.values[0].tree
    assert isinstance(tree, Snapshot)
    assert (other.layer_path(tree) / "file").read_text() == "content"
    assert ImageConfig.from_json(result.data["config"]).cmd == ("run",)
    other.close()


@pytest.mark.usefixtures("docker")
def test_a_large_archive_of_this_machine_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_LARGE", 1)
    with contextlib.closing(Store.open(tmp_path / "other")) as other:
        progress = SimpleNamespace(output=print)
        worker: Any = SimpleNamespace(store=other, snapshots=merging.snapshots(other), progress=progress, output="")
        node, name = host.load_file(worker, str(tmp_path / "archive"), later=True)
        image = Import(Output(node), f"/{name}", platforms.wanted(""))
        tree = image.run(worker, ()).values[0].tree
        assert isinstance(tree, Snapshot)
        assert (image.inputs, (other.layer_path(tree) / "file").read_text()) == ((), "content")
        assert other.lookup(node.key) is None
        assert image.key == Import(Output(replace(node, stamps=b"")), f"/{name}", platforms.wanted("")).key
        (tmp_path / "archive").write_bytes(b"")
        with pytest.raises(EngineError, match="archive changed since it was read"):
            image.run(worker, ())


@pytest.mark.usefixtures("docker")
def test_an_image_docker_does_not_have() -> None:
    with pytest.raises(UserError, match="no image 'other:1'"):
        identify("other:1")


@pytest.mark.usefixtures("docker")
def test_what_docker_says_when_it_cannot_save(store: Store) -> None:
    worker = SimpleNamespace(snapshots=merging.snapshots(store))
    with pytest.raises(ProcessError, match="docker save other:1: exit code 1\nthe disk broke"):
        DockerImage("sha256:4321", "other:1").run(worker, ())  # type: ignore[arg-type]


def test_no_docker_and_no_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho cannot connect >&2; exit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="does not answer: cannot connect"):
        identify("mine:1")
    (tmp_path / "docker").unlink()
    monkeypatch.setattr("baselard.engine.host.process.which", lambda _: None)
    with pytest.raises(HostError, match="not installed on this machine"):
        identify("mine:1")
