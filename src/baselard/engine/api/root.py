"""Root fields that belong to no object: what is served, what asks, and loading by ID."""

from baselard.engine.api.objects.function_call import FunctionCall
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.query.api import VERSION
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.oci.platforms import this_machine


@served_as("Query.version")
def version() -> str:
    return VERSION


@served_as("Query.defaultPlatform")
def default_platform() -> str:
    return str(this_machine())


@field("Query.node")
def node(ctx: Context, *, id: str) -> object:
    return ctx.load(id)


@field("Query.currentFunctionCall")
def current_function_call(ctx: Context) -> FunctionCall:
    if ctx.frame is None:
        raise UserError("there is no current function call: this client is not a module's function")
    return ctx.frame.call
