"""``baselard cache``: take the last run's results to another store."""

import contextlib
import sys
import time
from pathlib import Path

from baselard.cli import places, start
from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.images import reference, transfer
from baselard.engine.images.registries import Registry
from baselard.engine.images.transfer import Transferred
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import private_namespace

_USAGE = """Usage: baselard cache export DIRECTORY|REFERENCE
       baselard cache import DIRECTORY|REFERENCE

export writes what the last run used: results and the snapshots they need, compressed, and nothing that is there
already. import brings that into this machine's store; steps that did not change then run nothing.
A name with a registry's host and a tag (ghcr.io/team/cache:main) means a registry, anything else a directory.
"""


def run(argv: list[str]) -> int:
    """Export or import, and say how much went."""
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(_USAGE)
        return 0 if argv else 2
    if len(argv) != 2 or argv[0] not in ("export", "import"):
        raise UserError("baselard cache: write cache export PLACE or cache import PLACE")
    start.require_privilege(["cache", *argv])
    private_namespace()
    began = time.monotonic()
    with contextlib.closing(Store.open(places.store_root())) as store:
        done = (_exported if argv[0] == "export" else _imported)(store, argv[1])
    sys.stdout.write(
        f"{argv[0]}ed {done.results} results and {done.snapshots} snapshots, {done.size / 1e6:.1f} MB new, "
        f"in {time.monotonic() - began:.1f} s\n"
    )
    return 0


def _exported(store: Store, place: str) -> Transferred:
    since = transfer.last_run(store)
    if not is_reference(place):
        return transfer.export_directory(store, since, Path(place))
    return transfer.export_registry(store, since, Registry(), reference.parse(place), _say)


def _imported(store: Store, place: str) -> Transferred:
    if not is_reference(place):
        return transfer.import_directory(merging.snapshots(store), Path(place))
    return transfer.import_registry(merging.snapshots(store), Registry(), reference.parse(place), _say)


def is_reference(place: str) -> bool:
    """Whether ``place`` names a repository of a registry rather than a directory."""
    host, slash, rest = place.partition("/")
    looks_like_host = "." in host.strip(".") or ":" in host or host == "localhost"
    return bool(slash and looks_like_host and ":" in rest) and not Path(place).exists()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
