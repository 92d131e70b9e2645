"""A real docker takes what we write, and we take what it writes."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import archive_layers, archive_read, archive_write, publish, pull, reference, writing
from baselard.engine.images.registries import Registries
from baselard.engine.images.writing import Format, Variant
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.snapshots import Snapshots
from baselard.oci.image_config import ImageConfig
from bench import dockerd

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.full]

AMD64 = platforms.parse("linux/amd64")
CONFIG = ImageConfig(AMD64, env=(("PATH", "/bin"), ("SAID", "by us")), cmd=("sh", "-c", "echo $SAID $(cat /file)"))
FORMS = [Format(), Format("none"), Format("zstd"), Format("gzip", docker=True)]


class Docker:
    """The daemon in its tree."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    def run(self, *args: str, **more: Any) -> str:
        argv = ["chroot", str(self.tree), "docker", *args]
        ended = subprocess.run(argv, check=False, capture_output=True, **more)
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode()

    def inspect(self, image: str) -> Any:
        return json.loads(self.run("image", "inspect", image))[0]


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    """Debian's docker, as it judges Dockerfiles too."""
    with dockerd.borrowed(dockerd.DEFAULT_ROOT) as tree:
        yield Docker(tree)


@pytest.fixture
def tree(store: Store) -> Snapshot:
    """A shell, and a file that a second layer replaces."""
    shell = Path("/bin/busybox")
    if not shell.exists():
        pytest.skip("the package busybox-static is not installed")
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "bin").mkdir()
        (draft.path / "bin/busybox").write_bytes(shell.read_bytes())
        (draft.path / "bin/busybox").chmod(0o755)
        for name in ("sh", "cat", "ls"):
            (draft.path / "bin" / name).symlink_to("busybox")
        (draft.path / "file").write_text("old")
        (draft.path / "gone").write_text("gone")
        lower = draft.commit()
    with merging.snapshots(store).layer(lower) as draft:
        (draft.path / "file").write_text("new")
        subprocess.run(["mknod", draft.path / "gone", "c", "0", "0"], check=True)
        return draft.commit()


def runs(docker: Docker, image: str) -> None:
    try:
        assert docker.run("run", "--rm", "--network", "none", image) == "by us new\n"
        assert "gone" not in docker.run("run", "--rm", "--network", "none", image, "ls", "/")
    finally:
        docker.run("image", "rm", "--force", image)


@pytest.mark.parametrize("form", FORMS)
def test_docker_loads_and_runs_our_archive(
    docker: Docker, store: Store, tree: Snapshot, tmp_path: Path, form: Format
) -> None:
    whole = writing.write(store, [Variant(tree, CONFIG)], form)
    archive_write.write(store, whole, tmp_path / "a.tar", ("docker.io/baselard/loaded:1",))
    with (tmp_path / "a.tar").open("rb") as file:
        said = docker.run("load", stdin=file)
    assert said == "Loaded image: baselard/loaded:1\n"
    assert docker.inspect("baselard/loaded:1")["Config"]["Env"] == ["PATH=/bin", "SAID=by us"]
    runs(docker, "baselard/loaded:1")


@pytest.mark.parametrize("form", FORMS)
def test_docker_pulls_and_runs_what_we_push(
    docker: Docker, server: Any, store: Store, tree: Snapshot, form: Format
) -> None:
    other = Variant(tree, ImageConfig(platforms.parse("linux/arm64")))
    target = reference.parse(f"{server.host}/app:1")
    pushed, _ = publish.publish(store, Registries(), target, [Variant(tree, CONFIG), other], form=form, say=print)
    assert pushed.digest in docker.run("pull", str(target))
    runs(docker, str(target))


def test_we_take_what_docker_saves_and_pushes(
    docker: Docker, server: Any, store: Store, tree: Snapshot, tmp_path: Path
) -> None:
    image = f"{server.host}/theirs:1"
    whole = writing.write(store, [Variant(tree, CONFIG)], Format("none"))
    archive_write.write(store, whole, tmp_path / "a.tar", (image,))
    with (tmp_path / "a.tar").open("rb") as file:
        docker.run("load", stdin=file)
    docker.run("push", image)
    (tmp_path / "saved.tar").write_bytes(saved(docker, image))
    docker.run("image", "rm", "--force", image)
    fresh = Store.open(tmp_path / "fresh")
    with archive_read.opened(tmp_path / "saved.tar", fresh) as archive:
        chosen = archive_read.choose(archive, AMD64)
        taken = archive_layers.unpack(Snapshots(fresh), archive, chosen)
    found = pull.resolve(Registries(), reference.parse(image), AMD64, print)
    pulled = pull.pull(Snapshots(fresh), Registries(), found, print)
    assert chosen.config.env == found.config.env == CONFIG.env
    assert taken == pulled  # the same layers, so they were unpacked once
    fresh.close()


def saved(docker: Docker, image: str) -> bytes:
    argv = ["chroot", str(docker.tree), "docker", "save", image]
    return subprocess.run(argv, check=True, capture_output=True).stdout
