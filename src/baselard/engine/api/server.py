"""The session's door: HTTP on 127.0.0.1, ``POST /query``, one token per client. Errors are translated here.

Baselard's own functions read registries by it as well, by ``GET /v2/…``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import struct
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import h11

from baselard.engine.api.query import replies
from baselard.engine.api.query.context import Context
from baselard.engine.api.session import Session
from baselard.engine.errors import EngineError, foreseen
from baselard.engine.progress import spans
from baselard.oci.text import JSON, loads

LONGEST_BODY = 64 << 20
"""Bytes a request's body may have; contents of large files belong in Host.file or Host.directory."""

_CHUNK = 1 << 16
_ONLY_QUERIES = (
    "the embedded engine serves GraphQL at /query by HTTP/1.1, as SDKs ask for it; "
    "the dagger program needs a Dagger engine"
)
_PATIENCE = 30.0  # seconds a client may go on sending what was refused already
_log = logging.getLogger(__name__)


class _BadRequest(Exception):  # noqa: N818 -- it is the request that is bad
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Reply:
    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = "application/json"


@contextlib.asynccontextmanager
async def running(session: Session, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[int, str]]:
    """Serve ``session`` inside this block; the port and the first client's token come back."""
    door = _Door(session)
    server = await asyncio.start_server(door.connection, host, port)
    bound: int = server.sockets[0].getsockname()[1]
    # loaded while the client is still busy with itself; introspection, its first question, does not wait for it
    loading = asyncio.get_running_loop().run_in_executor(None, session.state.api.load)
    try:
        yield bound, session.listen(bound)
    finally:
        server.close()
        await asyncio.wait((loading,))
        await door.close()


@dataclass
class _Door:
    """All connections of one session."""

    session: Session
    open: set[asyncio.Task[None]] = field(default_factory=set)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self.open.add(task)
            task.add_done_callback(self.open.discard)
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            await _Connection(self.session, reader, writer).serve()
        writer.close()

    async def close(self) -> None:
        """End what is under way."""
        for task in self.open:
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)


@dataclass
class _Connection:
    """One client's connection; requests come one after the other."""

    session: Session
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER))

    async def serve(self) -> None:
        while True:
            request = await self._event()
            if not isinstance(request, h11.Request):
                return None
            if request.http_version == b"2.0":
                self.writer.write(_GO_AWAY)
                return await self._hang_up()
            try:
                body = await self._body()
                reply = await self._unless_gone(self._answer(request, body))
            except _BadRequest as error:
                reply = _Reply(replies.message(str(error)), error.status)
            except (ConnectionError, h11.RemoteProtocolError):
                raise
            except Exception as error:  # a bug of ours must not leave the client waiting for ever
                text = str(foreseen(error) or "")
                if not text:
                    _log.exception("internal error")
                    text = f"internal error, please report it: {type(error).__name__}: {error}"
                reply = _Reply(replies.message(text))  # SDKs would repeat a 500, connecting without end
            await self._send(reply)
            if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
                return await self._hang_up()
            self.http.start_next_cycle()

    async def _answer(self, request: h11.Request, body: bytes) -> _Reply:
        token, password = _credential(request)
        context = self.session.context(token)
        if context is None:
            raise _BadRequest(HTTPStatus.UNAUTHORIZED, "wrong or missing session token")
        if request.target.startswith(b"/v2/") and request.method == b"GET":
            return await _registry(context, password, request.target.decode("ascii"))
        if request.target.split(b"?")[0] != b"/query":
            raise _BadRequest(HTTPStatus.NOT_FOUND, _ONLY_QUERIES)
        if request.method != b"POST":
            raise _BadRequest(HTTPStatus.METHOD_NOT_ALLOWED, "send queries by POST")
        spans.asked_by(dict(request.headers).get(b"traceparent", b"").decode("ascii", "replace"))
        return _Reply(await replies.reply(context, *_query(body)))

    async def _body(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        if self.http.they_are_waiting_for_100_continue:
            await self._write(h11.InformationalResponse(status_code=100, headers=[]))
        while isinstance(event := await self._event(), h11.Data):
            size += len(event.data)
            if size > LONGEST_BODY:
                raise _BadRequest(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"the request has more than {LONGEST_BODY >> 20} MiB; "
                    "pass large contents by host.file or host.directory",
                )
            chunks.append(bytes(event.data))
        return b"".join(chunks)

    async def _unless_gone(self, work: Awaitable[_Reply]) -> _Reply:
        """Do the work, but stop when the client hangs up meanwhile."""
        task = asyncio.ensure_future(work)
        more = asyncio.ensure_future(self.reader.read(_CHUNK))
        try:
            await asyncio.wait((task, more), return_when=asyncio.FIRST_COMPLETED)
            if more.done() and not task.done():
                if not more.result():
                    raise ConnectionError
                await asyncio.wait((task,))
            return task.result()
        finally:
            task.cancel()
            if more.done() and not more.cancelled() and not more.exception():
                self.http.receive_data(more.result())
            more.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await more

    async def _hang_up(self) -> None:
        """End our side, and let the client finish its own: one that still sends would not see the answer otherwise."""
        self.writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while await self.reader.read(_CHUNK):
                    pass

    async def _event(self) -> object:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.reader.read(_CHUNK))
        return event

    async def _send(self, reply: _Reply) -> None:
        status, body = reply.status, reply.body
        headers = [("content-type", reply.media_type), ("content-length", str(len(body)))]
        if status is HTTPStatus.UNAUTHORIZED:
            headers.append(("www-authenticate", 'Basic realm="session"'))
        if self.http.their_state is not h11.DONE:  # the rest of the body is not worth reading
            headers.append(("connection", "close"))
        await self._write(
            h11.Response(status_code=status, reason=status.phrase, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )

    async def _write(self, *events: h11.Event) -> None:
        for event in events:
            self.writer.write(self.http.send(event) or b"")
        await self.writer.drain()


def _frame(kind: int, payload: bytes = b"") -> bytes:
    """One HTTP/2 frame on the whole connection (RFC 9113, 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, 0, 0, 0, 0, 0)) + payload


_SETTINGS, _GOAWAY, _HTTP_1_1_REQUIRED = 4, 7, 13
_FIRST_STREAM = 1  # the one that the client has asked on already, so that it does not ask again
_GO_AWAY = _frame(_SETTINGS) + _frame(
    _GOAWAY, struct.pack(">II", _FIRST_STREAM, _HTTP_1_1_REQUIRED) + _ONLY_QUERIES.encode()
)


def _credential(request: h11.Request) -> tuple[str, str]:
    """Basic authentication: the session's token is the user name, the registry that is meant the password."""
    header = dict(request.headers).get(b"authorization", b"")
    kind, _, value = header.partition(b" ")
    if kind.lower() != b"basic":
        return "", ""
    with contextlib.suppress(binascii.Error, UnicodeDecodeError):
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        return user, password
    return "", ""


async def _registry(context: Context, registry: str, path: str) -> _Reply:
    """A read of a registry, by a path of distribution's API, with the credentials and at the mirrors of a pull."""
    from baselard.engine.images import reading

    worker = context.session.worker
    try:
        asked = reading.wanted(registry, path)
        answer = await context.in_thread(reading.read, worker.registry, asked) if asked else None
    except EngineError as error:
        raise _BadRequest(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    if not answer:
        raise _BadRequest(HTTPStatus.NOT_FOUND, f"{registry} has no {path}")
    return _Reply(answer.body, media_type=answer.media_type)


def _query(body: bytes) -> tuple[str, Mapping[str, JSON] | None, str | None]:
    """A request's query, variables and operation. Raises _BadRequest when the body is not a GraphQL request."""
    try:
        request = loads(body)
    except (ValueError, RecursionError) as error:
        raise _BadRequest(HTTPStatus.BAD_REQUEST, f"the request's body is not JSON: {error}") from error
    if not isinstance(request, dict) or not isinstance(query := request.get("query"), str):
        raise _BadRequest(HTTPStatus.BAD_REQUEST, 'the request\'s body must be {"query": "…"}')
    variables, operation = request.get("variables"), request.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(operation, str | None):
        raise _BadRequest(HTTPStatus.BAD_REQUEST, "variables must be an object, operationName a string")
    return query, variables, operation or None
