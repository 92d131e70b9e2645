"""Services through the API of a real session, and what the session leaves behind when it ends."""

import contextlib
import http.client
import json
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from baselard.engine.host import process
from baselard.engine.store import ids
from tests.workers import free_port

pytestmark = pytest.mark.root


def of_service(given: str, step: str) -> str:
    return f'{{node(id:"{given}"){{... on Service{{{step}}}}}}}'


@pytest.fixture
def web(client, image):
    line = "mkdir -p /w; echo served > /w/index.html; exec httpd -f -p 8080 -h /w"
    start = f'withDefaultArgs(args:["sh","-c","{line}"])'
    return client.value(*image, start, "withExposedPort(port:8080)", "asService", "id")


def test_a_service_by_its_endpoint(client, web):
    client.get(of_service(web, "start"))
    host = client.get(of_service(web, "hostname"))
    assert client.get(of_service(web, 'endpoint(scheme:"http")')) == f"http://{host}:8080"
    client.get(of_service(web, "stop"))


def test_a_tunnel_and_up(client, web):
    tunnel = client.value("host", f'tunnel(service:"{web}")', "id")
    client.get(of_service(tunnel, "start"))
    endpoint = client.get(of_service(tunnel, 'endpoint(scheme:"http")'))
    with urllib.request.urlopen(endpoint, timeout=10) as page:
        assert page.read() == b"served\n"
    port = free_port()
    query = of_service(web, f"up(ports:[{{frontend:{port},backend:8080}}])")
    threading.Thread(target=_quietly, args=(client.ask, query), daemon=True).start()
    assert _eventually(f"http://127.0.0.1:{port}") == b"served\n"


def test_up_lasts_as_long_as_its_request(client, image):
    serve = 'withExposedPort(port:8080){up(args:["httpd","-f","-p","8080","-h","/bin"],random:true)}'
    connection = http.client.HTTPConnection("127.0.0.1", client.address["port"])
    query = client.chain(*image[:-1], f"{image[-1]}{{{serve}}}")
    connection.request("POST", "/query", json.dumps({"query": query}), client.headers)
    told = _eventually_in(client.run.parent / "log", r"localhost:(\d+) \(TCP\) leads to \w+:8080")
    url = f"http://127.0.0.2:{told}/sh"  # it listens on every address of the machine
    with urllib.request.urlopen(url, timeout=10) as page:
        assert page.status == 200
    connection.close()
    deadline = time.monotonic() + 20
    while _connects(int(told)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_up_on_a_taken_port_says_so_at_once(client, web):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        (error,) = client.ask(of_service(web, f"up(ports:[{{frontend:{port},backend:8080}}])"))["errors"]
    assert f"port {port} of this machine cannot be used: Address already in use" in error["message"]


def _eventually_in(log: Path, pattern: str) -> str:
    """What the pattern's group is in the log, once it is there."""
    deadline = time.monotonic() + 20
    while not (found := re.search(pattern, log.read_text())):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return found[1]


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def _quietly(ask, query) -> None:
    with contextlib.suppress(OSError):  # the session ends first
        ask(query)


def _eventually(url: str) -> bytes:
    """The page, once somebody serves it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                return page.read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def test_an_early_exit_is_an_exec_error(client, image):
    start = 'withDefaultArgs(args:["sh","-c","echo no database >&2; exit 9"])'
    answer = client.ask(of_service(client.value(*image, start, "withExposedPort(port:1)", "asService", "id"), "start"))
    (error,) = answer["errors"]
    assert error["extensions"]["_type"] == "EXEC_ERROR"
    assert (error["extensions"]["exitCode"], error["extensions"]["stderr"]) == (9, "no database\n")


def test_publish_to_and_start_from_a_registry_that_is_a_service(client, image, tmp_path):
    program = shutil.which("docker-registry") or pytest.skip("docker-registry is not installed")
    port = free_port()
    (tmp_path / "config.yml").write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}/data\nhttp:\n  addr: 127.0.0.1:{port}\n"
    )
    with (tmp_path / "registry.log").open("wb") as log:
        child = subprocess.Popen([program, "serve", str(tmp_path / "config.yml")], stdout=log, stderr=log)
    try:
        _eventually(f"http://127.0.0.1:{port}/v2/")
        ports = f"ports:[{{frontend:5000,backend:{port}}}]"
        registry = client.value("host", f'service({ports},host:"127.0.0.1")', "id")
        through = f'registryService:"{registry}"'
        label = 'withLabel(name:"made",value:"here")'
        name = "registry.internal:5000/team/app:v1"
        published = client.value(*image, label, f'publish(address:"{name}",{through})')
        assert published.startswith(f"{name}@sha256:")
        found = client.value("container", f'from(address:"{published}",{through})', 'label(name:"made")')
        assert found == "here"
        said = 'withExec(args:["echo","from the registry"])'
        asked = client.chain("container", f'from(address:"{name}",{through})', said, "stdout")
        assert client.get(asked) == "from the registry\n"
    finally:
        child.terminate()
        child.wait()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, None])
def test_a_session_that_ends_takes_all_along(client, image, web, end):
    bound = f'withServiceBinding(alias:"web",service:"{web}")'
    fetched = 'withExec(args:["wget","-qO-","http://web:8080/"])'
    assert client.value(*image, bound, fetched, "stdout") == "served\n"
    marker = f"5{secrets.randbelow(10**9):09d}"  # seconds nobody else sleeps
    query = client.chain(*image, f'withExec(args:["sleep","{marker}"])', "stdout")
    threading.Thread(target=_quietly, args=(client.ask, query), daemon=True).start()
    while not _running(f"sleep\0{marker}"):
        time.sleep(0.02)
    (name,) = [path.name for path in client.run.iterdir() if path.is_dir()]
    if end:
        client.child.send_signal(end)
        assert client.child.wait(30) == 0
    else:
        client.child.stdin.close()
        assert client.child.wait(30) == 0
    assert not _running(f"sleep\0{marker}")
    assert f"bsl-{name}" not in process.run(["ip", "-oneline", "link"]).stdout.decode()
    if ids.are_all():  # else its bridge was in a namespace of its own
        assert name not in process.run(["iptables-save"]).stdout.decode()
    assert [path.name for path in client.run.iterdir()] == ["all"]


def _running(words: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().decode(errors="replace").startswith(words):
                return True
        except OSError:
            continue
    return False
