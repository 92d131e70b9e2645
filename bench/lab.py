"""Where the measuring is done: a directory with bases of a known size, stores, and what they are measured against."""

import contextlib
import functools
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench import client
from bench.client import Client, text

T = TypeVar("T")

_SHORT = 12_000_000_000  # bytes; a round with an image of 1 GB, given and taken on both sides, fits in
_APPLETS = "sh true cat ls mkdir touch dd cp sleep echo"


@dataclass(frozen=True)
class Sizes:
    """How large things are: quick ones prove that everything runs, the others are what users have."""

    base_mb: int = 1000
    base_files: int = 50_000
    layer_mb: int = 200
    host_files: int = 100_000
    nodes: int = 1_000
    examples: int = 100
    counts: tuple[int, ...] = (24, 6, 2, 1)
    """Numbers of generated examples, so that growth is seen."""
    many: tuple[int, ...] = (500, 100)
    """As many as a large repository has; the first is five times the second."""
    job: int = 0
    """Generated examples that the whole job is done on; 0 means this checkout's own base and examples."""


QUICK = Sizes(
    base_mb=20,
    base_files=500,
    layer_mb=20,
    host_files=10_000,
    nodes=1_000,
    examples=10,
    counts=(3, 1),
    many=(5, 1),
    job=2,
)


@dataclass
class Lab:
    """One run's directory.

    ``peaks`` collects the memory of every engine process, by scenario; ``notes`` MB that a side moved between machines
    and left on their disks, by scenario and side. ``until_end`` puts away what several scenarios share. ``numbers`` are
    for names and images that no other round has.
    """

    root: Path
    sizes: Sizes
    scenario: str = ""
    peaks: dict[str, float] = field(default_factory=dict)
    notes: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    until_end: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    shared: dict[str, Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    _leavings: list[Callable[[], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.until_end.callback(self._put_away)

    def later(self, put_away: Callable[[], object]) -> None:
        """Have something put away at the end, or as soon as the disk gets short.

        Never right before something is measured: after a large tree is deleted, ext4 looks for minutes at the inode of
        each deleted file whenever it makes a new one (``recently_deleted`` in Linux's fs/ext4/ialloc.c), and who comes
        next pays for that.
        """
        self._leavings.append(put_away)
        if shutil.disk_usage(self.root).free < _SHORT:
            sys.stderr.write("bench: the disk gets short, so earlier rounds' files go now; new ones may be slow\n")
            self._put_away()
            os.sync()

    def _put_away(self) -> None:
        while self._leavings:
            self._leavings.pop()()

    def share(self, name: str, made: Callable[[], contextlib.AbstractContextManager[T]]) -> T:
        """What ``made`` opens, once for all scenarios; it is closed with the lab."""
        if name not in self.shared:
            self.shared[name] = self.until_end.enter_context(made())
        found: T = self.shared[name]
        return found

    def note(self, side: str, *, moved: float, disk: float) -> None:
        """What a side of this scenario moved and left, in MB. The first round counts: later ones find what it left."""
        self.notes.setdefault(self.scenario, {}).setdefault(side, {"moved": moved, "disk": disk})

    @property
    def store(self) -> Path:
        """The store that scenarios share."""
        return self.root / "store"

    @contextlib.contextmanager
    def session(
        self, store: Path | None = None, program: Sequence[str] = client.PROGRAM, prefix: Sequence[str] = ()
    ) -> Iterator[Client]:
        """A new engine process, whose memory is noted when it ends; ``program`` is what Python shall run, and
        ``prefix`` the words before it."""
        with client.session(store or self.store, program, prefix) as opened:
            yield opened
            self.peaks[self.scenario] = max(opened.peak, self.peaks.get(self.scenario, 0))

    @contextlib.contextmanager
    def fresh_store(self) -> Iterator[Path]:
        """An empty store: another machine, as far as the engine can tell."""
        with self.scratch() as path:
            yield path / "store"

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory that is out of the way afterwards, and deleted ``later``."""
        path = Path(tempfile.mkdtemp(dir=self.root))
        path.chmod(0o755)
        try:
            yield path
        finally:
            self.later(functools.partial(shutil.rmtree, self._doomed(path)))

    def _doomed(self, path: Path) -> Path:
        doomed = self.root / "doomed"
        doomed.mkdir(exist_ok=True)
        return path.rename(doomed / path.name)

    def tiny(self) -> Path:
        """A root file system of nothing but a shell."""
        return self._made("tiny", lambda _: None)

    def base(self) -> Path:
        """A root file system of the size of a base image."""
        sizes = self.sizes
        return self._made("base", lambda path: fill(path / "opt", sizes.base_mb, sizes.base_files, seed=0))

    def large(self) -> Path:
        """A root file system of twice that size."""
        sizes = self.sizes
        return self._made("large", lambda path: fill(path / "opt", 2 * sizes.base_mb, sizes.base_files, seed=7))

    def image(self, number: int) -> Path:
        """Like ``base``, but another layer for each ``number`` and run: no store, registry or daemon has seen it. It is
        as it shall be until the next call."""
        sizes = self.sizes
        made = self._made("image", lambda path: fill(path / "opt", sizes.base_mb, sizes.base_files, seed=-1))
        (made / "number").write_text(f"{self.root} {number}")
        path = made.with_name(f"image-{number}")  # a session reads one path once
        path.symlink_to(made)
        return path

    def tree(self, files: int) -> Path:
        """A root file system with that many small files."""
        return self._made(f"tree-{files}", lambda path: fill(path / "opt", files // 1000 + 1, files, seed=files))

    def layer(self, seed: int) -> Path:
        """A root file system of the size of a large layer, with content of its own for each ``seed``."""
        mb = self.sizes.layer_mb
        return self._made(f"layer-{seed}", lambda path: fill(path / "opt", mb, mb * 20, seed=seed + 1))

    def _made(self, name: str, filling: Callable[[Path], None]) -> Path:
        path = self.root / "bases" / name
        if not path.exists():
            path.mkdir(parents=True)
            shell(path)
            filling(path)
        return path


def shell(path: Path) -> None:
    """Put a statically linked busybox into a root file system."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise RuntimeError("busybox is not installed; apt-get install busybox-static")
    for name in ("bin", "etc", "tmp"):
        (path / name).mkdir()
    shutil.copy(busybox, path / "bin/busybox")
    for name in _APPLETS.split():
        (path / "bin" / name).symlink_to("busybox")
    (path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (path / "etc/group").write_text("root:x:0:\n")


def fill(path: Path, mb: int, files: int, *, seed: int) -> None:
    """Make ``files`` files of together ``mb`` MB, a hundred in a directory, that compress to about half."""
    chance = random.Random(seed)  # noqa: S311 -- the same files in every run
    size = mb * 1_000_000 // files
    for number in range(files):
        if number % 100 == 0:
            (path / str(number // 100)).mkdir(parents=True)
        (path / str(number // 100) / str(number)).write_bytes(chance.randbytes(size // 2).hex().encode())


def mounted(opened: Client, rootfs: Path) -> str:
    """The ID of a container whose root file system is a host directory's content."""
    directory = opened.ask("host", f"directory(path: {text(str(rootfs))})", "id")
    made: str = opened.ask("container", f"withRootfs(directory: {text(directory)})", "sync")
    return made


def loaded(container: str) -> str:
    """The call that begins a chain at a container's ID."""
    return f"loadContainerFromID(id: {text(container)})"


def imported(opened: Client, archive: Path) -> tuple[str, str]:
    """The calls that begin a chain at an archive's image; the archive is read into the store already."""
    file = opened.ask("host", f"file(path: {text(str(archive))})", "id")
    return "container", f"import(source: {text(file)})"


def touch(name: object) -> str:
    """The call that runs a command which changes the tree, so that there is something to keep."""
    return f"withExec(args: {text(['touch', f'/x{name}'])})"


def settle() -> None:
    """Have on the disk what was written so far: nobody shall wait for what was written to prepare, or by others."""
    os.sync()


def seconds(function: Callable[[], object]) -> float:
    """How long ``function`` takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def on_disk(path: Path) -> float:
    """MB that a tree takes on the disk; a file of several names counts once."""
    found = {}
    for directory, folders, files in os.walk(path):
        for name in (*folders, *files):
            status = os.lstat(os.path.join(directory, name))
            found[status.st_ino] = status.st_blocks * 512
    return sum(found.values()) / 1e6
