"""What any input may cost: no crash, no hang, no growth."""

import contextlib
import resource
import signal
from collections.abc import Iterator

SECONDS = 5.0
"""Of processor time, so that a busy machine makes no difference."""

_MOST = 300 << 20


class TooLongError(Exception):
    """An input kept the processor busy for longer than any may."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Raise TooLongError in the block after SECONDS, and fail after it if the process has grown by 300 MB."""

    def ring(*_: object) -> None:
        raise TooLongError(f"not done after {SECONDS} s of processor time")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    usual = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, usual)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown < _MOST, f"{grown >> 20} MB more than before"
