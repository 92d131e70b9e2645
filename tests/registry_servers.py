"""Debian's docker-registry on loopback, and a proxy before it that misbehaves on request."""

import http.client
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.workers import free_port

USER, PASSWORD = "tester", "s3cret"


@dataclass(frozen=True)
class Server:
    """A running registry; ``host`` is how references name it."""

    host: str
    port: int
    certificate: Path | None = None
    user: str = USER
    password: str = PASSWORD


@contextmanager
def running_registry(root: Path, *, tls: bool = False, auth: bool = False, clients: bool = False) -> Iterator[Server]:
    program = shutil.which("docker-registry") or pytest.skip("docker-registry is not installed")
    host, port = (loopback_name() if tls else "localhost"), free_port()
    root.mkdir(parents=True)
    env = {
        "PATH": os.environ["PATH"],
        "REGISTRY_VERSION": "0.1",
        "REGISTRY_HTTP_ADDR": f"127.0.0.1:{port}",
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(root / "data"),
        "REGISTRY_STORAGE_DELETE_ENABLED": "true",
    }
    if tls:
        make_certificate(root, host)
        env |= {"REGISTRY_HTTP_TLS_CERTIFICATE": f"{root}/tls.crt", "REGISTRY_HTTP_TLS_KEY": f"{root}/tls.key"}
    if clients:  # only those with this very certificate
        env["REGISTRY_HTTP_TLS_CLIENTCAS_0"] = f"{root}/tls.crt"
    if auth:
        (root / "htpasswd").write_text(f"{USER}:{bcrypt(PASSWORD)}\n")
        env |= {"REGISTRY_AUTH_HTPASSWD_REALM": "test", "REGISTRY_AUTH_HTPASSWD_PATH": str(root / "htpasswd")}
    (root / "config.yml").write_text(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: /none\n"
    )
    with (root / "log").open("wb") as log:
        child = subprocess.Popen([program, "serve", root / "config.yml"], env=env, stdout=log, stderr=log)
    try:
        wait_for(port, child, root / "log")
        yield Server(f"{host}:{port}", port, root / "tls.crt" if tls else None)
    finally:
        child.terminate()
        child.wait()


def loopback_name() -> str:
    """A name of this machine that is on loopback but is not localhost, for which plain HTTP would be used."""
    name = socket.gethostname()
    try:
        if socket.gethostbyname(name).startswith("127."):
            return name
    except OSError:
        pass
    pytest.skip("this machine's name is not on loopback")


def make_certificate(root: Path, host: str) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}"),
            *("-addext", f"subjectAltName=DNS:{host}", "-keyout", root / "tls.key", "-out", root / "tls.crt"),
        ],
        check=True,
        capture_output=True,
    )


def bcrypt(password: str) -> str:
    program = "print crypt($ARGV[0], q($2y$05$abcdefghijklmnopqrstuu))"
    return subprocess.run(["perl", "-e", program, password], check=True, capture_output=True, text=True).stdout


def wait_for(port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(500):
        if child.poll() is not None:
            raise RuntimeError(f"the registry ended: {log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the registry does not listen")


@dataclass(frozen=True)
class Request:
    """One request that passed the proxy; ``size`` counts the body's bytes."""

    method: str
    path: str
    size: int


Fault = Callable[["http.server.BaseHTTPRequestHandler", bytes], bool]
"""Answers a request in the registry's place; True if it did, False to let it pass."""


@dataclass
class Proxy:
    """Stands before the registry at ``port``, notes every request, and lets ``faults`` answer first."""

    host: str
    port: int
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def answer(self, status: int, **matching: Any) -> None:
        """Have the next requests that fit answered with ``status``."""
        self.faults.append(answer(status, **matching))

    def cut(self, **matching: Any) -> None:
        """Have the next requests that fit cut off."""
        self.faults.append(cut(**matching))

    def count(self, method: str, part: str = "") -> int:
        return sum(request.method == method and part in request.path for request in self.requests)


@contextmanager
def running_proxy(server: Server) -> Iterator[Proxy]:
    """A proxy before ``server``; with the same certificate, where that has one."""
    port = free_port()
    shared = Proxy(f"{server.host.partition(':')[0]}:{port}", server.port)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = (
                self.rfile.read(int(self.headers.get("content-length") or 0))
                if "content-length" in self.headers
                else b""
            )
            shared.requests.append(Request(self.command, self.path, len(body)))
            if any(fault(self, body) for fault in list(shared.faults)):
                return
            forward(self, server, body)

        def __getattr__(self, name: str) -> object:
            """Every method is handled alike; http.server looks for ``do_METHOD``."""
            if name.startswith("do_"):
                return self.handle_any
            raise AttributeError(name)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as listening:
        if server.certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(server.certificate, server.certificate.with_suffix(".key"))
            listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield shared
        finally:
            listening.shutdown()
            thread.join()


def forward(
    handler: http.server.BaseHTTPRequestHandler,
    server: Server,
    body: bytes,
    change: Callable[[bytes], bytes] = bytes,
    piece: float = 0,
) -> None:
    """Pass a request on, and its answer back: changed, and in pieces of 1 KiB with ``piece`` seconds between."""
    backend = connection(server)
    backend.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
    for name, value in handler.headers.items():  # repeated ones too, as skopeo's Accept
        if name.lower() not in ("transfer-encoding", "connection"):
            backend.putheader(name, value)
    backend.endheaders(body)
    reply = backend.getresponse()
    data = change(reply.read())
    handler.send_response(reply.status)
    for name, value in reply.getheaders():
        if name.lower() not in ("transfer-encoding", "connection", "content-length"):
            handler.send_header(name, value)
    length = reply.getheader("content-length") if handler.command == "HEAD" else None
    handler.send_header("content-length", length or str(len(data)))
    handler.end_headers()
    for at in range(0, len(data), 1024 if piece else len(data) or 1):
        handler.wfile.write(data[at : at + 1024] if piece else data)
        handler.wfile.flush()
        time.sleep(piece)
    backend.close()


def connection(server: Server) -> http.client.HTTPConnection:
    """To the registry itself, past the proxy."""
    if server.certificate is None:
        return http.client.HTTPConnection("127.0.0.1", server.port)
    trust = ssl.create_default_context(cafile=str(server.certificate))
    return http.client.HTTPSConnection(server.host.partition(":")[0], server.port, context=trust)


def answer(
    status: int,
    *,
    times: int = 1,
    method: str = "",
    path: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Fault:
    """A fault that answers with ``status`` the first ``times`` requests that fit."""
    left = [times]

    def fault(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> bool:
        if not left[0] or (method and handler.command != method) or path not in handler.path:
            return False
        left[0] -= 1
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return fault


def cut(*, times: int = 1, method: str, path: str = "") -> Fault:
    """A fault that closes the connection instead of answering."""
    left = [times]

    def fault(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> bool:
        if not left[0] or handler.command != method or path not in handler.path:
            return False
        left[0] -= 1
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    return fault


def changed(server: Server, change: Callable[[bytes], bytes], *, times: int, path: str, piece: float = 0) -> Fault:
    """A fault that gives other bytes than the registry's, or gives them slowly."""
    left = [times]

    def fault(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> bool:
        if not left[0] or handler.command != "GET" or path not in handler.path:
            return False
        left[0] -= 1
        forward(handler, server, body, change, piece)
        return True

    return fault
