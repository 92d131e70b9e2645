"""While the engine mounts, cleans, copies, exports and reads, a program renames and links below it: nothing gets out.

``BASELARD_RACE_SECONDS`` says for how long (20 in all by default), ``BASELARD_RACE_SEED`` with which moves.
"""

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.errors import EngineError
from baselard.engine.files import exporting
from baselard.engine.ops import host
from baselard.engine.run.containers.command import CacheMount, CacheSharing, TmpfsMount
from baselard.engine.run.mounts import cache_path
from tests.integration.engine.conftest import Client
from tests.security.canary import SECRET, Canary
from tests.security.conftest import within

pytestmark = pytest.mark.root

SECONDS = float(os.environ.get("BASELARD_RACE_SECONDS", "20"))
SEED = int(os.environ.get("BASELARD_RACE_SEED", "21"))
RACER = Path(__file__).with_name("racer.py")


@contextlib.contextmanager
def racing(directory: Path, canary: Canary) -> Iterator[None]:
    """A racer at work below ``directory`` for as long as the block runs; it has to have changed something."""
    argv: list[str | Path] = [sys.executable, RACER, directory, canary.path, str(SEED)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield
        finally:
            said, _ = child.communicate()
    assert int(said) >= 200


def rounds(share: float) -> Iterator[random.Random]:
    """Chances for as many rounds as fit into this share of the time."""
    end, source = time.monotonic() + SECONDS * share, random.Random(SEED)
    while time.monotonic() < end:
        yield source


def _path(source: random.Random, depth: int = 3) -> str:
    return "/".join(source.choices("abc", k=source.randint(1, depth)))


def test_a_volume_that_a_program_changes_leads_nowhere(run, worker, canary: Canary) -> None:
    """Mount points, redirected streams and working directories in a cache volume that another program has, too."""
    cache = CacheMount("/c", f"race {SEED}", CacheSharing.SHARED)
    run("true", mounts=(cache,))
    volume = cache_path(worker.store.root, cache.volume) / "data"
    seen = []
    with racing(volume, canary):
        for source in rounds(0.4):
            path = f"/c/{_path(source)}"
            ways = [
                {"mounts": (cache, TmpfsMount(path))},
                {"mounts": (cache,), "redirect_stdout": path},
                {"mounts": (cache,), "redirect_stdin": path},
                {"mounts": (cache,), "cwd": path},
            ]
            with contextlib.suppress(EngineError):
                seen.append(run("cat; ls -a; true", **source.choice(ways)).stdout)  # type: ignore[arg-type]
    assert not any(SECRET in text for text in seen)


SWAPS = ("mv {0} {1}", "ln -sfn {canary} {0}", "ln -sfn {canary}/etc {0}", "rm -rf {0}", "mkdir -p {0}", "touch {0}")


def test_what_a_program_leaves_is_cleaned_inside(run, image, canary: Canary) -> None:
    """Mount points below directories that the program moves away and puts links for."""

    def three(root: Path) -> None:
        for name in ("a", "b", "c/etc"):
            (root / name).mkdir(parents=True)

    base = image(three)
    places = [one + two for one in ("/a", "/b", "/c") for two in ("", "/etc", "/empty", "/etc/hosts", "/data", "/new")]
    for source in rounds(0.3):
        moves = "; ".join(
            source.choice(SWAPS).format(*source.choices(places, k=2), canary=canary.path) for _ in range(8)
        )
        targets = source.sample(places, k=source.randint(1, 3))
        with contextlib.suppress(EngineError):
            run(f"{{ {moves}; }} 2>/dev/null; true", rootfs=base, mounts=tuple(map(TmpfsMount, targets)))


def test_an_export_into_a_directory_that_changes_writes_inside(tmp_path: Path, canary: Canary) -> None:
    """Directory.export, with and without ``wipe``, into what somebody else changes meanwhile."""
    source_tree, target = tmp_path / "source", tmp_path / "target"
    target.mkdir()
    for one in "abc":
        for two in "abc":
            (source_tree / one / two).mkdir(parents=True)
            (source_tree / one / two / "data").write_text("exported")
    with racing(target, canary):
        for source in rounds(0.15):
            with contextlib.suppress(EngineError):
                exporting.export_directory(str(source_tree), target, wipe=source.random() < 0.5)


def test_a_host_directory_that_changes_brings_nothing_along(worker, tmp_path: Path, canary: Canary) -> None:
    """Host.directory reads what is below it, whatever links come and go meanwhile."""
    directory = tmp_path / "source"
    directory.mkdir()
    read = 0
    with racing(directory, canary):
        for _ in rounds(0.15):
            with contextlib.suppress(EngineError):  # it never held still
                node = host.load(worker, str(directory))
                with worker.snapshots.view(worker.store.lookup(node.key).values[0].tree) as root:
                    taken = [path.read_text() for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
                assert not any(SECRET in text for text in taken)
                read += 1
    assert read


KINDS = ("mkfifo /r", "mknod /r c 1 3", "mknod /r c 1 5", "mkdir /r", "ln -s /r /r", "ln -s /proc/self/fd/1 /r")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", ["redirectStdout", "redirectStdin"])
def test_a_stream_goes_to_and_from_nothing_but_a_file(doomed: Client, tree: Path, kind: str, stream: str) -> None:
    """What the program itself puts where its stream is to go; a device would be one of this machine's."""
    inside = doomed.container(tree)
    made = f'withExec(args:["/bin/busybox","sh","-c","/bin/busybox {kind}"])'
    put = f'withExec(args:["/bin/busybox","sh","-c","echo out"],{stream}:"/r")'
    answer = within(20, doomed, doomed.chain(*inside, made, put, 'file(path:"/r")', "contents"))
    assert "errors" in answer
    assert "internal error" not in str(answer)


def test_the_racer_would_be_seen(tmp_path: Path, canary: Canary) -> None:
    """A writer that follows links does get out, so that the rest says something."""
    directory = tmp_path / "races"
    directory.mkdir()
    copy = Canary.made(tmp_path / "copy")
    end = time.monotonic() + 20
    with racing(directory, copy):
        while copy.seen() == copy.before and time.monotonic() < end:
            with contextlib.suppress(OSError):
                (directory / "a" / "naive").write_text("out")
            with contextlib.suppress(OSError):
                (directory / "b").write_text("out")
    assert copy.seen() != copy.before
