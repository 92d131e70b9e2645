"""Servers on loopback that answer as a test wants: files over HTTP, repositories over git's own protocol."""

import contextlib
import http.server
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from baselard.engine.run.networks.namespaces import Within
from tests.conformance.dockerfile.serving import wait_for
from tests.workers import free_port

_GIT_DAEMON = "/usr/lib/git-core/git-daemon"
_AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")


@contextlib.contextmanager
def web(
    answer: bytes, headers: Mapping[str, str] | None = None, host: str = "127.0.0.1", inside: Within = lambda act: act()
) -> Iterator[str]:
    """The address of a server that gives ``answer`` for every path, in the network that ``inside`` leads to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in {"content-length": str(len(answer)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    with inside(lambda: http.server.ThreadingHTTPServer((host, 0), Handler)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://{host}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def git_daemon(root: Path) -> Iterator[str]:
    """The address below which the repositories in ``root`` are served."""
    if not Path(_GIT_DAEMON).exists():
        pytest.skip("there is no git daemon here")
    port = free_port()
    options = (f"--base-path={root}", "--export-all", "--listen=127.0.0.1", f"--port={port}", "--reuseaddr")
    with subprocess.Popen((_GIT_DAEMON, *options), stderr=subprocess.DEVNULL) as daemon:
        try:
            wait_for(port)
            yield f"git://127.0.0.1:{port}"
        finally:
            daemon.terminate()


def git(folder: Path, *args: str, **variables: str) -> str:
    """What git says in ``folder``, in an environment of its own."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **variables}
    argv = ["git", "-C", str(folder), *_AUTHOR, *args]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def repository(path: Path, files: Mapping[str, str]) -> Path:
    """A repository with one commit on main."""
    path.mkdir(parents=True, exist_ok=True)
    git(path, "init", "-q", "-b", "main")
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--allow-empty", "-m", "one")
    return path
