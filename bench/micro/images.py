"""Images in and out: archives and registries."""

import contextlib
import functools
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import bare, registry
from bench.client import Client, text
from bench.lab import Lab, imported, loaded, mounted, seconds, settle
from bench.method import OURS, Goal, Scenario, Side

_LIMITS = {"Gzip": 'tar -C "$FROM" -c . | pigz >"$TO"', "Zstd": 'tar -C "$FROM" -c . | zstd -q -T0 -o "$TO"'}
_numbers = itertools.count()
_LAYERS = 4  # 400 MB when they are packed


@contextlib.contextmanager
def export(lab: Lab, *, compression: str) -> Iterator[Mapping[str, Side]]:
    """Pack a layer that was never packed before, and write the archive; beside tar and a compressor on all cores."""
    with lab.session() as opened, lab.scratch() as scratch:

        def ours(_: int) -> float:
            container = _new_layer(opened, lab, next(_numbers))
            settle()
            return seconds(lambda: _export(opened, container, scratch / "ours.tar", compression))

        def limit(number: int) -> float:
            packed = scratch / f"limit-{number}"
            settle()
            return seconds(lambda: bare.shell(_LIMITS[compression], FROM=str(lab.layer(0)), TO=str(packed)))

        yield {OURS: ours, f"tar | {'pigz' if compression == 'Gzip' else 'zstd -T0'}": limit}


def export_gzip(lab: Lab) -> contextlib.AbstractContextManager[Mapping[str, Side]]:
    """With gzip."""
    return export(lab, compression="Gzip")


def export_zstd(lab: Lab) -> contextlib.AbstractContextManager[Mapping[str, Side]]:
    """With zstd."""
    return export(lab, compression="Zstd")


@contextlib.contextmanager
def taken_in(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Import an archive into an empty store; beside unpacking it and its layer."""
    with lab.scratch() as scratch:
        archive = scratch / "image.tar"
        with lab.session() as opened:
            _export(opened, _new_layer(opened, lab, 0), archive, "Gzip")

        def ours(_: int) -> float:
            with lab.fresh_store() as store, lab.session(store) as opened:
                settle()
                return seconds(lambda: opened.ask(*imported(opened, archive), "sync"))

        def limit(_: int) -> float:
            line = 'tar -C "$TO" -xf "$FROM"; mkdir "$TO/rootfs"; for blob in "$TO"/blobs/sha256/*; do ' + (
                '! pigz -t "$blob" 2>/dev/null || pigz -dc "$blob" | tar -C "$TO/rootfs" -x; done'
            )
            with lab.scratch() as target:
                settle()
                return seconds(lambda: bare.shell(line, FROM=str(archive), TO=str(target)))

        yield {OURS: ours, "tar, twice": limit}


@contextlib.contextmanager
def push(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Push an image whose layer is packed; skopeo pushes the same blobs to another registry."""
    with contextlib.ExitStack() as stack:
        opened, scratch = stack.enter_context(lab.session()), stack.enter_context(lab.scratch())
        here, there = (stack.enter_context(registry.running(scratch / name)) for name in ("ours", "theirs"))

        @functools.cache
        def prepared(number: int) -> str:
            container = _new_layer(opened, lab, next(_numbers))
            _export(opened, container, scratch / f"{number}.tar", "Gzip")
            return container

        def ours(number: int) -> float:
            container = prepared(number)
            return seconds(lambda: _publish(opened, container, f"{here}/bench:{number}"))

        def limit(number: int) -> float:
            prepared(number)
            line = 'skopeo copy --dest-tls-verify=false "oci-archive:$FROM" "docker://$TO"'
            archive, address = scratch / f"{number}.tar", f"{there}/bench:{number}"
            return seconds(lambda: bare.shell(line, FROM=str(archive), TO=address))

        yield {OURS: ours, "skopeo copy": limit}


@contextlib.contextmanager
def push_again(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Push what the registry has already."""
    with lab.session() as opened, lab.scratch() as scratch, registry.running(scratch / "registry") as address:
        container = _new_layer(opened, lab, 0)
        _publish(opened, container, f"{address}/bench:first")
        yield {OURS: lambda _: seconds(lambda: _publish(opened, container, f"{address}/bench:again"))}


@contextlib.contextmanager
def cache_import(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Take a run's results to an empty store, from a directory as CI restores it; beside a copy with its digests."""
    with lab.scratch() as scratch:
        with lab.fresh_store() as store:
            with lab.session(store) as opened:
                for number in range(_LAYERS):
                    _new_layer(opened, lab, number)
            _cache(store, "export", str(scratch / "cache"))

        def ours(_: int) -> float:
            with lab.fresh_store() as taken:
                settle()
                return seconds(lambda: _cache(taken, "import", "--unsigned", str(scratch / "cache")))

        def limit(_: int) -> float:
            line = 'cp -r "$FROM" "$TO/copy"; find "$TO/copy" -type f -print0 | xargs -0 sha256sum'
            with lab.scratch() as target:
                settle()
                return seconds(lambda: bare.shell(line, FROM=str(scratch / "cache"), TO=str(target)))

        yield {OURS: ours, "cp and sha256sum": limit}


def _cache(store: Path, *words: str) -> None:
    argv = [sys.executable, "-I", "-m", "baselard.cli", "cache", *words]
    subprocess.run(argv, check=True, env={**os.environ, "BASELARD_STORE": str(store)}, capture_output=True)


def _new_layer(opened: Client, lab: Lab, number: int) -> str:
    return mounted(opened, lab.layer(number))


def _export(opened: Client, container: str, path: Path, compression: str) -> None:
    opened.ask(loaded(container), f"export(path: {text(str(path))}, forcedCompression: {compression})")


def _publish(opened: Client, container: str, address: str) -> None:
    opened.ask(loaded(container), f"publish(address: {text(address)})")


SCENARIOS = (
    Scenario("export-gzip", "export a new layer, gzip", export_gzip, Goal("ratio", 1), rounds=7),
    Scenario("export-zstd", "export a new layer, zstd", export_zstd, Goal("ratio", 1), rounds=7),
    Scenario("import", "import an archive into an empty store", taken_in, Goal("value", 2), rounds=3),
    Scenario("cache-import", "take over a cache of 400 MB", cache_import, Goal("value", 3), rounds=3),
    Scenario("push", "push a packed image", push, Goal("ratio", 1.1), rounds=5),
    Scenario("push-again", "push what is there already", push_again, Goal("value", 1), rounds=5),
)
