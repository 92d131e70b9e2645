"""The SDK's client as functions use it: what is the same for all of them is made once, before the forks.

Loaded by runner.py, which knows no engine.
"""

import asyncio
import contextlib
import dataclasses
import enum
import functools
import gc
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

SCHEMAS: dict[str, Any] = {}
"""The APIs' schemas that are known, by the digests that engines know them by; None where one could not be had."""
PLAIN = (str, int, float, bool, enum.Enum, types.NoneType)


def use_transport(transport: type) -> None:
    """Have connections of the SDK use a transport of ours."""
    from dagger.client import _session as session

    session.HTTPXAsyncTransport = transport  # type: ignore[assignment,misc]
    session.TelemetryTransport = object  # type: ignore[assignment,misc]  # reads all certificates of the machine


def share_converter() -> None:
    """Have all the SDK's contexts use one converter of values.

    Every call in a chain makes a context, and each would make a converter of its own, which costs more than the call.
    Only what becomes an object of the API needs the one that knows its context.
    """
    from dagger.client import _core as core

    real = core.make_converter
    shared = real(None)  # type: ignore[arg-type]

    class Converter:
        unstructure = staticmethod(shared.unstructure)

        def __init__(self, context: Any) -> None:
            self.context = context

        def structure(self, value: Any, kind: Any) -> Any:
            return (shared if is_plain(kind) else real(self.context)).structure(value, kind)

    core.make_converter = Converter  # type: ignore[assignment]


def convert_here(module: Any) -> None:
    """Have a call's arguments made in the thread that asks for them: one of its own for each takes longer.

    What the SDK needs a thread for is to ask the API, and that is done for results alone.
    """

    async def structure(value: Any, kind: Any) -> Any:
        return module._converter.structure(value, kind)

    module.structure = structure


def is_plain(kind: Any) -> bool:
    """Whether no value of a type is made an object of the API, nor holds one; what may be anything stays as it came."""
    if kind is Any:
        return True
    if parts := typing.get_args(kind):
        return all(map(is_plain, parts))
    if isinstance(kind, type) and issubclass(kind, PLAIN):
        return True
    held = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return bool(held) and all(is_plain(field.type) for field in held)


def know_schema(invocation: Mapping[str, str]) -> None:
    """Have an engine's schema here, so that no child has to fetch and build it, which takes the SDK 0.2 s."""
    from dagger.client import _session as session

    if invocation["schema"] in SCHEMAS:
        return
    SCHEMAS[invocation["schema"]] = None

    async def connect() -> None:
        address = session.ConnectParams(port=int(invocation["port"]), session_token=invocation["token"])
        async with session.SingleConnection(address) as connection:
            SCHEMAS[invocation["schema"]] = await connection.session.get_schema()

    with contextlib.suppress(Exception):  # the invocation itself will say what is wrong
        asyncio.run(connect())
    gc.freeze()  # the forks share these pages as long as no collection writes to them


def use_schema(invocation: Mapping[str, str]) -> None:
    """Have the SDK's client know the schema of the engine that asks, if it is known here."""
    from dagger.client import _session as session

    if schema := SCHEMAS.get(invocation["schema"]):
        session.GraphQLClient = functools.partial(_knowing, session.GraphQLClient, schema)  # type: ignore[assignment,misc]


def _knowing(real: Callable[..., Any], schema: Any, **given: Any) -> Any:
    return real(**{**given, "schema": schema, "fetch_schema_from_transport": False})
