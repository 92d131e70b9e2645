"""Frees space in the store: least recently used results first, and what only they needed.

Never what a running session uses: whoever opened the store holds a lock beside its work directory, and everything it
looks at or makes carries a later time than that. Rows go first, in one transaction, and files without rows after, so
that being killed in between costs nothing.
"""

import contextlib
import os
import re
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.store import deep, holdings, layer_index, locks, runs
from baselard.engine.store.database import Snapshot, Store

_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([KMGT]?)I?B?")
_SHARE_OF_DISK = 0.6  # of the disk's capacity, by which the store is held without being told
_MOST = 100 << 30
_AT_ONCE = 100  # snapshots whose sizes are noted together
_LATER = 2.0  # seconds: a call that knows everything is over by then, and made nothing that weighs


@dataclass(frozen=True)
class Policy:
    """The limits. ``keep_bytes``: at most so much in all; ``older_than``: nothing unused for so many seconds;
    ``everything``: only what running sessions use. None means no such limit."""

    keep_bytes: int | None = None
    older_than: float | None = None
    everything: bool = False


@dataclass(frozen=True)
class Freed:
    """How much went, or with a dry run would go; ``size`` and ``kept``, which is what stays, in bytes.

    ``runs`` are those of the history.
    """

    results: int
    snapshots: int
    blobs: int
    caches: int
    size: int
    kept: int
    runs: int = 0


@dataclass
class _Contents:
    """The store's rows, and how often each thing is needed: a snapshot by results and by snapshots on top, a blob by
    results and by what is to be unpacked from it."""

    results: list[tuple[str, float, set[int], set[str]]]
    parents: Mapping[int, int | None]
    blobs: Mapping[str, tuple[int, float]]
    sizes: dict[int, int]
    packed: Mapping[int, str]
    needed: Counter[int] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.needed.update(parent for parent in self.parents.values() if parent is not None)
        for _, _, trees, names in self.results:
            self.needed.update(trees)
            self.named.update(names)
        self.named.update(self.packed.values())

    @property
    def size(self) -> int:
        return sum(self.sizes.values()) + sum(size for size, _ in self.blobs.values())


@dataclass
class _Doomed:
    """The things that are to go."""

    results: list[str] = field(default_factory=list)
    snapshots: list[int] = field(default_factory=list)
    blobs: set[str] = field(default_factory=set)
    size: int = 0


def collect(store: Store, policy: Policy, *, dry_run: bool = False, now: float | None = None) -> Freed:
    """Free what ``policy`` does not let stay, least recently used first. With ``dry_run`` only say what would go."""
    now = time.time() if now is None else now
    _measure(store)
    with store.transaction():
        protected = min(locks.living(store.work.parent), default=now)
        contents = _read(store)
        doomed = _choose(store, contents, policy, protected, now)
        if not dry_run:
            holdings.forget(store, results=doomed.results, snapshots=doomed.snapshots, blobs=sorted(doomed.blobs))
    caches, cache_size = _caches(store, policy, dry_run=dry_run)
    oldest = now if policy.everything else now - policy.older_than if policy.older_than is not None else 0
    forgotten = runs.forget(store, oldest, dry_run=dry_run)
    if not dry_run:
        layer_index.forget_snapshots(store)
        store.clean()
    freed = doomed.size + cache_size
    counts = (len(doomed.results), len(doomed.snapshots), len(doomed.blobs), caches)
    return Freed(*counts, freed, contents.size - doomed.size, forgotten)


def within_limit(store: Store) -> Freed | None:
    """Collect when the store has outgrown ``BASELARD_STORE_LIMIT`` (bytes, or like 20G), or else 60 % of its disk and
    at most 100 GiB; down to nine tenths of it, so that not every session has something to do. None if it has not."""
    limit = _limit(store.root)
    _measure(store)
    size = holdings.size(store) + sum(disk_usage(path) for _, path in _beside(store))
    return collect(store, Policy(keep_bytes=limit * 9 // 10)) if size > limit else None


def tidy_meanwhile(store: Store) -> None:
    """Clean, and a little later collect what is above the limit, in a thread that nobody waits for.

    Raises UserError, here and now, when BASELARD_STORE_LIMIT is no size.
    """
    _limit(store.root)
    threading.Thread(target=_tidy, args=(store,), name="tidy", daemon=True).start()


def _tidy(store: Store) -> None:
    with contextlib.suppress(sqlite3.ProgrammingError, OSError):  # closed meanwhile, or the disk is full
        store.clean()
        time.sleep(_LATER)
        within_limit(store)


def parse_size(text: str) -> int:
    """``20G``, ``500M``, ``1.5T`` or bytes. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip().upper())
    if not match:
        raise ValueError(f"{text} is not a size")
    return int(Fraction(match[1]) * (1 << 10 * " KMGT".index(match[2] or " ")))


def _limit(root: Path) -> int:
    setting = os.environ.get("BASELARD_STORE_LIMIT")
    if not setting:
        return min(int(shutil.disk_usage(root).total * _SHARE_OF_DISK), _MOST)
    try:
        return parse_size(setting)
    except ValueError:
        raise UserError(
            f"BASELARD_STORE_LIMIT={setting}: write a size such as 20G, 500M or a number of bytes"
        ) from None


def _read(store: Store) -> _Contents:
    found = holdings.read(store)
    results = [(key, used, result.snapshots, result.blobs) for key, used, result in found.results]
    sizes = Counter(found.sizes)
    for number, path in _beside(store):
        sizes[number] += disk_usage(path)
    counted = {number: sizes.get(number, 0) for number in found.parents}
    return _Contents(results, found.parents, found.blobs, counted, found.packed)


def _beside(store: Store) -> Iterator[tuple[int, Path]]:
    """What lies beside snapshots' own directories, such as what long chains are folded into, by their numbers."""
    for path in (store.root / "layers").glob("*.*"):
        yield int(path.name.partition(".")[0], 36), path


def _measure(store: Store) -> None:
    """Note the bytes on disk of each snapshot's own files; once, since they never change, and without the lock."""
    numbers = holdings.unmeasured(store)
    for first in range(0, len(numbers), _AT_ONCE):
        sizes = [(each, disk_usage(store.own_directory(Snapshot(each)))) for each in numbers[first : first + _AT_ONCE]]
        holdings.note_sizes(store, sizes)


def disk_usage(path: Path) -> int:
    """Bytes on disk below ``path``, or of this one file; files with several names counted once."""
    if path.is_file():
        return path.stat().st_blocks * 512
    seen: set[int] = set()
    size = 0
    for directory, _, files in deep.walk(path):
        for name in files:
            info = os.lstat(os.path.join(directory, name))
            if info.st_nlink == 1 or info.st_ino not in seen:
                seen.add(info.st_ino)
                size += info.st_blocks * 512
        size += 4096
    return size


def _choose(store: Store, contents: _Contents, policy: Policy, protected: float, now: float) -> _Doomed:
    doomed = _Doomed()
    _free_unneeded(store, contents, doomed, protected)
    ages: list[tuple[float, int | str]] = [(used, at) for at, (_, used, _, _) in enumerate(contents.results)]
    ages += [(used, name) for name, (_, used) in contents.blobs.items()]
    for used, item in sorted(ages, key=lambda age: age[0]):
        if used >= protected or not _must_go(contents, doomed, policy, now - used):
            continue
        if isinstance(item, int):
            _drop_result(contents, doomed, item)
        else:
            _drop_blob(contents, doomed, item)
    return doomed


def _drop_result(contents: _Contents, doomed: _Doomed, at: int) -> None:
    key, _, trees, names = contents.results[at]
    doomed.results.append(key)
    for name in names:
        contents.named[name] -= 1
        _drop_blob(contents, doomed, name)
    for tree in trees:
        _release(contents, doomed, tree)


def _drop_blob(contents: _Contents, doomed: _Doomed, name: str) -> None:
    """Have a blob go that nothing needs, if it is one."""
    if name in contents.blobs and contents.named[name] <= 0 and name not in doomed.blobs:
        doomed.blobs.add(name)
        doomed.size += contents.blobs[name][0]


def _must_go(contents: _Contents, doomed: _Doomed, policy: Policy, idle: float) -> bool:
    too_old = policy.older_than is not None and idle > policy.older_than
    too_much = policy.keep_bytes is not None and contents.size - doomed.size > policy.keep_bytes
    return policy.everything or too_old or too_much


def _free_unneeded(store: Store, contents: _Contents, doomed: _Doomed, protected: float) -> None:
    """Snapshots that no result names any more; those of running sessions may be about to be named."""
    contents.needed.update(holdings.snapshots_since(store, protected))
    for number in sorted(contents.parents, reverse=True):
        if contents.needed[number] <= 0 and number not in doomed.snapshots:
            contents.needed[number] += 1
            _release(contents, doomed, number)


def _release(contents: _Contents, doomed: _Doomed, number: int) -> None:
    """One need of a snapshot less; the last one takes it along, and its parent's need of it."""
    current: int | None = number
    while current is not None:
        contents.needed[current] -= 1
        if contents.needed[current] > 0:
            return
        doomed.snapshots.append(current)
        doomed.size += contents.sizes.get(current, 0)
        if name := contents.packed.get(current):
            contents.named[name] -= 1
            _drop_blob(contents, doomed, name)
        current = contents.parents[current]


def _caches(store: Store, policy: Policy, *, dry_run: bool) -> tuple[int, int]:
    """Cache volumes go with everything else only, and only while nobody else could have one mounted."""
    if not policy.everything or len(locks.living(store.work.parent)) > 1:
        return 0, 0
    volumes = list((store.root / "caches").iterdir())
    size = sum(disk_usage(volume) for volume in volumes)
    if not dry_run:
        for volume in volumes:
            deep.remove(volume, ignore_errors=True)
    return len(volumes), size
