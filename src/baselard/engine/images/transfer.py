"""Takes results from one store to another: what a run used, as an OCI layout in a directory or in a registry.

The layout's one manifest has the list of results and snapshots as its configuration and, as layers, the snapshots'
own layers and the small blobs that results name (streams). What is at the other end already is not written again.
A signature, an annotation of the manifest, is of the configuration's digest: that names all that is taken.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from baselard.engine.errors import UserError
from baselard.engine.files import bounded, file_bytes
from baselard.engine.images import manifest, publish, signing
from baselard.engine.images.layers import pack, stack
from baselard.engine.images.layers.groups import Group
from baselard.engine.images.manifest import Descriptor, Index, Manifest
from baselard.engine.images.registries import Registries, Say
from baselard.engine.images.writing import Whole, WrittenImage
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store import cachedir, holdings, layer_index, stored, tars
from baselard.engine.store.database import Snapshot, Store
from baselard.engine.store.layer_index import GIVEN, Layer
from baselard.engine.store.snapshots import ancestry
from baselard.oci import digests, media_types
from baselard.oci.reference import Reference

_CONFIG = "application/vnd.baselard.cache.v1+json"
_BLOB = "application/octet-stream"
_LARGEST_CONFIG = 256 << 20
_LARGEST_LAYER = 1 << 44  # bytes, as of one file (images/layers/tar_read.py)


@dataclass(frozen=True)
class Transferred:
    """How much went: results, the snapshots they need, and bytes that were not at the other end before."""

    results: int
    snapshots: int
    size: int


def note_run(store: Store) -> None:
    """Remember that a run begins now, in this store's process; ``last_run`` tells when."""
    _replace(store.root / "last-run", repr(store.started).encode())


def last_run(store: Store) -> float:
    """When the last run began, in seconds as ``time.time``. Raises UserError when there was none in this store."""
    try:
        return float((store.root / "last-run").read_text())
    except (OSError, ValueError) as error:
        raise UserError("nothing was run with this store yet, so there is no cache to export") from error


def export_directory(store: Store, since: float, directory: Path, key: str = "") -> Transferred:
    """Write everything used since the time ``since`` (seconds, as ``time.time``) to an OCI layout in ``directory``.

    It is signed by the private key ``key``, if any. The index is replaced after all it names is there, and what only
    the old one named goes last. Raises UserError when the directory cannot be written.
    """
    whole, counted = _packed(store, since, key)
    blobs = (directory / digests.blob_path(whole.descriptor.digest)).parent
    try:
        blobs.mkdir(parents=True, exist_ok=True)
        cachedir.tag(directory)
        size = sum(_write_blob(store, part, blobs) for part in _parts(whole))
        _replace(directory / digests.blob_path(whole.descriptor.digest), whole.data)
        _replace(directory / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _replace(directory / "index.json", Index((whole.descriptor,)).to_bytes())
        _remove_others(blobs, {digests.parse(part.digest).hex for part in (whole.descriptor, *_parts(whole))})
    except OSError as error:
        raise UserError(f"the cache cannot be written to {directory}: {error.strerror}") from error
    return Transferred(*counted, size)


def export_registry(  # noqa: PLR0913
    store: Store, since: float, registry: Registries, target: Reference, say: Say, *, key: str = ""
) -> Transferred:
    """Push the same to ``target``. Raises RegistryError, HostError."""
    whole, counted = _packed(store, since, key)
    with publish.uploading(store, registry, target, say) as uploads:
        for part in _parts(whole):
            uploads.add(part.digest)
    with registry.repository(target, say) as repository:
        publish.push_manifests(repository, whole, target.tag)
    return Transferred(*counted, sum(uploads.sent))


def import_directory(store: Store, directory: Path, trusted: Sequence[str] | None) -> Transferred:
    """Bring an export from a directory into this store.

    One of the keys ``trusted`` must have signed it, unless that is None. Raises UserError for what is none, is broken,
    or is signed by somebody else.
    """
    try:
        index = manifest.parse(bounded.read(directory / "index.json"), media_types.OCI_INDEX)
    except OSError as error:
        raise UserError(f"{directory} holds no exported cache: {error.strerror}") from error
    if not isinstance(index, Index) or len(index.manifests) != 1:
        raise UserError(f"{directory} holds no exported cache: its index names something else")

    def path(name: str) -> Path:
        return directory / digests.blob_path(digest.checked(name))

    def fetch(part: Descriptor, target: Path) -> None:
        try:
            with open(bounded.opened(path(part.digest)), "rb") as source:
                file_bytes.copy_opened(source.fileno(), os.fspath(target))
        except OSError as error:
            raise UserError(f"{directory} is incomplete: {part.digest}: {error.strerror}") from error

    data = _checked(path(index.manifests[0].digest), index.manifests[0].digest)
    return _restored(store, data, trusted, fetch)


def import_registry(
    store: Store, registry: Registries, source: Reference, say: Say, trusted: Sequence[str] | None
) -> Transferred:
    """Bring an export from a registry into this store. Raises UserError, RegistryError, HostError."""
    with registry.repository(source, say) as repository:
        answer = repository.manifest(source.target)
        if answer is None:
            raise UserError(f"{source}: there is no exported cache of that name")

        def fetch(part: Descriptor, path: Path) -> None:
            with path.open("wb") as file:
                repository.blobs.get(part.digest, file, part.size)

        return _restored(store, answer.body, trusted, fetch)


# giving


def _packed(store: Store, since: float, key: str) -> tuple[Whole, tuple[int, int]]:
    """The manifest of everything used since then, all of its parts blobs in the store, and how much it is."""
    used = holdings.used_since(store, since)
    trees = {tree: store.snapshot(tree) for _, result in used for tree in result.snapshots}
    results = [(key, result) for key, result in used if all(trees[tree] for tree in result.snapshots)]
    needed = {link.id: link for _, result in results for tree in result.snapshots for link in ancestry(trees[tree])}
    listed = [_described(store, needed[number]) for number in sorted(needed)]
    names = sorted({name for _, result in results for name in result.blobs if store.has_blob(name)})
    config = manifest.encode({"results": [(key, result.plain()) for key, result in results], "snapshots": listed})
    store.put_blob([config])
    layers = [Descriptor(media_types.OCI_LAYER, entry["layer"]["digest"], entry["layer"]["size"]) for entry in listed]
    streams = [Descriptor(_BLOB, name, store.blob_path(name).stat().st_size) for name in names]
    parts = tuple({part.digest: part for part in (*layers, *streams)}.values())
    described = manifest.described(_CONFIG, config)
    made = Manifest(described, parts, annotations=signing.annotations(key, described.digest))
    image = WrittenImage(manifest.described(made.media_type, made.to_bytes()), made, made.to_bytes())
    return Whole(image.descriptor, image.data, (image,)), (len(results), len(listed))


def _described(store: Store, link: Snapshot) -> dict[str, Any]:
    given = layer_index.packed(store, link, link.parent, GIVEN)
    known = given or layer_index.packed(store, link, link.parent, "", "zstd")  # who takes it checks it
    layer = known or pack.pack(store, Group(link, link.parent), compression="zstd")
    return {
        "id": link.id,
        "parent": link.parent.id if link.parent else None,
        "layer": asdict(layer),
        "stamp": GIVEN if given else "",
        "bootstrapped": layer_index.bootstrapped(store, link),
        "joined": layer_index.is_joined(store, link),
        "label": store.maker(link),
    }


def _parts(whole: Whole) -> tuple[Descriptor, ...]:
    return (whole.images[0].manifest.config, *whole.images[0].manifest.layers)


def _write_blob(store: Store, part: Descriptor, directory: Path) -> int:
    """Copy a blob unless it is there; says how many bytes were written."""
    target = directory / digests.parse(part.digest).hex
    if target.exists() and target.stat().st_size == part.size:
        return 0
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(store.blob_path(part.digest), temporary)
    temporary.replace(target)
    return part.size


def _remove_others(blobs: Path, wanted: set[str]) -> None:
    """Remove what an earlier export left: a cache that is kept from run to run would grow for ever."""
    for path in blobs.iterdir():
        if path.name not in wanted:
            path.unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


# taking


def _restored(
    store: Store, data: bytes, trusted: Sequence[str] | None, fetch: Callable[[Descriptor, Path], None]
) -> Transferred:
    found = manifest.parse(data)
    if not isinstance(found, Manifest) or found.config.media_type != _CONFIG:
        raise UserError("this is not an exported cache but an image; use Container.from or Container.import for it")
    if trusted is not None:
        signing.require(trusted, found.annotations, found.config.digest)
    parts = {part.digest: part for part in (found.config, *found.layers)}
    with ThreadPoolExecutor(stack.AT_ONCE, "fetch") as pool:
        size = sum(pool.map(lambda part: _fetched(store, part, fetch), parts.values()))
    listed = _read_config(store.blob_path(found.config.digest))
    try:
        with store.transaction():
            trees = _stacked(store, listed["snapshots"])
            _record(store, listed["results"], trees)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"the exported cache is broken: {error}") from error
    return Transferred(len(listed["results"]), len(trees), size)


def _fetched(store: Store, part: Descriptor, fetch: Callable[[Descriptor, Path], None]) -> int:
    if store.has_blob(part.digest):
        return 0
    with store.temp_dir() as work:
        fetch(part, work / "blob")
        _checked(work / "blob", part.digest, read=False)
        store.adopt_blob(work / "blob", part.digest)
    return part.size


def _checked(path: Path, name: str, *, read: bool = True) -> bytes:
    """The bytes of a small file; raises UserError when they are not those of the digest ``name``."""
    try:
        with open(bounded.opened(path), "rb") as file:
            found = digests.of_file(file)
        if found != name:
            raise UserError(f"the exported cache is broken: {name} has the digest {found}")
        return bounded.read(path) if read else b""
    except OSError as error:
        raise UserError(f"the exported cache is incomplete: {name}: {error.strerror}") from error


def _read_config(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST_CONFIG:
        raise UserError("the exported cache's list of results is too large")
    listed = json.loads(path.read_bytes())
    if not isinstance(listed, dict):
        raise UserError("the exported cache's list of results is none")
    return listed


def _stacked(store: Store, listed: Sequence[dict[str, Any]]) -> dict[int, Snapshot]:
    """Record every listed snapshot; those that are new here are unpacked when somebody looks."""
    entries = {entry["id"]: entry for entry in listed}
    parents = {entry["parent"] for entry in listed}
    trees: dict[int, Snapshot] = {}
    for leaf in [number for number in entries if number not in parents]:
        chain = _chain(entries, leaf)
        layers = [_layer(entry["layer"]) for entry in chain]
        below: Snapshot | None = None
        for entry, layer, name in zip(chain, layers, stack.chain_ids([layer.diff_id for layer in layers]), strict=True):
            below = trees.get(entry["id"]) or _snapshot(store, below, entry, layer, name)
            trees[entry["id"]] = below
    return trees


def _snapshot(store: Store, parent: Snapshot | None, entry: dict[str, Any], layer: Layer, chain: str) -> Snapshot:
    """The snapshot of one listed layer on its parent, which may be known here already."""
    if not store.has_blob(layer.digest):
        raise UserError(f"the exported cache is incomplete: {layer.digest} is listed, but not there")
    tree = layer_index.chain_snapshot(store, chain)
    if tree is None:
        tree = tars.add_packed(store, parent, layer)
        layer_index.record_chain(store, chain, tree)
        layer_index.record_layer(store, tree, parent, str(entry["stamp"]), layer)
    store.record([], Result((Value("", tree),)), str(entry["label"]))
    if entry["bootstrapped"]:
        layer_index.record_bootstrapped(store, str(entry["bootstrapped"]), tree)
    if entry.get("joined"):
        layer_index.record_joined(store, tree)
    return tree


def _layer(plain: dict[str, Any]) -> Layer:
    """A listed layer, none of whose parts is taken on trust. Raises UserError, TypeError, ValueError."""
    layer = Layer(**plain)
    digest.checked(layer.digest)
    digest.checked(layer.diff_id)
    if (
        not isinstance(layer.size, int)
        or not 0 <= layer.size < _LARGEST_LAYER
        or not isinstance(layer.compression, str)
    ):
        raise ValueError(f"{plain} is not a layer")
    return layer


def _chain(entries: dict[int, dict[str, Any]], leaf: int) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    number: int | None = leaf
    while number is not None:
        chain.append(entries[number])
        number = entries[number]["parent"]
        if len(chain) > len(entries):
            raise UserError("the exported cache is broken: its snapshots stand on each other in a circle")
    return chain[::-1]


def _record(store: Store, results: Sequence[Any], trees: dict[int, Snapshot]) -> None:
    """Record what this store does not know yet; its own results stay."""
    with store.transaction():
        for key, plain in results:
            if not isinstance(key, str):
                raise TypeError(f"{key!r:.80} is not a key")
            if store.lookup(key) is None:
                result = stored.from_plain(plain)
                values = tuple(Value(name, trees[tree] if tree is not None else None) for name, tree in result.values)
                store.record([key], Result(values, result.data))
