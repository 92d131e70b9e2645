"""A process that packs, pushes, pulls and unpacks, to be killed or starved by test_image_crashes.

Usage: image_work.py STORE ADDRESS. The digest is printed at the end; the exit code is 7 for an error with a message.
"""

import os
import random
import sys
from pathlib import Path

from baselard.engine.errors import EngineError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import publish, pull, reference
from baselard.engine.images.registries import Registries
from baselard.engine.images.writing import Format, Variant
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store.database import Snapshot, Store
from baselard.oci.image_config import ImageConfig

LAYERS, FILES, SIZE = 4, 30, 60_000


def main(root: str, address: str) -> None:
    """Make the tree unless it is recorded, push it, forget where it came from, pull it, record that."""
    store = Store.open(Path(root))
    store.clean()
    target = reference.parse(address)
    variant = Variant(_tree(store), ImageConfig(platforms.parse("linux/amd64")))
    pushed, _ = publish.publish(store, Registries(), target, [variant], form=Format(), say=print)
    found = pull.resolve(Registries(), target, platforms.parse("linux/amd64"), print)
    pulled = pull.pull(merging.snapshots(store), Registries(), found, print)
    store.record(["pulled"], Result((Value(found.reference.digest, pulled),)))
    store.close()
    print(pushed.digest)


def _tree(store: Store) -> Snapshot:
    """Always the same files."""
    source = random.Random(1)
    tree: Snapshot | None = None
    for layer in range(LAYERS):
        content = [source.randbytes(SIZE) for _ in range(FILES)]
        if known := store.lookup(f"layer {layer}"):
            tree = known.values[0].tree  # type: ignore[assignment]
            continue
        with merging.snapshots(store).layer(tree) as draft:
            for number, data in enumerate(content):
                path = draft.path / f"{layer}-{number}"
                path.write_bytes(data)
                os.utime(path, (1, 1))
            os.utime(draft.path, (1, 1))
            tree = draft.commit()
        store.record([f"layer {layer}"], Result((Value(f"layer {layer}", tree),)))
    assert tree is not None
    return tree


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (EngineError, OSError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(7)
