"""The way of a function's queries to the engine: HTTP/1.1 on this machine. Loaded by runner.py, which knows no engine.

What the SDK brings, httpx with httpcore, is for any address: it takes more than half of what a query costs a function.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import h11
from gql import GraphQLRequest
from gql.transport import AsyncTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportProtocolError, TransportServerError
from graphql import ExecutionResult
from opentelemetry import propagate

MOST = 100
"""Queries at once, as with the SDK's own; others wait."""
_CHUNK = 1 << 16
_REFUSED = 400


class EngineConnection(NamedTuple):
    """A connection that is idle, or has one request under way."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection

    @property
    def usable(self) -> bool:
        """Whether another request may be sent; the engine may have hung up since the last."""
        return not self.reader.at_eof() and self.http.our_state is h11.IDLE

    async def post(self, head: h11.Request, body: bytes) -> tuple[int, bytes]:
        """The status and body of the answer. Raises OSError, h11.ProtocolError where there is none."""
        sent = (head, h11.Data(data=body), h11.EndOfMessage())
        self.writer.write(b"".join(self.http.send(event) or b"" for event in sent))
        status, data = 0, bytearray()
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                data += event.data
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionError("the engine hung up")
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
        return status, bytes(data)

    async def _event(self) -> Any:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.reader.read(_CHUNK))
        return event


class Transport(AsyncTransport):
    """gql's transport, for one client: a connection for each query under way, used again by those that follow."""

    def __init__(self, url: Any, *, auth: tuple[str, str], **_: Any) -> None:
        self.url = url
        token = base64.b64encode(":".join(auth).encode()).decode()
        self.headers = [
            ("host", f"{url.host}:{url.port}"),
            ("authorization", f"Basic {token}"),
            ("content-type", "application/json"),
        ]
        self.idle: list[EngineConnection] = []
        self.places = asyncio.Semaphore(MOST)

    async def connect(self) -> None:
        """Do nothing: connections are made when they are needed."""

    async def close(self) -> None:
        """Close what is idle; what is under way closes itself."""
        while self.idle:
            self.idle.pop().writer.close()

    async def execute(self, request: GraphQLRequest) -> ExecutionResult:
        """The engine's answer. Raises gql's errors of a transport."""
        status, body = await self._answer(json.dumps(request.payload).encode())
        try:
            result = json.loads(body)
        except ValueError:
            result = None
        if isinstance(result, dict) and ("data" in result or "errors" in result):
            return ExecutionResult(result.get("data"), result.get("errors"), result.get("extensions"))
        text = body.decode(errors="replace")
        if status >= _REFUSED:
            raise TransportServerError(f"the engine refused the query ({status}): {text}", status)
        raise TransportProtocolError(f"the engine did not return a GraphQL result: {text}")

    def subscribe(self, request: GraphQLRequest) -> AsyncGenerator[ExecutionResult, None]:
        """Raise NotImplementedError: the API has no subscriptions."""
        raise NotImplementedError

    async def _answer(self, body: bytes) -> tuple[int, bytes]:
        traced: dict[str, str] = {}
        propagate.inject(traced)
        headers = [*self.headers, ("content-length", str(len(body))), *traced.items()]
        head = h11.Request(method="POST", target=self.url.raw_path, headers=headers)
        async with self.places:
            try:
                return await self._posted(head, body)
            except (OSError, h11.ProtocolError) as error:
                raise TransportConnectionFailed(str(error)) from error

    async def _posted(self, head: h11.Request, body: bytes) -> tuple[int, bytes]:
        connection = await self._connection()
        try:
            answer = await connection.post(head, body)
        except BaseException:  # called off, maybe, which the engine is to see
            connection.writer.close()
            raise
        if connection.usable:
            self.idle.append(connection)
        else:
            connection.writer.close()
        return answer

    async def _connection(self) -> EngineConnection:
        while self.idle:
            if (connection := self.idle.pop()).usable:
                return connection
            connection.writer.close()
        reader, writer = await asyncio.open_connection(self.url.host, self.url.port)
        return EngineConnection(reader, writer, h11.Connection(h11.CLIENT))
