"""How many namespaces a session makes: each costs two programs, beside the first container's start."""

import contextlib
import itertools
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest

from baselard.engine.run.networks import bridges, namespaces
from baselard.engine.run.networks.namespaces import Namespace
from baselard.engine.run.networks.network import Network


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Namespace]:
    """Those that are made, of nothing but a file."""
    known: list[Namespace] = []
    numbers = itertools.count()  # several threads make some

    def make(_: Network) -> Namespace:
        fd, sockets = (os.open(os.devnull, os.O_RDONLY) for _ in range(2))
        one = Namespace(fd, f"n{next(numbers)}", sockets, "10.64.0.2")
        known.append(one)
        return one

    monkeypatch.setattr(Network, "_make", make)
    monkeypatch.setattr(namespaces, "is_pristine", lambda _: True)
    monkeypatch.setattr(bridges, "tear_down", lambda _: None)
    return known


@pytest.fixture
def network() -> Iterator[Network]:
    known = Network(cast(Any, None), print)
    yield known
    known.close()


def filled(network: Network) -> int:
    """The namespaces that are ready, once no more are made."""
    if network._filler:
        network._filler.join()
    return len(network._free)


def test_containers_one_after_the_other_share_one(network: Network, made: list[Namespace]) -> None:
    for _ in range(5):
        with network.lease():
            assert filled(network) == 0
    assert len(made) == 1


def test_more_are_ready_the_more_were_lacking(network: Network, made: list[Namespace]) -> None:
    ready = []
    with network.lease():
        ready.append(filled(network))
        with network.lease():
            ready.append(filled(network))
            with network.lease(), network.lease():
                ready.append(filled(network))
    assert ready == [0, 1, 2]
    assert len(made) == 6


def test_there_is_an_end_to_it(network: Network, made: list[Namespace]) -> None:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(network.lease()) for _ in range(40)]
        assert filled(network) <= 3
        assert len({namespace.name for namespace in taken}) == len(taken) <= len(made)
