"""What counts as a registry that cannot be reached, asked of real sockets."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from baselard.engine.images import reference, registries
from baselard.engine.images.registries import Registries

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextlib.contextmanager
def listener(answer: bytes | None) -> Iterator[tuple[int, list[int]]]:
    """A server on loopback that answers each connection with ``answer``, or never; counts connections."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        open_ones = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    seen.append(1)
                    open_ones.append(client)
                    if answer is not None:
                        client.recv(4096)
                        client.sendall(answer)
                        client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], seen
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for client in open_ones:
            client.close()


@pytest.mark.parametrize("status", [b"200 OK", b"401 Unauthorized", b"404 Not Found", b"503 Busy"])
async def test_any_answer_means_reached(status: bytes) -> None:
    with listener(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n") as (port, _):
        assert await Registries().trouble(reference.parse(f"localhost:{port}/x")) == ""


async def test_whether_one_is_reached_is_asked_without_reading_all_trusted_certificates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes longer than all else that a call does whose results are known."""
    for way in ("load_verify_locations", "load_default_certs"):
        monkeypatch.setattr(ssl.SSLContext, way, lambda *_, **__: pytest.fail("read"))
    assert "cannot be resolved" in await Registries().trouble(reference.parse("registry.invalid/x"))


async def test_a_refused_connection_is_noticed_and_asked_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    session = Registries()
    first = await session.trouble(reference.parse(f"127.0.0.1:{port}/x"))
    assert "refused" in first
    with contextlib.suppress(OSError), listener(None):
        assert await session.trouble(reference.parse(f"127.0.0.1:{port}/y")) == first


async def test_an_unknown_name_is_noticed() -> None:
    assert "cannot be resolved" in await Registries().trouble(reference.parse("registry.invalid/x"))


async def test_a_registry_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries, "REACH", 0.2)
    with listener(None) as (port, seen):
        session = Registries()
        assert "did not answer" in await session.trouble(reference.parse(f"127.0.0.1:{port}/x"))
        await session.trouble(reference.parse(f"127.0.0.1:{port}/other"))
        assert len(seen) < 2, "one that hung is not asked again"
