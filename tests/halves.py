"""A plain user's tests, in two halves: what asks the engine by commands, and what has it in its own process.

The second half is run by root of a user namespace of theirs, as the engine of a plain user is.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.host import rootless, wayout
from baselard.engine.host.rootless import Offer
from baselard.engine.store import deep

NAMES = ("outside", "inside")
_BY_COMMANDS = Path(__file__).with_name("e2e")
_INSIDE = {"_own_mounts", "_namespace"}  # fixtures
_NONE = pytest.ExitCode.NO_TESTS_COLLECTED
_INTERRUPTED = {pytest.ExitCode.INTERRUPTED, 128 + signal.SIGINT}  # the latter before pytest has begun


def offered() -> tuple[Offer, str]:
    """The user namespace that this plain user gets, and "", or why the tests cannot do with it."""
    try:
        found = rootless.offer()
    except HostError as error:
        return Offer(), str(error)
    return found, found.lacks or wayout.lacking()


def taken(items: list[pytest.Item], half: str) -> list[pytest.Item]:
    """Take the other half's out of ``items``; which those are."""
    others = [item for item in items if _is_inside(item) is not (half == "inside")]
    items[:] = [item for item in items if _is_inside(item) is (half == "inside")]
    return others


def _is_inside(item: pytest.Item) -> bool:
    """Whether a test is of the half in the namespace."""
    if item.path.is_relative_to(_BY_COMMANDS):
        return False
    root = item.get_closest_marker("root")
    return not root.args if root else not _INSIDE.isdisjoint(item.fixturenames)  # type: ignore[attr-defined]


def run(offer: Offer, arguments: Sequence[str], chosen: Sequence[str]) -> int:
    """Run pytest with these arguments, which chose these paths, for each half that has tests; the worst exit code."""
    with interrupted_below():
        codes = set() if _by_commands(chosen) else {_inside(offer, arguments)}
        if codes.isdisjoint(_INTERRUPTED):
            codes.add(_pytest("outside", arguments))
    return int(max(codes - {_NONE}, default=_NONE))


def _by_commands(chosen: Sequence[str]) -> bool:
    """Whether no path holds a test of the half in the namespace."""
    return all(Path(word.partition("::")[0]).resolve().is_relative_to(_BY_COMMANDS) for word in chosen)


@contextlib.contextmanager
def interrupted_below() -> Iterator[None]:
    """Inside the block, a Ctrl-C is for what was started alone: pytest ends its own processes, if it is let.

    ``subprocess.run`` would kill it after a quarter of a second.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)  # unlike SIG_IGN, no program that is started inherits it
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _pytest(half: str, arguments: Sequence[str]) -> int:
    code = subprocess.run([sys.executable, "-m", "pytest", f"--half={half}", *arguments], check=False).returncode
    return code if code >= 0 else 128 - code


def _inside(offer: Offer, arguments: Sequence[str]) -> int:
    """What is left there belongs to others of the namespace, so that only a process in it removes it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        code = _in_namespace(offer, arguments)
    finally:
        os._exit(code)


def _in_namespace(offer: Offer, arguments: Sequence[str]) -> int:
    user = os.geteuid()
    rootless.enter(offer)
    place = tempfile.mkdtemp(prefix="in-")
    Path(place).chmod(0o711)
    os.environ |= {"TMPDIR": place, "BASELARD_RUN": f"{place}/run", "_CONTAINERS_ROOTLESS_UID": str(user)}  # skopeo's
    try:
        return _pytest("inside", [f"--basetemp={place}/t", *arguments])
    finally:
        deep.remove(Path(place))
