"""The resident engine's program: ``python -m baselard.cli.resident PATH``, started by ``baselard.resident.client``."""

import contextlib
import gc
import json
import os
import sys
from typing import TYPE_CHECKING

from baselard.resident import versions

if TYPE_CHECKING:  # nothing is imported before the version is known
    from baselard.resident.becoming import Prepared


def prepare() -> "Prepared":
    """Import what calls need, and have at hand what is the same for all of them."""
    from baselard.cli import entry, places
    from baselard.engine.host import caller, checkout
    from baselard.engine.modules import environment, known, running, source

    own, user, cache = source.load(checkout.MODULE), caller.invoking_user(os.environ), places.cache_root()
    source.hold(own)
    known.hold(own, cache)
    running.start_warm(own, environment.interpreter(own, cache, user), user, cache / "bytecode")
    import encodings.idna  # noqa: F401 -- which a first request loads, as httpcore

    import httpcore  # noqa: F401

    from baselard.cli import (  # noqa: F401  # noqa: F401
        call,
        chain,
        check,
        commands,
        compare,
        displays,
        failed,
        front,
        functions,
        halves,
        help,
        history,
        main,
        parser,
        past,
        plan,
        recording,
        result,
        start,
        streams,
    )
    from baselard.engine.api import served
    from baselard.engine.progress import tree  # noqa: F401 -- that these are imported is all
    from baselard.engine.run.containers import host, runtime
    from baselard.oci.registry import downloads, repository  # noqa: F401 -- most that is built starts from some image
    from baselard.resident import becoming
    from pipeline import here

    here.rehearse()
    host.rehearse()
    runtime.rehearse()
    served.core().load()
    _ = served.core().digest
    gc.collect()
    gc.freeze()  # forks share these pages as long as no collection writes to them
    return becoming.Prepared(entry.run, _told, _learn)


def _told() -> bytes:
    """The queries that a call had to parse."""
    from baselard.engine.api import served

    return json.dumps(served.core().queries.shapes.parsed).encode()


def _learn(told: bytes) -> None:
    """Have them at hand for further calls. Of one that was killed they are not whole."""
    from baselard.engine.api import served

    with contextlib.suppress(ValueError):
        if parsed := json.loads(told):
            served.core().queries.shapes.learn(parsed)
            gc.freeze()


def main(path: str) -> None:
    """Serve at ``path``."""
    version = versions.now()  # before anything else is imported
    from baselard.resident import server

    server.main(path, version, prepare)


if __name__ == "__main__":
    from baselard.cli import resident  # noqa: PLW0406 -- by the name that all else knows it by

    resident.main(sys.argv[1])
