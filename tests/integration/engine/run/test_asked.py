"""A service in another network, asked by the engine: the answer is that one's, not of who has its address here.

Git's own daemon and Python's HTTP server are on both sides, at one address and one port.
"""

import contextlib
import http.server
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from baselard.engine.host import git
from baselard.engine.host.git_command import Access
from baselard.engine.ops import http as downloads
from baselard.engine.run.networks import namespaces
from baselard.engine.run.networks.namespaces import Namespace, Within
from tests.workers import free_port

pytestmark = pytest.mark.root

T = TypeVar("T")
NAME, ADDRESS, MACHINE = "repos", "127.0.0.2", "127.0.0.1"
_GIT = ("git", "-c", "protocol.allow=always", "-c", "user.name=n", "-c", "user.email=e@example.com")


@dataclass(frozen=True)
class Sides:
    """Directories that are served at one port: a service's in ``there``, and those of somebody on this machine."""

    there: Namespace
    port: int
    service: Path
    somebody: Path

    def inside(self, function: Callable[[], T]) -> T:
        return namespaces.inside(self.there, function)

    def access(self, url: str) -> Access:
        return Access(url.format(port=self.port), names={NAME: ADDRESS}, inside=self.inside)


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Sides]:
    there = namespaces.create("there")
    known = Sides(there, free_port(), tmp_path / "service", tmp_path / "somebody")
    known.service.mkdir()
    known.somebody.mkdir()
    yield known
    there.close()


def _here(function: Callable[[], T]) -> T:
    return function()


@pytest.fixture
def daemons(sides: Sides) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for inside, address, root in (
            (sides.inside, ADDRESS, sides.service),
            (_here, ADDRESS, sides.somebody),
            (_here, MACHINE, sides.somebody),
        ):
            stack.enter_context(_daemon(inside, address, sides.port, root))
        yield


@contextlib.contextmanager
def _daemon(inside: Within, address: str, port: int, root: Path) -> Iterator[None]:
    where = (f"--listen={address}", f"--port={port}", f"--base-path={root}", str(root))
    words = ("git", "daemon", "--export-all", "--reuseaddr", "--informative-errors", *where)
    daemon = inside(lambda: subprocess.Popen(words, process_group=0))
    try:
        while daemon.poll() is None:
            with contextlib.suppress(OSError):
                inside(lambda: socket.create_connection((address, port), 1)).close()
                break
            time.sleep(0.02)
        yield
    finally:
        os.killpg(daemon.pid, 15)
        daemon.wait()


def _repository(path: Path, **submodules: tuple[Path, str]) -> None:
    """A repository, its name in its file; submodules are a repository each, and the URL that it is said to have."""
    path.mkdir()
    (path / "file").write_text(path.name)
    run = partial(subprocess.run, check=True, cwd=path, capture_output=True)
    run((*_GIT, "init", "--quiet", "--initial-branch=main"))
    run((*_GIT, "add", "."))
    for name, (source, url) in submodules.items():
        run((*_GIT, "submodule", "--quiet", "add", "--", str(source), name))
        run((*_GIT, "config", "--file=.gitmodules", f"submodule.{name}.url", url))
    run((*_GIT, "commit", "--quiet", "--all", "--message=x"))


def _checked_out(access: Access, into: Path) -> dict[str, str]:
    into.mkdir()
    git.check_out(access, "main", into=into, depth=1, tags=False)
    return {str(path.relative_to(into)): path.read_text() for path in into.rglob("file") if ".git" not in path.parts}


@pytest.mark.usefixtures("daemons")
def test_a_repository_is_the_service_s(sides: Sides, tmp_path: Path) -> None:
    _repository(sides.service / "held")
    _repository(sides.somebody / "kept")
    (sides.somebody / "held").symlink_to("kept")
    held, kept = sides.access(f"git://{NAME}:{{port}}/held"), sides.access(f"git://{MACHINE}:{{port}}/held")
    assert "refs/heads/main" in git.refs(held, cwd=tmp_path).commits
    assert _checked_out(held, tmp_path / "held") == {"file": "held"}
    assert _checked_out(kept, tmp_path / "kept") == {"file": "kept"}


@pytest.mark.usefixtures("daemons")
@pytest.mark.parametrize(("outer", "host"), [("service", NAME), ("somebody", MACHINE)])
def test_each_submodule_is_got_where_it_is(sides: Sides, tmp_path: Path, outer: str, host: str) -> None:
    held, kept = sides.service / "held", sides.somebody / "kept"
    _repository(held)
    _repository(kept)
    urls = {"a *": (held, f"git://{NAME}:{sides.port}/held"), "c": (kept, f"git://{MACHINE}:{sides.port}/kept")}
    _repository(getattr(sides, outer) / "outer", **urls)
    found = _checked_out(sides.access(f"git://{host}:{{port}}/outer"), tmp_path / "into")
    assert found == {"file": "outer", "a */file": "held", "c/file": "kept"}


class _Named(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/on":
            self.send_response(302)
            self.send_header("Location", f"http://{NAME}:{self.headers['Host'].rpartition(':')[2]}/file")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None: ...


@contextlib.contextmanager
def _web(inside: Within, address: str, port: int, root: Path) -> Iterator[None]:
    handler = partial(_Named, directory=str(root))
    with inside(lambda: http.server.ThreadingHTTPServer((address, port), handler)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.mark.parametrize("url", [f"http://{NAME}:{{}}/file", f"http://{MACHINE}:{{}}/on"])
def test_a_download_is_the_service_s(sides: Sides, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where somebody leads on to it. A proxy is for neither (there is none)."""
    (sides.service / "file").write_text("the service's")
    (sides.somebody / "file").write_text("somebody's")
    monkeypatch.setenv("http_proxy", f"http://{MACHINE}:1")
    monkeypatch.setenv("no_proxy", MACHINE)
    known = downloads.Known({NAME: ADDRESS}, sides.inside)
    with (
        _web(sides.inside, ADDRESS, sides.port, sides.service),
        _web(_here, ADDRESS, sides.port, sides.somebody),
        _web(_here, MACHINE, sides.port, sides.somebody),
    ):
        downloads._download(url.format(sides.port), {}, tmp_path / "got", known)
    assert (tmp_path / "got").read_text() == "the service's"
