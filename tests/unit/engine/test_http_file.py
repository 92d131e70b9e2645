"""What a server answers to a download: each way that is none is one sentence. The server is Python's own."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.dockerfile.plan.copies import is_git
from baselard.engine.api import address, remote
from baselard.engine.errors import EngineError, HostError, UserError
from baselard.engine.ops import http as downloads

pytestmark = pytest.mark.anyio


class _Odd(http.server.BaseHTTPRequestHandler):
    """Answers by what is asked for."""

    def do_GET(self) -> None:
        match self.path:
            case "/itself":
                self._redirected("/itself")
            case "/file":
                self._redirected("file:///etc/passwd")
            case "/nowhere":
                self._redirected("http://[::1")
            case "/cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"x")
            case "/packed":
                self.send_response(200)
                self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(b"no gzip")
            case "/noise":
                self.wfile.write(b"\xff\xfe noise\r\n\r\n")
            case _:
                self.send_response(404, "N\xf6")
                self.end_headers()

    def _redirected(self, where: str) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Odd) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/itself", UserError),
        ("/nowhere", EngineError),
        ("/cut", HostError),
        ("/packed", UserError),
        ("/noise", HostError),
        ("/missing", UserError),
    ],
)
def test_an_odd_answer(server: str, path: str, kind: type[EngineError], tmp_path: Path) -> None:
    with pytest.raises(kind, match=f'^(Get ")?{server}{path}"?[: ]'):
        downloads._download(server + path, {}, tmp_path / "f")


def test_a_way_on_that_is_no_download(server: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='/file": unsupported protocol scheme "file"'):
        downloads._download(f"{server}/file", {}, tmp_path / "f")


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://h:99999/", "http://h:x/", "http://h\0/", "http:///x", "ftp://h/x", "http://" + "a" * 300],
)
def test_an_odd_address(url: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        downloads._download(url, {}, tmp_path / "f")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a\0", "..", "a/b", "n" * 256, "."])
async def test_a_name_that_cannot_be_one(name: str) -> None:
    with pytest.raises(UserError):
        await remote.http(None, url="http://h/x", name=name)


@pytest.mark.parametrize(
    "value", ["tcp://h:99999", "tcp://h:\u0663", "tcp://[::1", "tcp://h:-1", "tcp://h:0", "tcp://:1"]
)
def test_a_service_s_address_that_is_none(value: str) -> None:
    with pytest.raises(UserError):
        address.address_service(None, address.Address(value))


@pytest.mark.parametrize("checksum", ["sha256", "sha256:x", "shake_128:00", "no:00", ":"])
async def test_a_checksum_that_is_none(checksum: str) -> None:
    with pytest.raises(UserError, match="checksum"):
        await remote.http(None, url="http://h/f", checksum=checksum)


def test_a_dockerfile_s_odd_address_is_none_of_git() -> None:
    assert not is_git("http://[x/y.git")
