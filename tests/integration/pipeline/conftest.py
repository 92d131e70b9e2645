"""A registry with TLS and a password behind a proxy that misbehaves, and images that skopeo put there."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from baselard.oci.registry import connection
from pipeline.registry import client
from tests.registry_servers import PASSWORD, USER, Proxy, Server, running_proxy, running_registry


@dataclass(frozen=True)
class Guarded:
    """``name`` is a repository as seen through the proxy; ``slept`` are the pauses that were asked for, in seconds."""

    server: Server
    proxy: Proxy
    layouts: Path
    slept: list[float]

    @property
    def name(self) -> str:
        return f"{self.proxy.host}/acme/base"

    @property
    def direct(self) -> str:
        """The same repository, past the proxy."""
        return f"{self.server.host}/acme/base"

    def put(self, tag: str, architecture: str = "amd64", text: str = "x") -> None:
        """Push the image that holds this text."""
        place = self.layouts / f"{text}-{architecture}".replace(" ", "-")
        layout = f"{place}:it"
        if not place.exists():
            (self.layouts / "text").write_text(text)
            run("umoci", "init", "--layout", place)
            run("umoci", "new", "--image", layout)
            run("umoci", "config", "--image", layout, "--architecture", architecture, "--os", "linux")
            run("umoci", "insert", "--image", layout, self.layouts / "text", "/text")
        run(
            "skopeo",
            "copy",
            "-q",
            "--dest-creds",
            f"{USER}:{PASSWORD}",
            f"oci:{layout}",
            f"docker://{self.direct}:{tag}",
        )

    def skopeo(self, command: str, tag: str, *more: str) -> str:
        return run("skopeo", command, "--creds", f"{USER}:{PASSWORD}", *more, f"docker://{self.direct}{tag}")


def run(*argv: str | Path) -> str:
    ended = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    """Nobody waits for a pause; it is noted instead."""
    slept: list[float] = []
    patient: Callable[..., connection.Connection] = partial(connection.Connection, sleep=slept.append)
    monkeypatch.setattr(client, "Connection", patient)
    with running_registry(tmp_path / "guarded", tls=True, auth=True) as server, running_proxy(server) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        layouts = tmp_path / "layouts"
        layouts.mkdir()
        yield Guarded(server, proxy, layouts, slept)
