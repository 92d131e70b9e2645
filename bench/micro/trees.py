"""Trees: making a child of one, keeping it, and knowing a directory of the host again."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from baselard.engine.files import merging
from baselard.engine.store import snapshots as snapshot
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.snapshots import Snapshots
from bench import bare
from bench.client import Client, text
from bench.lab import Lab, loaded, mounted, on_disk, seconds
from bench.method import OURS, Goal, Scenario, Side

_CHILDREN = 6
_OWN_MB = 1


@contextlib.contextmanager
def child(lab: Lab, *, files: int) -> Iterator[Mapping[str, Side]]:
    """A writable child of a tree, one file in it, kept as a snapshot; beside a copy of the tree by hard links."""
    tree = lab.tree(files)
    with lab.fresh_store() as root, contextlib.closing(Store.open(root)) as store, lab.scratch() as scratch:
        snapshots = merging.snapshots(store)
        with snapshots.layer(None) as draft:
            bare.hardlinked(tree, draft.upper / "tree")
            parent = draft.commit()

        def limit(number: int) -> float:
            return seconds(lambda: bare.hardlinked(tree, scratch / str(number)))

        yield {
            OURS: lambda _: seconds(lambda: _child(snapshots, parent)),
            "hard links": limit,
            "one mount": lambda _: _mount(tree, lab),
        }


def _child(snapshots: Snapshots, parent: Snapshot) -> None:
    with snapshots.draft(parent) as draft:
        (draft.path / "new").touch()
        draft.commit()


def _mount(tree: Path, lab: Lab) -> float:
    with lab.scratch() as work:
        try:
            return seconds(lambda: bare.mount(tree, work))
        finally:
            snapshot.unmount(work / "m")


@contextlib.contextmanager
def disk(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """What the store takes with six children of the base, beside the base and what the children wrote."""

    def ours(_: int) -> float:
        with lab.fresh_store() as store:
            with lab.session(store) as opened:
                start = loaded(mounted(opened, lab.base()))
                for number in range(_CHILDREN):
                    opened.ask(start, _written(number), "sync")
            return on_disk(store)

    yield {OURS: ours, "base and own files": lambda _: on_disk(lab.base()) + _CHILDREN * _OWN_MB}


def _written(number: int) -> str:
    args = ["dd", "if=/dev/urandom", f"of=/own{number}", "bs=1000000", f"count={_OWN_MB}"]
    return f"withExec(args: {text(args)})"


@contextlib.contextmanager
def known_host(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """The key of a large host directory that did not change since the session before."""
    tree = lab.tree(lab.sizes.host_files)
    with lab.session() as opened:
        _key(opened, tree)

    def ours(_: int) -> float:
        with lab.session() as opened:
            opened.ask("version")
            return seconds(lambda: _key(opened, tree))

    yield {OURS: ours, "find": _walked(tree)}


@contextlib.contextmanager
def new_host(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """The key of a large host directory that the store has never seen, and its copy into the store."""
    tree = lab.tree(lab.sizes.host_files)

    def ours(_: int) -> float:
        with lab.fresh_store() as store, lab.session(store) as opened:
            opened.ask("version")
            return seconds(lambda: _key(opened, tree))

    def limit(_: int) -> float:
        with lab.scratch() as scratch:
            line = 'find "$FROM" -type f -print0 | xargs -0 sha256sum >/dev/null; cp -a "$FROM" "$TO/copy"'
            return seconds(lambda: bare.shell(line, FROM=str(tree), TO=str(scratch)))

    yield {OURS: ours, "sha256sum and cp": limit}


@contextlib.contextmanager
def changed_host(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """The key of a large host directory in which one file changed since, and the store's copy of what it is then.

    Beside finding that file by its times, and copying it.
    """
    tree = lab.tree(lab.sizes.host_files)
    changed = next(path for path in sorted((tree / "opt").rglob("*")) if path.is_file())
    content = changed.read_bytes()

    def ours(number: int) -> float:
        changed.write_bytes(content + f"{number} {time.time_ns()}".encode())
        return seconds(lambda: _key(opened, tree, ", noCache: true"))

    def limit(number: int) -> float:
        before = time.time()
        changed.write_bytes(content + str(number).encode())
        line = 'find "$FROM" -newermt "@$SINCE" -type f -print0 | xargs -0 cp -t "$TO"'
        with lab.scratch() as scratch:
            return seconds(lambda: bare.shell(line, FROM=str(tree), SINCE=str(before), TO=str(scratch)))

    try:
        with lab.session() as opened:
            _key(opened, tree)
            yield {OURS: ours, "find and cp": limit}
    finally:
        changed.write_bytes(content)


def _key(opened: Client, tree: Path, more: str = "") -> None:
    """A session asks the machine once for a directory, unless the call wants it as it is now."""
    opened.ask("host", f"directory(path: {text(str(tree))}{more})", "sync")


def _walked(tree: Path) -> Side:
    line = 'find "$FROM" -printf "%p %s %T@ %C@ %i\\n" >/dev/null'
    return lambda _: seconds(lambda: bare.shell(line, FROM=str(tree)))


@contextlib.contextmanager
def written(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A command that writes a thousand files, its result kept; beside bare runc, which keeps nothing."""
    with lab.session() as opened, lab.scratch() as scratch:
        start = loaded(mounted(opened, lab.tiny()))
        yield {
            OURS: lambda number: opened.timed(start, f"withExec(args: {text(_write(number))})", "sync"),
            "mount + runc": lambda number: seconds(lambda: bare.run(lab.tiny(), _write(number), scratch)),
        }


def _write(number: int) -> list[str]:
    return ["sh", "-c", f"mkdir /w{number}; i=0; while [ $i -lt 1000 ]; do echo $i >/w{number}/$i; i=$((i+1)); done"]


def _sizes() -> Iterator[Scenario]:
    for files in (10, 1_000, 50_000):
        sides: Callable[[Lab], contextlib.AbstractContextManager[Mapping[str, Side]]] = functools.partial(
            child, files=files
        )
        yield Scenario(f"snapshot-{files}", f"a child of a tree of {files:,} files", sides)


SCENARIOS = (
    *_sizes(),
    Scenario("written", "an exec that writes 1,000 files", written),
    Scenario(
        "disk", "disk for six children of the base", disk, Goal("ratio", 1.05), "MB", rounds=1, warm_up=0, itself=True
    ),
    Scenario("host-known", "key of a large host directory, unchanged", known_host, Goal("ratio", 1.2)),
    Scenario("host-changed", "a large host directory, one file of it changed", changed_host, Goal("ratio", 2)),
    Scenario("host-new", "a large host directory never seen before", new_host, rounds=3, warm_up=0),
)
