"""The root fields: starting points, and loading by ID."""

from typing import Any

from engine import platforms
from engine.objects.directory import EMPTY, Directory
from engine.schema.context import Context
from engine.schema.registry import field

VERSION = "v0.21.11"
"""The version of the API that is served; clients log it and compare it to their own."""


@field("Query.version")
def version(_ctx: Context) -> str:
    return VERSION


@field("Query.defaultPlatform")
def default_platform(_ctx: Context) -> str:
    return str(platforms.default())


@field("Query.node")
def node(ctx: Context, *, id: str) -> Any:
    return ctx.session.ids.load(id)


@field("Query.directory")
def directory(_ctx: Context) -> Directory:
    return Directory(EMPTY)
