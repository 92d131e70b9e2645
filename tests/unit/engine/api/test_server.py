"""The door, asked over real sockets: who may come in, what is too much, and what happens when nobody waits any more."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.api import server
from baselard.engine.api.objects.function_call import CurrentModule, Frame, FunctionCall
from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.api.objects.serving import Served
from baselard.engine.api.query.api import Api
from baselard.engine.api.query.context import Context, State
from baselard.engine.api.query.fields import Fields
from baselard.engine.api.query.queries import Queries
from baselard.engine.api.session import Session
from baselard.engine.errors import ExecError, UserError
from baselard.engine.images import reading
from baselard.engine.images.reading import RegistryAnswer, RegistryRead

pytestmark = pytest.mark.anyio

SDL = "type Query { echo(text: String!): String! wait: Int! user: Int! exec: Int! bug: Int! frame: String! }"


@dataclass
class Work:
    """What the slow resolver reports, instead of anybody sleeping for it."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


async def wait(ctx: Context) -> int:
    work = ctx.session.worker
    work.started.set()  # type: ignore[attr-defined]
    try:
        await asyncio.Event().wait()
    finally:
        work.cancelled.set()  # type: ignore[attr-defined]
    return 1


def raising(error: Exception) -> Any:
    def resolve(_ctx: Context) -> int:
        raise error

    return resolve


@dataclass
class Evaluator:
    worker: Any
    executor: Any = None


@dataclass
class Store:
    root: Path


@dataclass
class Worker(Work):
    store: Any = None
    session: Any = None
    registry: Any = None


@dataclass
class Client:
    port: int
    token: str

    async def send(self, body: bytes, *, path: str = "/query", method: str = "POST", token: str | None = None) -> Any:
        """A request on a connection of its own: status, headers, JSON."""
        reader, writer = await self.open(body, path=path, method=method, token=token)
        try:
            return await response(reader)
        finally:
            writer.close()

    async def open(
        self, body: bytes, *, path: str = "/query", method: str = "POST", token: str | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request(self.token if token is None else token, body, path, method))
        await writer.drain()
        return reader, writer

    async def query(self, text: str) -> Any:
        _, _, answer = await self.send(json.dumps({"query": text}).encode())
        return answer


def request(token: str, body: bytes, path: str = "/query", method: str = "POST") -> bytes:
    credentials = base64.b64encode((token if ":" in token else f"{token}:").encode()).decode()
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def response(reader: asyncio.StreamReader) -> tuple[int, Mapping[str, str], Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    return int(head[0].split()[1]), headers, json.loads(await reader.readexactly(int(headers["content-length"])))


@pytest.fixture
async def session(tmp_path: Path) -> Session:
    api = Api(SDL)
    failed = ExecError(["false"], 7, stdout=" out \n", stderr="x" * 150_000 + "end\n")
    resolvers = {
        "Query.echo": lambda _ctx, *, text: text,
        "Query.wait": wait,
        "Query.user": raising(UserError("your mistake")),
        "Query.exec": raising(failed),
        "Query.bug": raising(KeyError("ours")),
        "Query.frame": lambda ctx: ctx.frame.call.name if ctx.frame else "None",
    }
    fields = Fields(api.schema, {name: Served(resolve) for name, resolve in resolvers.items()})
    api.__dict__["queries"] = Queries(api.schema, fields)
    evaluator: Any = Evaluator(Worker(store=Store(tmp_path)))
    return Session(State(evaluator, tmp_path, SecretStore(tmp_path, b""), api))


@pytest.fixture
async def client(session: Session, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setattr(session, "listen", lambda port: session.enter())
    async with server.running(session) as (port, token):
        yield Client(port, token)


async def test_a_query_is_answered(client: Client) -> None:
    assert await client.query('{echo(text:"ü\\n\\"")}') == {"data": {"echo": 'ü\n"'}}


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_only_the_token_opens(client: Client, token: str) -> None:
    status, headers, answer = await client.send(b'{"query":"{version}"}', token=token)
    assert (status, headers["www-authenticate"]) == (401, 'Basic realm="session"')
    assert "token" in answer["errors"][0]["message"]


async def test_every_token_has_its_own_frame_until_it_leaves(client: Client, session: Session) -> None:
    frame = Frame(FunctionCall(name="the call"), CurrentModule("hello", Path("/x"), Path("/x")))
    inner = Client(client.port, session.enter(frame))
    assert await inner.query("{frame}") == {"data": {"frame": "the call"}}
    assert await client.query("{frame}") == {"data": {"frame": "None"}}
    session.leave(inner.token)
    status, _, _ = await inner.send(b'{"query":"{frame}"}')
    assert status == 401


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"not json", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "must be"),
        (b'{"query": 1}', "must be"),
        (b'{"query": "{frame}", "variables": []}', "variables"),
        (b"[" * 100_000, "not JSON"),
    ],
)
async def test_bodies_that_are_no_request(client: Client, body: bytes, says: str) -> None:
    status, _, answer = await client.send(body)
    assert status == 400
    assert says in answer["errors"][0]["message"]


async def test_other_paths_and_methods(client: Client) -> None:
    assert (await client.send(b"", path="/other"))[0] == 404
    assert (await client.send(b"", method="GET"))[0] == 405


async def test_the_dagger_program_is_told_that_it_needs_a_dagger_engine(client: Client) -> None:
    """It asks for /init, by HTTP/2 (RFC 9113: the server sends SETTINGS, then GOAWAY with the reason)."""
    status, _, answer = await client.send(b"", path="/init")
    assert (status, "the dagger program needs a Dagger engine" in answer["errors"][0]["message"]) == (404, True)
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
    assert await reader.readexactly(9) == b"\0\0\0\4\0\0\0\0\0"
    head = await reader.readexactly(17)
    assert (head[3], head[-4:]) == (7, b"\0\0\0\x0d")
    assert b"needs a Dagger engine" in await reader.readexactly(int.from_bytes(head[:3], "big") - 8)
    writer.close()


async def test_a_body_over_the_limit_is_refused_and_the_session_goes_on(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LONGEST_BODY", 1 << 20)
    status, headers, answer = await client.send(b'{"query":"' + b"x" * (2 << 20))
    assert (status, headers["connection"]) == (413, "close")
    assert "1 MiB" in answer["errors"][0]["message"]
    assert await client.query("{frame}") == {"data": {"frame": "None"}}


async def test_one_connection_serves_many_requests_even_sent_ahead(client: Client) -> None:
    body = b'{"query":"{frame}"}'
    reader, writer = await client.open(body)
    writer.write(request(client.token, body) + request(client.token, body))
    assert [(await response(reader))[0] for _ in range(3)] == [200, 200, 200]
    writer.close()


async def test_a_client_that_hangs_up_cancels_its_query(client: Client, session: Session) -> None:
    _, writer = await client.open(b'{"query":"{wait}"}')
    work: Any = session.state.worker
    await work.started.wait()
    writer.close()
    await asyncio.wait_for(work.cancelled.wait(), 10)
    assert await client.query("{frame}") == {"data": {"frame": "None"}}


async def test_closing_the_session_cancels_what_is_under_way(session: Session, monkeypatch: Any) -> None:
    monkeypatch.setattr(session, "listen", lambda port: session.enter())
    work: Any = session.state.worker
    async with server.running(session) as (port, token):
        _, writer = await Client(port, token).open(b'{"query":"{wait}"}')
        await work.started.wait()
    assert work.cancelled.is_set()
    writer.close()


async def test_many_queries_at_once(client: Client) -> None:
    texts = [f"t{i}" for i in range(200)]
    answers = await asyncio.gather(*(client.query(f'{{echo(text:"{text}")}}') for text in texts))
    assert [answer["data"]["echo"] for answer in answers] == texts


async def test_errors_have_the_shape_the_sdks_read(client: Client) -> None:
    assert await client.query("{user}") == {"data": None, "errors": [{"message": "your mistake", "path": ["user"]}]}
    answer = await client.query("{nothing}")
    assert "extensions" not in answer["errors"][0]
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 2}]


async def test_a_failed_command_carries_its_streams_ends(client: Client) -> None:
    (error,) = (await client.query("{exec}"))["errors"]
    assert error["message"] == "exit code: 7"
    extensions = error["extensions"]
    assert list(extensions) == ["_type", "cmd", "exitCode", "stdout", "stderr"]
    assert (extensions["_type"], extensions["cmd"], extensions["exitCode"]) == ("EXEC_ERROR", ["false"], 7)
    assert extensions["stdout"] == "out"
    omitted = 150_004 - 102_400  # the line end at the end counts; it is trimmed later
    assert extensions["stderr"].startswith(f"[omitting {omitted} bytes]...x")
    assert extensions["stderr"].endswith("end")
    assert len(extensions["stderr"]) <= 102_400


async def test_a_bug_is_told_as_one(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    (error,) = (await client.query("{bug}"))["errors"]
    assert error["message"] == "internal error, please report it: KeyError: 'ours'"
    assert "KeyError" in caplog.text


async def test_a_bug_outside_of_resolvers_is_answered_too(
    client: Client, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise ImportError("no such resolver")

    session.state.api.__dict__["introspection"] = broken
    status, _, answer = await client.send(b'{"query":"{echo(text:\\"a\\")}"}')
    assert (status, answer["errors"][0]["message"]) == (
        200,
        "internal error, please report it: ImportError: no such resolver",
    )
    assert "no such resolver" in caplog.text


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (RegistryAnswer(b'{"schemaVersion":2}', "application/vnd.oci.image.index.v1+json"), 200, None),
        (None, 404, "ghcr.io has no /v2/acme/base/manifests/1"),
        (UserError("sign in"), 422, "sign in"),
    ],
)
async def test_a_registry_is_read_by_its_own_paths(
    client: Client, monkeypatch: pytest.MonkeyPatch, answer: Any, status: int, said: str | None
) -> None:
    asked = []

    def read(_registries: Any, wanted: RegistryRead) -> Any:
        asked.append(wanted)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(reading, "read", read)
    path, named = "/v2/acme/base/manifests/1", f"{client.token}:ghcr.io"
    code, headers, body = await client.send(b"", path=path, method="GET", token=named)
    assert (code, [str(one.reference) for one in asked]) == (status, ["ghcr.io/acme/base:1"])
    if said is None:
        assert (body, headers["content-type"]) == ({"schemaVersion": 2}, answer.media_type)
    else:
        assert body["errors"][0]["message"] == said
    refused, _, _ = await client.send(b"", path=path, method="GET", token="wrong:ghcr.io")
    assert (refused, len(asked)) == (401, 1)
