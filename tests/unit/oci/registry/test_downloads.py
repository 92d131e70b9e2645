"""Several blobs at once, against registries played in memory; the rules for digest and size are descriptor.md's."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from baselard.oci.errors import DistributionError, RefusedError
from baselard.oci.registry import downloads
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.downloads import Downloads
from baselard.oci.registry.repository import Repository

Play = Callable[[httpx.Request], httpx.Response]
BODIES = [bytes([number]) * 1000 for number in range(9)]
NAMES = ["sha256:" + hashlib.sha256(body).hexdigest() for body in BODIES]


def repository(play: Play, **more: Any) -> Repository:
    transport = httpx.MockTransport(play)
    return Repository(Connection("https://reg.example", transport=transport, sleep=lambda _: None, **more), "app")


def served(request: httpx.Request) -> httpx.Response:
    name = request.url.path.rpartition("/")[2]
    return httpx.Response(200, stream=httpx.ByteStream(BODIES[NAMES.index(name)]))


def test_as_many_at_once_as_allowed_and_each_waited_for_on_its_own(tmp_path: Path) -> None:
    """The first few meet at a barrier, which they could not if they came one after the other."""
    meet = threading.Barrier(downloads.AT_ONCE)
    under_way, most = threading.Semaphore(downloads.AT_ONCE), []

    def play(request: httpx.Request) -> httpx.Response:
        most.append(under_way.acquire(blocking=False))
        try:
            if request.url.path.rpartition("/")[2] in NAMES[: downloads.AT_ONCE]:
                meet.wait(timeout=30)
            return served(request)
        finally:
            under_way.release()

    with Downloads(repository(play), tmp_path) as under:
        waits = [under.add(name, 1000) for name in NAMES]
        assert [wait.result().read_bytes() for wait in reversed(waits)] == BODIES[::-1]
    assert most == [True] * len(NAMES)


def test_a_blob_that_is_there_or_under_way_is_asked_for_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def play(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return served(request)

    for _ in range(2):
        with Downloads(repository(play), tmp_path) as under:
            assert under.add(NAMES[0], 1000).result() == under.add(NAMES[0], 1000).result()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("size", "said"), [(999, "more than the 999 bytes"), (1001, "1000 bytes, but its manifest says 1001")]
)
def test_another_size_than_the_manifest_s_is_refused(tmp_path: Path, size: int, said: str) -> None:
    with pytest.raises(DistributionError, match=said), Downloads(repository(served), tmp_path) as under:
        under.add(NAMES[0], size).result()
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".part"]


def test_an_error_ends_what_is_under_way(tmp_path: Path) -> None:
    """The second download goes on for ever, until the first one's refusal has its connection aborted."""
    begun = threading.Event()

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            while True:
                begun.set()
                yield b"x"

    def play(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(NAMES[0]):
            assert begun.wait(30)
            return httpx.Response(404)
        return httpx.Response(200, stream=Endless())

    with pytest.raises(RefusedError, match="404"), Downloads(repository(play), tmp_path) as under:
        first = under.add(NAMES[0], 1000)
        under.add(NAMES[1], 1 << 40)
        first.result()
