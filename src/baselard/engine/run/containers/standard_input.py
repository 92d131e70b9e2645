"""A program's standard input as a pipe, whatever it comes from.

crun hands its own on to the program, and makes it that user's: the host's /dev/null, or a file of a tree, must not be.
"""

import contextlib
import io
import os
import select
import shutil
import threading
from collections.abc import Iterator
from typing import IO

from baselard.engine.host.process import Input


@contextlib.contextmanager
def piped(source: Input) -> Iterator[IO[bytes]]:
    """The end to read from; the other is fed, and closed, by a thread that ends with the block.

    A few bytes need none: a pipe takes so many at once (pipe(7), PIPE_BUF).
    """
    reading, writing = os.pipe()
    if isinstance(source, bytes) and len(source) <= select.PIPE_BUF:
        _feed(source, writing)
        with os.fdopen(reading, "rb") as end:
            yield end
        return
    thread = threading.Thread(target=_feed, args=(source, writing), name="stdin", daemon=True)
    thread.start()
    try:
        with os.fdopen(reading, "rb") as end:
            yield end
    finally:
        thread.join()


def _feed(source: Input, writing: int) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb", buffering=0) as end:
        shutil.copyfileobj(io.BytesIO(source) if isinstance(source, bytes) else source, end)
