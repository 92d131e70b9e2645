"""What all tests share: nobody reaches the real store, and markers skip with their reason."""

import argparse
import contextlib
import itertools
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from baselard.engine.errors import HostError
from baselard.engine.store import snapshots
from tests import halves, people, workers

# Not in the checkout, which is a source in some tests: what root kept there could not be read by a plain user.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path.home() / ".cache/hypothesis"))
settings.register_profile("nightly", deadline=None, max_examples=3000)
settings.register_profile("untimed", deadline=None)  # how fast a machine is says nothing about what holds
settings.load_profile("untimed")

# Why a test may be left out where everything that tests need has been installed; each is matched at its beginning.
_FINE_IN_CI = (
    "slow; runs with --full",
    "there is no dagger program here",
    "dockerBuild is Dagger's own there",
    "there is no node or npm here",
    "there is no go here",
    "act cannot be built here",
    "BASELARD_ACTIONS names no directory",  # GitHub's own code, which no machine has by itself
    "there is no Python 3.",  # of the versions that a Dagger engine may use, a machine has some
    "there is no sshd here",  # installing it would open a port of a developer's machine
    "for root alone: ",  # with --as-user
    "root may write everywhere",
    "root may read everything",
    "cosign is not installed",  # it is in no package of Debian, and a build of it takes minutes
    "buildx is not installed",  # nor is it
    "osv-scanner is not installed",  # likewise
    "oras is not installed",
    "regctl is not installed",
    "this skopeo was built without sigstore",  # Debian's is
    "other users may not enter ",  # where the checkout is, nobody but root can run anything
    "there is sudo here",  # the refusal without it has nothing to refuse
    "BASELARD_OFFLINE is set",
    "this machine's name is not on loopback",
    "this kernel mounts no EROFS image from a file",  # before Linux 6.12; layers are unpacked there, as other tests do
)

_NUMBERS = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the slow variants too")
    parser.addoption(
        "--as-user", action="store_true", help="run as a plain user made for it, whose engines are rootless"
    )
    parser.addoption("--half", choices=halves.NAMES, help=argparse.SUPPRESS)
    engines = ("baselard", "dagger")
    parser.addoption(
        "--engine", choices=engines, default="baselard", help="which engine conformance cases are asked of"
    )


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes ``-n auto`` means; one that asks a Dagger engine, and one that shows what tests print."""
    if config.getoption("--engine") == "dagger" or config.getoption("capture") == "no":
        return 0
    return workers.wanted(config.args, len(os.sched_getaffinity(0)))


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Have the same done by others: a plain user's is done in halves; with --as-user, root's by a plain user."""
    arguments = [str(word) for word in config.invocation_params.args]
    if not os.geteuid():
        return people.tested(arguments) if config.getoption("as_user") and not config.getoption("half") else None
    if config.getoption("half"):
        return None
    offer, lacks = halves.offered()
    return None if lacks else halves.run(offer, arguments, config.args)


def pytest_sessionstart() -> None:
    """Before any test has threads, which would stay behind in the namespace of the mounts that are there now.

    A shell ignores Ctrl-C for what it starts in the background, and so would each program that a test interrupts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.geteuid() == 0:
        with contextlib.suppress(HostError):
            snapshots.private_namespace()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: workers.turn(item.nodeid))
    half, reasons = config.getoption("half"), {}
    if half:
        config.hook.pytest_deselected(items=halves.taken(items, half))
    elif os.geteuid():
        reasons["root"] = f"mounts and containers need root, or a user namespace: {halves.offered()[1]}"
    if os.environ.get("BASELARD_OFFLINE"):
        reasons["network"] = "BASELARD_OFFLINE is set"
    if not config.getoption("--full"):
        reasons["full"] = "slow; runs with --full"
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
        root = item.get_closest_marker("root")
        if half and root and root.args:
            item.add_marker(pytest.mark.skip(reason=f"for root alone: {root.args[0]}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped because something is missing has failed: set-up should have brought it."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2].removeprefix("Skipped: ")  # type: ignore[index]
        if not reason.startswith(_FINE_IN_CI):
            report.outcome, report.longrepr = "failed", f"not to be skipped in CI: {reason}"
    return report


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _nobodys_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's for what several tests share, which is made before a test's own places are."""
    with pytest.MonkeyPatch.context() as patch:
        _set_places(patch, tmp_path_factory.mktemp("shared"))
        patch.setenv("BASELARD_NO_DAEMON", "1")
        patch.delenv("BASELARD_ENGINE", raising=False)
        yield


@pytest.fixture(autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store and a cache of this test's own, where the code under test would use the user's.

    Numbered here: pytest's mktemp reads the names of all directories that there are, which are thousands.
    """
    places = tmp_path_factory.getbasetemp() / "places" / str(next(_NUMBERS))
    places.mkdir(parents=True)
    _set_places(monkeypatch, places)


def _set_places(patch: pytest.MonkeyPatch, places: Path) -> None:
    patch.setenv("BASELARD_STORE", str(places / "store"))
    patch.setenv("BASELARD_CACHE", str(places / "cache"))
