"""The root fields: starting points, and loading by ID."""

from typing import Any

from baselard.engine.api.query.api import VERSION
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.oci.platforms import this_machine


@field("Query.version")
def version(_ctx: Context) -> str:
    return VERSION


@field("Query.defaultPlatform")
def default_platform(_ctx: Context) -> str:
    return str(this_machine())


@field("Query.node")
def node(ctx: Context, *, id: str) -> Any:
    return ctx.session.ids.load(id)
