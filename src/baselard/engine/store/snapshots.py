"""Snapshots: immutable directory trees stacked by overlayfs, mounted through the system call.

A snapshot's own files are one directory; a draft is a new one on top, writable until it is committed. N consumers of
one base cost N mounts and no copy.
"""

import contextlib
import ctypes
import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import HostError
from baselard.engine.store import folding, overlay, stamps
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.mounting import mount, unmount

_FOLD_EVERY = 240  # overlayfs takes 500 lower directories, and short names leave room in the option page
_MOST_NAMES = 450
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_SLAVE = 1, 2, 4, 0x1000, 0x4000, 1 << 19
_libc = ctypes.CDLL(None, use_errno=True)
_thread = threading.local()
_mounter = ThreadPoolExecutor(1, "mount")


@functools.cache  # a second one would leave the threads that started meanwhile in the first
def private_namespace() -> None:
    """Move this process into a mount namespace of its own, so that whatever kills it takes its mounts along.

    Call before threads start; further calls do nothing. Raises HostError without CAP_SYS_ADMIN.
    """
    if _libc.unshare(_CLONE_NEWNS):
        raise HostError(
            "a mount namespace cannot be made: the engine needs root or CAP_SYS_ADMIN "
            f"({os.strerror(ctypes.get_errno())}); use sudo, or run the container with --cap-add SYS_ADMIN"
        )
    mount("none", Path("/"), "", _MS_REC | _MS_SLAVE)


@dataclass
class Draft:
    """A snapshot in the making. ``path`` is the whole tree, writable; ``upper`` receives what differs."""

    path: Path
    upper: Path
    _parent: Snapshot | None
    _store: Store
    _mounted: bool
    committed: Snapshot | None = field(default=None)
    settle: Callable[[], None] = field(default=lambda: None)

    def commit(self) -> Snapshot:
        """Make it a snapshot; ``path`` is gone afterwards. What nobody mounted before may hold nothing open now.

        ``settle`` is called first.
        """
        self.settle()
        if self._mounted:
            unmount(self.path)
            self._mounted = False
        self.committed = self._store.add_snapshot(self._parent, self.upper)
        return self.committed


Merge = Callable[[Sequence[Path], Path, Path], None]
"""Makes the directory that its last argument names one layer of the first ones, lowest first, on the tree below."""


def _merge_nothing(_layers: Sequence[Path], _below: Path, _target: Path) -> None:
    raise RuntimeError(f"a chain of more than {_FOLD_EVERY} snapshots, and nothing that makes layers one was given")


@dataclass(frozen=True)
class Snapshots:
    """Makes and shows the trees of one store. ``merge`` makes one layer of neighbouring ones (files/merging.py)."""

    store: Store
    merge: Merge = _merge_nothing

    @contextlib.contextmanager
    def draft(self, parent: Snapshot | None) -> Iterator[Draft]:
        """A new tree on top of ``parent``; dropped unless it is committed inside this block."""
        with self.store.temp_dir() as work:
            upper = self._upper(work, parent)
            if parent is None:
                yield Draft(upper, upper, None, self.store, _mounted=False)
                return
            merged = work / "m"
            merged.mkdir()
            (work / "w").mkdir()
            self._mount(merged, self.lowerdirs(parent), work)
            draft = Draft(merged, upper, parent, self.store, _mounted=True)
            try:
                yield draft
            finally:
                if draft._mounted:
                    unmount(merged)

    @contextlib.contextmanager
    def layer(self, parent: Snapshot | None) -> Iterator[Draft]:
        """A tree on top of ``parent`` whose difference is written by hand: ``path`` is ``upper``, nothing is mounted.

        Whoever writes there follows overlayfs's rules for upper directories.
        """
        with self.store.temp_dir() as work:
            upper = self._upper(work, parent)
            yield Draft(upper, upper, parent, self.store, _mounted=False)

    @contextlib.contextmanager
    def view(self, snapshot: Snapshot | None) -> Iterator[Path]:
        """The whole tree for reading. Nobody writes there."""
        names = self.lowerdirs(snapshot) if snapshot else []
        if len(names) == 1:
            yield self.store.root / "layers" / names[0]
            return
        with self.store.temp_dir() as work:
            merged = work / "m"
            merged.mkdir()
            if not names:
                merged.chmod(0o755)
                stamps.put(merged, stamps.FIXED)
                yield merged
                return
            self._mount(merged, names, None)
            try:
                yield merged
            finally:
                unmount(merged)

    def _upper(self, work: Path, parent: Snapshot | None) -> Path:
        """A new upper directory, ``work`` itself or in it; it is the root that is seen, so it looks as the parent's."""
        if parent is None:
            work.chmod(0o755)  # whatever the umask
            return work
        upper = work / "u"
        upper.mkdir()
        overlay.copy_attributes(os.fspath(self.store.layer_path(parent)), os.fspath(upper))
        return upper

    def lowerdirs(self, snapshot: Snapshot) -> list[str]:
        """The names below ``layers/`` that make the tree, uppermost first; long chains are folded on the way."""
        chain = list(ancestry(snapshot))
        for link in chain:
            if link.as_tar:
                self.store.layer_path(link)
        own = len(chain) % _FOLD_EVERY
        groups = [chain[start : start + _FOLD_EVERY] for start in range(own, len(chain), _FOLD_EVERY)]
        folded = [self._folded(group) for group in groups]
        for number in range(len(groups))[::-1]:
            if own + sum(map(len, folded)) > _MOST_NAMES:
                folded[number] = [self._merged(groups[number])]
        return [*(link.name for link in chain[:own]), *(name for names in folded for name in names)]

    def _folded(self, group: Sequence[Snapshot]) -> list[str]:
        """The names that stand for a group of links, uppermost first; found once in a boot, see ``_kept``."""

        def find(path: Path) -> None:
            by_path = {self.store.layer_path(link): link for link in group}
            runs = [[by_path[layer] for layer in run][::-1] for run in folding.runs([*by_path][::-1])]
            path.write_text(" ".join(self._merged(run) if len(run) > 1 else run[0].name for run in runs[::-1]))

        return (self.store.root / "layers" / self._kept(f"{group[0].name}.names", find)).read_text().split()

    def _merged(self, links: Sequence[Snapshot]) -> str:
        """The name of one layer that does what neighbouring links, uppermost first, do; made once in a boot."""

        def make(path: Path) -> None:
            layers = [self.store.layer_path(link) for link in reversed(links)]
            with self.view(links[-1].parent) as below:
                self.merge(layers, below, path)

        return self._kept(f"{links[0].name}.{links[-1].name}", make)

    def _kept(self, name: str, make: Callable[[Path], None]) -> str:
        """The name of what ``make`` made beside the layers, which goes with the snapshot that its first part names.

        Nothing is synced and no row tells of it, so what another boot made may not be whole: it is made again.
        """
        own = f"{name}.{self.store.boot[:8]}"
        place = self.store.root / "layers"
        if not (place / own).exists():
            with self.store.temp_dir() as work:
                make(work / "made")
                for number, stale in enumerate(set(place.glob(f"{name}.*")) - {place / own}):
                    with contextlib.suppress(FileNotFoundError):
                        stale.rename(work / str(number))
                with contextlib.suppress(OSError):  # another process may have made it meanwhile
                    (work / "made").rename(place / own)
        return own

    def _mount(self, target: Path, names: list[str], work: Path | None) -> None:
        """Mount an overlay; names are relative to the layers' directory because the options must fit one page."""
        options = "lowerdir=" + ":".join(names)
        if work:
            options += f",upperdir={work}/u,workdir={work}/w,volatile"
        flags = 0 if work else _MS_RDONLY
        options += f",{overlay.options()}"
        try:
            _mounter.submit(_mount_from, self.store.root / "layers", target, flags, options).result()
        except OSError as error:
            raise HostError(_explain(error, self.store.root)) from error


def ancestry(snapshot: Snapshot | None) -> Iterator[Snapshot]:
    """The snapshot and its parents, uppermost first."""
    while snapshot:
        yield snapshot
        snapshot = snapshot.parent


def _mount_from(directory: Path, target: Path, flags: int, options: str) -> None:
    """Mount an overlay whose options name directories relative to ``directory``.

    A working directory belongs to the whole process, so one thread of its own (unshare(2), CLONE_FS) does it.
    """
    if not getattr(_thread, "own", False):
        if _libc.unshare(_CLONE_FS):
            raise OSError(ctypes.get_errno(), "unshare")
        _thread.own = True
    os.chdir(directory)
    mount("overlay", target, "overlay", flags, options)


def _explain(error: OSError, root: Path) -> str:
    return (
        f"overlayfs cannot be mounted for the store {root} ({error.strerror}): the store must be on a real file system "
        "such as ext4, xfs or tmpfs, not on overlayfs itself, and the engine needs CAP_SYS_ADMIN; "
        "set BASELARD_STORE to such a place"
    )
