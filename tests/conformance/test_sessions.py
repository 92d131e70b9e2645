"""What one query cannot show: many at once, clients that leave, what is kept and what is done again."""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.server
import json
import os
import secrets
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from tests.workers import free_port

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


def test_volatile_values_are_no_reason_to_run_again_another_secret_is(client: Any) -> None:
    nonce = secrets.token_hex()

    def run(plaintext: str, value: str) -> Any:
        secret = leaf(client.ask(f'{{setSecret(name:"{nonce}",plaintext:"{plaintext}"){{id}}}}')["data"])
        inside = (f'withSecretVariable(name:"S",secret:"{secret}")', f'withVolatileVariable(name:"V",value:"{value}")')
        return leaf(client.ask(chain(client, variable(nonce), *inside, RANDOM, "stdout"))["data"])

    first = run("one", "first")
    assert run("one", "second") == first
    assert run("two", "first") != first


def test_a_changed_host_file_is_another_input_only_when_asked_anew(client: Any) -> None:
    path = client.directory / "changing"
    path.write_text("1")
    query = '{host{file(path:"changing"%s){contents}}}'
    assert leaf(client.ask(query % "")["data"]) == "1"
    path.write_text("2")
    assert leaf(client.ask(query % "")["data"]) == "1"
    assert leaf(client.ask(query % ",noCache:true")["data"]) == "2"


def test_a_mounted_part_of_a_host_directory_counts_alone(client: Any) -> None:
    """As on a Dagger engine, which was asked the same: what lies around it does not count, nor where it lies."""
    root = client.directory / secrets.token_hex(4)
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        (root / name / "x").write_text(root.name)

    def part(name: str) -> Any:
        inner = f'directory(path:"{root.name}",noCache:true){{directory(path:"{name}"){{id}}}}'
        return leaf(client.ask(f"{{host{{{inner}}}}}")["data"])

    def ran(name: str, script: str = "head -c8 /dev/urandom | md5sum") -> Any:
        mounted = f'withMountedDirectory(path:"/m",source:"{part(name)}")'
        return leaf(client.ask(chain(client, mounted, shell(script), "stdout"))["data"])

    first, written = ran("a"), ran("a", "head -c8 /dev/urandom | md5sum | tee /m/new")
    assert ran("b") == first
    (root / "beside").write_text("another")
    os.utime(root / "a/x", (1, 1))
    assert ran("a") == first
    assert ran("a", "head -c8 /dev/urandom | md5sum | tee /m/new") == written
    (root / "a/x").write_text("changed")
    assert ran("a") != first
    assert not (root / "a/new").exists()


def test_copies_of_equal_parts_are_one_wherever_they_lay(client: Any) -> None:
    """As in Dagger's TestNestedExec, caching; a file's name counts, since a copy into a directory keeps it."""
    root = client.directory / secrets.token_hex(4)
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        (root / name / "x").write_text(root.name)

    def ran(copied: str) -> Any:
        inner = f'directory(path:"{root.name}",noCache:true){{{copied}{{id}}}}'
        given = leaf(client.ask(f"{{host{{{inner}}}}}")["data"])
        kind = "File" if copied.startswith("file") else "Directory"
        return leaf(client.ask(chain(client, f'with{kind}(path:"/m/",source:"{given}")', RANDOM, "stdout"))["data"])

    assert ran('directory(path:"a")') == ran('directory(path:"b")')
    assert ran('file(path:"a/x")') == ran('file(path:"b/x")')
    (root / "b/y").write_text(root.name)
    assert ran('file(path:"a/x")') != ran('file(path:"b/y")')
    assert ran('directory(path:"a")') != ran('directory(path:"b")')


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
    port = free_port()
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


def test_a_service_that_heeds_no_sigterm_serves_until_it_is_killed(client: Any) -> None:
    """As on a Dagger engine, which was asked the same; core/integration/services_test.go, TestStartStopKill."""
    line = "trap 'echo heard > /www/page' TERM; httpd -p 8097 -h /www; while true; do sleep 0.1; done"
    made = 'withNewFile(path:"/www/page",contents:"up\\n")', "withExposedPort(port:8097)"
    service = leaf(client.ask(chain(client, *made, f'asService(args:["sh","-c","{line}"])', "id"))["data"])

    def asked_of_it(field: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.ask(f'{{node(id:"{service}"){{... on Service{{{field}}}}}}}')
        return answer

    def page() -> Any:
        address = leaf(asked_of_it('endpoint(scheme:"http")')["data"])
        return client.ask(chain(client, variable(secrets.token_hex()), shell(f"wget -qO- {address}/page"), "stdout"))

    assert "errors" not in asked_of_it("start")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(asked_of_it, "stop")
        try:
            assert eventually(lambda: leaf(page()["data"]) == "heard\n")
            assert not stopped.done()
        finally:
            killed = asked_of_it("stop(kill:true)")
        assert "errors" not in killed
        assert "errors" not in stopped.result()
    assert page()["errors"]


def loaded(client: Any, kind: str, given: str, fields: str) -> Any:
    return client.ask(f'{{node(id:"{given}"){{... on {kind}{{{fields}}}}}}}')


def test_ids_work_in_another_session(client: Any, another: Any) -> None:
    """As on a Dagger engine; core/integration/cross_session_test.go and others of the suite load them so."""
    made = 'withNewFile(path:"a/b",contents:"1"){'
    directory = leaf(client.ask(f"{{directory{{{made}id}}}}}}")["data"])
    file = leaf(client.ask(f'{{directory{{{made}file(path:"a/b"){{id}}}}}}}}')["data"])
    cache = leaf(client.ask('{cacheVolume(key:"between-sessions"){id}}')["data"])
    mounted = f'withMountedCache(path:"/c",cache:"{cache}")', f'withDirectory(path:"/d",source:"{directory}")'
    container = leaf(client.ask(chain(client, variable("1"), *mounted, shell("cat /d/a/b > /c/x"), "id"))["data"])
    host = leaf(client.ask('{host{directory(path:"busybox/etc"){id}}}')["data"])
    assert leaf(loaded(another, "Directory", directory, "entries")["data"]) == ["a/"]
    assert leaf(loaded(another, "File", file, "contents")["data"]) == "1"
    assert leaf(loaded(another, "Directory", host, "entries")["data"]) == ["group", "passwd"]
    run = 'withExec(args:["cat","/d/a/b","/c/x"]){stdout}'
    assert leaf(loaded(another, "Container", container, run)["data"]) == "11"
    given = f'withMountedCache(path:"/c",cache:"{cache}")', shell("cat /c/x"), "stdout"
    assert leaf(another.ask(chain(another, *given))["data"]) == "1"


def test_secrets_do_not_work_in_another_session(client: Any, another: Any) -> None:
    mine = secret(client, "mine-alone", "hunter2")
    assert loaded(another, "Secret", mine, "plaintext")["errors"]
    given = leaf(client.ask(chain(client, f'withSecretVariable(name:"S",secret:"{mine}")', "id"))["data"])
    answer = loaded(another, "Container", given, 'withExec(args:["sh","-c","echo $S"]){stdout}')
    assert answer["errors"] and "hunter2" not in json.dumps(answer)
    store = client.directory.parent / "store"
    assert all(b"hunter2" not in path.read_bytes() for path in store.glob("store.db*"))


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


def secret(client: Any, name: str, value: str) -> str:
    return str(leaf(client.ask(f'{{setSecret(name:"{name}",plaintext:"{value}"){{id}}}}')["data"]))


def test_downloads(client: Any, pages: str) -> None:
    def fetched(path: str, more: str = "") -> Any:
        return client.ask(f'{{http(url:"{pages}{path}"{more}){{contents}}}}')

    assert leaf(fetched("/a")["data"]) == "/a -"
    assert leaf(fetched("/a")["data"]) == "/a -"
    assert Pages.asked == ["/a"]  # once in a session
    right = hashlib.sha256(b"/b -").hexdigest()
    assert leaf(fetched("/b", f',checksum:"sha256:{right}"')["data"]) == "/b -"
    assert (
        "http checksum mismatch: expected sha256:"
        in fetched("/c", f',checksum:"sha256:{right}"')["errors"][0]["message"]
    )
    assert "invalid response status 404" in fetched("/none")["errors"][0]["message"]
    plain, ending, lines = (
        secret(client, name, value)
        for name, value in [("page", "Bearer hunter2"), ("line", "Bearer h\\r\\n"), ("lines", "Bearer h\\nCookie: c")]
    )
    assert leaf(fetched("/d", f',authHeader:"{plain}"')["data"]) == "/d Bearer hunter2"
    assert leaf(fetched("/e", f',authHeader:"{ending}"')["data"]) == "/e Bearer h"
    assert "more than one line" in fetched("/f", f',authHeader:"{lines}"')["errors"][0]["message"]
    assert leaf(fetched("/busy")["data"]) == "/busy -"
    assert Pages.asked.count("/busy") == 2


@pytest.mark.parametrize(("more", "ending"), [("", "+gzip"), (",forcedCompression:Uncompressed", "")])
def test_an_exported_image_is_compressed_as_a_published_one(client: Any, more: str, ending: str) -> None:
    """Dagger's export takes the layers as they are, else gzip (core/container.go)."""
    image = client.directory / f"image{ending}.tar"
    assert leaf(client.ask(chain(client, f'export(path:"{image}"{more})'))["data"]) == str(image)
    with tarfile.open(image) as archive:

        def read(digest: str) -> Any:
            return json.load(archive.extractfile(f"blobs/{digest.replace(':', '/')}"))

        (described,) = json.load(archive.extractfile("index.json"))["manifests"]
        layers = read(described["digest"])["layers"]
    kinds = [layer["mediaType"] for layer in layers]
    assert kinds == [f"application/vnd.oci.image.layer.v1.tar{ending}"]


@pytest.mark.full
def test_a_file_of_fifty_megabytes_in_a_query(client: Any) -> None:
    answer = client.http.post(
        client.url,
        json={"query": '{directory{withNewFile(path:"a",contents:"%s"){file(path:"a"){size}}}}' % ("y" * (50 << 20))},
        timeout=300,
    )
    assert leaf(answer.json()["data"]) == 50 << 20


class Repositories(http.server.BaseHTTPRequestHandler):
    """Git's own server over HTTP (git-http-backend), for whoever knows the token, if one is wanted."""

    root: ClassVar[str] = ""
    wanted: ClassVar[str | None] = None

    def do_GET(self) -> None:
        if self.wanted and self.headers.get("Authorization") != self.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sent = {"CONTENT_TYPE": self.headers.get("Content-Type", ""), "REQUEST_METHOD": self.command}
        sent |= {"PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body))}
        own = {"GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_COUNT": "1"}
        own |= {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        own |= {"GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "PATH": os.environ["PATH"]}
        argv = ["git", "http-backend"]
        done = subprocess.run(argv, input=body, env={**own, **sent}, stdout=subprocess.PIPE, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None: ...


def test_git_over_http_with_a_token(client: Any) -> None:
    Repositories.root = str(client.directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repositories) as server:
        threading.Thread(target=server.serve_forever).start()

        def content(more: str) -> Any:
            url = f"http://127.0.0.1:{server.server_port}/repository/.git"
            tree = 'head{tree(discardGitDir:true){file(path:"a"){contents}}}'
            return client.ask(f'{{git(url:"{url}"{more}){{{tree}}}}}')

        # As `gh auth token` and an editor's files end: with a line end that belongs to no password.
        token, header = secret(client, "git-token", "hunter2\\n"), secret(client, "git-header", "Bearer hunter2\\n")
        Repositories.wanted = "Basic " + base64.b64encode(b"x-access-token:hunter2").decode()
        refused = content("")["errors"][0]["message"]
        assert leaf(content(f',httpAuthToken:"{token}"')["data"]) == "second\n"
        Repositories.wanted = "Basic " + base64.b64encode(b"me:hunter2").decode()
        assert leaf(content(f',httpAuthUsername:"me",httpAuthToken:"{token}"')["data"]) == "second\n"
        Repositories.wanted = "Bearer hunter2"
        assert leaf(content(f',httpAuthHeader:"{header}"')["data"]) == "second\n"
        server.shutdown()
    assert "git" in refused
    assert "hunter2" not in refused


@pytest.mark.parametrize("url", ["http://repos:8080/repository/.git", "git://repos:9418/repository"])
def test_git_of_a_session_s_service(client: Any, url: str) -> None:
    """By git's own servers behind a service; git's protocol also by the name alone of one that runs.

    A Dagger engine was asked the same. Its HTTP does not know the name of a service that is not bound.
    """
    Repositories.root, Repositories.wanted = str(client.directory), None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repositories) as server:
        threading.Thread(target=server.serve_forever).start()
        ports = {8080: server.server_port, 9418: httpx.URL(client.git).port}
        lent = ",".join(f"{{frontend:{front},backend:{back}}}" for front, back in ports.items())
        named = f'host{{service(ports:[{lent}]){{withHostname(hostname:"repos"){{id}}}}}}'
        service = leaf(client.ask(f"{{{named}}}")["data"])

        def content(more: str, ref: str) -> Any:
            tree = f'ref(name:"{ref}"){{tree(discardGitDir:true){{file(path:"a"){{contents}}}}}}'
            return client.ask(f'{{git(url:"{url}"{more}){{{tree}}}}}')

        try:
            assert leaf(content(f',experimentalServiceHost:"{service}"', "main")["data"]) == "second\n"
            assert "errors" not in client.ask(f'{{node(id:"{service}"){{... on Service{{start}}}}}}')
            if url.startswith("git:"):
                assert leaf(content("", "v1.0.0")["data"]) == "first\n"
        finally:
            client.ask(f'{{node(id:"{service}"){{... on Service{{stop}}}}}}')
            server.shutdown()


def test_git_signs_in_as_the_client_does(client: Any) -> None:
    """By the client's credential helper, which knows the service by its name (Dagger's TestAuthClient)."""
    Repositories.root, Repositories.wanted = str(client.directory), "Basic " + base64.b64encode(b"me:hunter2").decode()
    settings = client.directory.parent / "gitconfig"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repositories) as server:
        threading.Thread(target=server.serve_forever).start()
        lent = f"{{frontend:8080,backend:{server.server_port}}}"
        named = f'host{{service(ports:[{lent}]){{withHostname(hostname:"signed-in"){{id}}}}}}'
        service = leaf(client.ask(f"{{{named}}}")["data"])

        def content() -> Any:
            url = f'url:"http://signed-in:8080/repository/.git",experimentalServiceHost:"{service}"'
            return client.ask(f'{{git({url}){{ref(name:"main"){{tree{{file(path:"a"){{contents}}}}}}}}}}')

        try:
            refused = content()["errors"][0]["message"]
            helper = '!f() { test "$1" = get && echo username=me && echo password=hunter2; }; f'
            words = ["git", "config", "--file", settings, "credential.http://signed-in:8080.helper", helper]
            subprocess.run(words, check=True)
            assert leaf(content()["data"]) == "second\n"
        finally:
            settings.unlink(missing_ok=True)
            client.ask(f'{{node(id:"{service}"){{... on Service{{stop}}}}}}')
            server.shutdown()
    assert "authentication failed" in refused


def test_git_over_ssh_by_an_agent(client: Any, ssh: tuple[str, str, str]) -> None:
    url, known_hosts, agent = ssh
    socket_id = leaf(client.ask(f'{{host{{unixSocket(path:"{agent}"){{id}}}}}}')["data"])
    tree = 'head{tree(discardGitDir:true){file(path:"a"){contents}}}'
    known = f'sshKnownHosts:"{known_hosts}"'
    answer = client.ask(f'{{git(url:"{url}",{known},sshAuthSocket:"{socket_id}"){{{tree}}}}}')
    assert leaf(answer["data"]) == "second\n", answer
    refused = client.ask(f'{{git(url:"{url}",{known}){{{tree}}}}}')["errors"][0]["message"]
    assert "SSH URLs are not supported without an SSH socket" in refused
    stranger = known.replace("ssh-ed25519 AAAA", "ssh-ed25519 AAAB")
    assert client.ask(f'{{git(url:"{url}",{stranger},sshAuthSocket:"{socket_id}"){{{tree}}}}}')["errors"]


@pytest.fixture
def ssh(client: Any, tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """A repository's URL over ssh, the line for the server's key, and the socket of an agent that may log in."""
    daemon = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(daemon).exists():
        pytest.skip("there is no sshd here: installing openssh-server would also start it")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port()
    options = [f"Port={port}", "ListenAddress=127.0.0.1", f"HostKey={tmp_path}/host", "StrictModes=no", "UsePAM=no"]
    options += [f"AuthorizedKeysFile={tmp_path}/user.pub", "PidFile=none"]
    argv = [daemon, "-D", "-f", "/dev/null", *(word for option in options for word in ("-o", option))]
    agent = f"{tmp_path}/agent"
    with subprocess.Popen(argv) as server, subprocess.Popen(["ssh-agent", "-D", "-a", agent]) as keys:
        try:
            assert eventually(lambda: Path(agent).exists() and _open(port))
            subprocess.run(["ssh-add", "-q", tmp_path / "user"], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
            kind, key = (tmp_path / "host.pub").read_text().split()[:2]
            url = f"ssh://root@127.0.0.1:{port}{client.directory}/repository"
            yield url, f"[127.0.0.1]:{port} {kind} {key}\\n", agent
        finally:
            server.terminate()
            keys.terminate()


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
