"""A function's arguments as its module gets them: given, by default, and objects as IDs."""

import json
from collections.abc import Mapping
from pathlib import Path

from baselard.engine.api.objects.typedef import Function, FunctionArg
from baselard.engine.errors import UserError
from baselard.engine.modules.addresses import Ask, ObjectAddress, load, loaded
from baselard.engine.modules.source import PythonModule
from baselard.oci.text import JSON


async def complete(ask: Ask, source: PythonModule, function: Function, given: Mapping[str, object]) -> dict[str, JSON]:
    """JSON values for all arguments that have one. Raises UserError when a default path is not there."""
    values: dict[str, JSON] = {}
    for arg in function.args:
        if arg.name in given:
            values[arg.name] = await loaded(ask, given[arg.name], arg.ignore)
        elif arg.default_path:
            path = default_path(source, arg)
            values[arg.name] = await load(ask, ObjectAddress(arg.type_def.name, str(path), arg.ignore))
        elif arg.default_address:
            values[arg.name] = await load(ask, ObjectAddress(arg.type_def.name, arg.default_address))
        elif arg.type_def.name == "Workspace":
            values[arg.name] = await ask("{ currentWorkspace { id } }")
        elif arg.default_value is not None:
            values[arg.name] = json.loads(arg.default_value)
    return values


def default_path(source: PythonModule, arg: FunctionArg) -> Path:
    """Where a default path points: relative to the module, or from the root of its repository when absolute.

    Raises UserError when that is outside the repository or not there.
    """
    text = arg.default_path
    path = source.context / text.lstrip("/") if text.startswith("/") else source.root / text
    path = path.resolve()
    if not path.is_relative_to(source.context):
        raise UserError(f"the default path {text} of {arg.name} is outside of {source.context}")
    if not path.exists():
        raise UserError(f"the default path {text} of {arg.name} is not there: {path}")
    return path
