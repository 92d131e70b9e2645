"""What one query cannot show: many at once, clients that leave, what is kept and what is done again."""

import concurrent.futures
import contextlib
import hashlib
import http.server
import json
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import httpx
import pytest

pytestmark = pytest.mark.root

PATIENCE = 30.0


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true while anybody would wait."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@contextlib.contextmanager
def asked(client: Any, query: str) -> Iterator[None]:
    """A client of its own that waits for the answer, and hangs up when the block ends."""
    body = json.dumps({"query": query}).encode()
    head = f"POST /query HTTP/1.1\r\nHost: localhost\r\nAuthorization: {client.http.headers['authorization']}\r\n"
    with socket.create_connection(("127.0.0.1", httpx.URL(client.url).port)) as connection:
        connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        yield


def chain(client: Any, *calls: str) -> str:
    """A query of calls one on the other, beginning at a container with a shell."""
    return "{" + client.busybox + "{".join(calls) + "}" * (len(calls) - 1) + "}}}"


def variable(value: str) -> str:
    return f'withEnvVariable(name:"N",value:"{value}")'


def shell(script: str) -> str:
    return f'withExec(args:["sh","-c","{script}"])'


RANDOM = shell("head -c8 /dev/urandom | md5sum")
"""A command that never says the same twice."""


def leaf(value: Any) -> Any:
    while isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return value


def test_many_queries_at_once(client: Any) -> None:
    queries = [chain(client, variable(f"{i % 10}"), shell("echo $N"), "stdout") for i in range(60)]
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(client.ask, queries))
    assert [leaf(answer["data"]) for answer in answers] == [f"{i % 10}\n" for i in range(60)]


def test_equal_commands_run_once(client: Any) -> None:
    query = chain(client, variable(secrets.token_hex()), RANDOM, "stdout")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = {leaf(answer["data"]) for answer in pool.map(client.ask, [query] * 8)}
    assert len(answers) == 1
    assert leaf(client.ask(query)["data"]) in answers
    another = chain(client, variable(secrets.token_hex()), RANDOM, "stdout")
    assert leaf(client.ask(another)["data"]) not in answers


def test_volatile_values_and_secrets_set_anew_are_no_reason_to_run_again(client: Any) -> None:
    nonce = secrets.token_hex()

    def run(value: str) -> Any:
        secret = leaf(client.ask(f'{{setSecret(name:"{nonce}",plaintext:"{value}"){{id}}}}')["data"])
        inside = (f'withSecretVariable(name:"S",secret:"{secret}")', f'withVolatileVariable(name:"V",value:"{value}")')
        return leaf(client.ask(chain(client, variable(nonce), *inside, RANDOM, "stdout"))["data"])

    assert run("first") == run("second")


def test_a_changed_host_file_is_another_input_only_when_asked_anew(client: Any) -> None:
    path = client.directory / "changing"
    path.write_text("1")
    query = '{host{file(path:"changing"%s){contents}}}'
    assert leaf(client.ask(query % "")["data"]) == "1"
    path.write_text("2")
    assert leaf(client.ask(query % "")["data"]) == "1"
    assert leaf(client.ask(query % ",noCache:true")["data"]) == "2"


def test_a_command_ends_with_the_last_client_that_waits_for_it(client: Any) -> None:
    marker = f"4{secrets.randbelow(10**9):09d}"  # seconds nobody else sleeps
    query = chain(client, f'withExec(args:["sleep","{marker}"])', "stdout")

    def running() -> bool:
        return subprocess.run(["pgrep", "-f", f"sleep {marker}"], capture_output=True, check=False).returncode == 0

    with asked(client, query):
        assert eventually(running)
    assert eventually(lambda: not running())
    assert leaf(client.ask("{version}")["data"])


def test_a_service_is_up_on_this_machine_until_the_client_leaves(client: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    query = chain(
        client,
        'withNewFile(path:"/www/index.html",contents:"up\\n")',
        "withExposedPort(port:8099)",
        'asService(args:["httpd","-f","-p","8099","-h","/www"])',
        f"up(ports:[{{frontend:{port},backend:8099}}])",
    )

    def served() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/", timeout=1, trust_env=False).text == "up\n"
        except httpx.HTTPError:
            return False

    with asked(client, query):
        assert eventually(served)
    assert eventually(lambda: not served())


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers with what was asked for and the credentials, once busy before that."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        busy = self.path == "/busy" and self.asked.count("/busy") == 1
        body = f"{self.path} {self.headers.get('Authorization', '-')}".encode()
        self.send_response(503 if busy else 404 if self.path == "/none" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def pages() -> Iterator[str]:
    Pages.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_downloads(client: Any, pages: str) -> None:
    def fetched(path: str, more: str = "") -> Any:
        return client.ask(f'{{http(url:"{pages}{path}"{more}){{contents}}}}')

    assert leaf(fetched("/a")["data"]) == "/a -"
    assert leaf(fetched("/a")["data"]) == "/a -"
    assert Pages.asked == ["/a"]  # once in a session
    right = hashlib.sha256(b"/b -").hexdigest()
    assert leaf(fetched("/b", f',checksum:"sha256:{right}"')["data"]) == "/b -"
    assert "checksum mismatch" in fetched("/c", f',checksum:"sha256:{right}"')["errors"][0]["message"]
    assert "404" in fetched("/none")["errors"][0]["message"]
    secret = leaf(client.ask('{setSecret(name:"page",plaintext:"Bearer hunter2"){id}}')["data"])
    assert leaf(fetched("/d", f',authHeader:"{secret}"')["data"]) == "/d Bearer hunter2"
    assert leaf(fetched("/busy")["data"]) == "/busy -"
    assert Pages.asked.count("/busy") == 2


@pytest.mark.full
def test_a_file_of_fifty_megabytes_in_a_query(client: Any) -> None:
    answer = client.http.post(
        client.url,
        json={"query": '{directory{withNewFile(path:"a",contents:"%s"){file(path:"a"){size}}}}' % ("y" * (50 << 20))},
        timeout=300,
    )
    assert leaf(answer.json()["data"]) == 50 << 20
