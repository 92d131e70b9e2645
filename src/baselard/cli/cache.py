"""``baselard cache``: take the last run's results to another store."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from baselard.cli import places, start
from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.images import reference, signing, transfer
from baselard.engine.images.layers.packed import unpack
from baselard.engine.images.layers.stack import settle_indexed
from baselard.engine.images.registries import Registries
from baselard.engine.images.transfer import Transferred
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import private_namespace
from baselard.oci.reference import is_host

_SIGNING, _PUBLIC = "BASELARD_CACHE_SIGNING_KEY", "BASELARD_CACHE_PUBLIC_KEY"


def run(way: str, place: str, line: Sequence[str], *, unsigned: bool) -> int:
    """Export or import, and say how much went. Raises EngineError.

    ``unsigned`` takes what anybody may have written; ``line`` is the command line, to become root with.
    """
    if unsigned and way == "export":
        raise UserError("baselard cache: --unsigned is for import; without a key an export is not signed anyway")
    start.require_privilege(line)
    key = (*_keys(_SIGNING), "")[0]
    trusted = None if unsigned or way == "export" else _trusted()
    private_namespace()
    began = time.monotonic()
    with contextlib.closing(Store.open(places.store_root(), unpack)) as store:
        settle_indexed(merging.snapshots(store))
        done = _exported(store, place, key) if way == "export" else _imported(store, place, trusted)
    sys.stdout.write(
        f"{way}ed {done.results} results and {done.snapshots} snapshots, {done.size / 1e6:.1f} MB new, "
        f"in {time.monotonic() - began:.1f} s\n"
    )
    return 0


def _exported(store: Store, place: str, key: str) -> Transferred:
    since = transfer.last_run(store)
    if not is_reference(place):
        return transfer.export_directory(store, since, Path(place), key)
    return transfer.export_registry(store, since, Registries(), reference.parse(place), _say, key=key)


def _imported(store: Store, place: str, trusted: Sequence[str] | None) -> Transferred:
    if not is_reference(place):
        return transfer.import_directory(store, Path(place), trusted)
    return transfer.import_registry(store, Registries(), reference.parse(place), _say, trusted)


def _trusted() -> Sequence[str]:
    """The keys one of which must have signed. Raises UserError when none is set."""
    if trusted := _keys(_PUBLIC) or _keys(_SIGNING):
        return trusted
    raise UserError(
        "whoever wrote a cache decides what its steps made: "
        f"set {_PUBLIC} to the key that has to have signed it, or say --unsigned to take it from anybody"
    )


def _keys(name: str) -> tuple[str, ...]:
    return signing.keys(os.environ[name], name) if os.environ.get(name) else ()


def is_reference(place: str) -> bool:
    """Whether ``place`` names a repository of a registry rather than a directory."""
    first, _, rest = place.partition("/")
    return ":" in rest and is_host(first) and not first.startswith(".") and not Path(place).exists()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
