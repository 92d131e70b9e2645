"""Shows work that is no node as a step of its own in the progress display."""

import contextlib
from collections.abc import Callable, Iterator

from baselard.engine.host import process
from baselard.engine.solver.graph import Progress

Say = Callable[[str], None]
"""Tells one line."""


@contextlib.contextmanager
def step(progress: Progress, key: str, label: str) -> Iterator[Say]:
    """A step named ``label`` for as long as the block runs; what is told goes below it."""
    progress.started(key, label)
    try:
        yield lambda line: progress.output(key, process.STDERR, f"{line}\n".encode())
    except BaseException as error:
        progress.finished(key, cached=False, error=str(error) or type(error).__name__)
        raise
    progress.finished(key, cached=False)
