"""JSON values and env files."""

import os
from collections.abc import Callable

from baselard.engine.api.more.objects.env_file import EnvFile
from baselard.engine.api.more.objects.json_value import JSONValue
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import File
from baselard.engine.api.objects.values import EnvVariable
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.files import reading


@field("File.asJSON")
async def as_json(ctx: Context, file: File) -> JSONValue:
    return JSONValue.parse(await _text(ctx, file))


@field("File.asEnvFile")
async def as_env_file(ctx: Context, file: File, *, expand: bool = True) -> EnvFile:  # noqa: ARG001 -- deprecated

    return EnvFile.parse(await _text(ctx, file)).checked()


@field("EnvFile.get")
def get(ctx: Context, env: EnvFile, *, name: str, raw: bool = False) -> str:
    return env.value(name, raw=raw, outside=_outside(ctx))


@field("EnvFile.variables")
def variables(ctx: Context, env: EnvFile, *, raw: bool = False) -> list[EnvVariable]:
    pairs = sorted(env.raw) if raw else env.values(outside=_outside(ctx)).items()
    return [EnvVariable(name, value) for name, value in pairs]


@field("Container.withEnvFileVariables")
def with_env_file_variables(ctx: Context, container: Container, *, source: EnvFile) -> Container:
    for name, value in source.values(outside=_outside(ctx)).items():
        container = container.with_env_variable(name, value)
    return container


def _outside(ctx: Context) -> Callable[[str], str]:
    """The client's own variables, which an env file may refer to."""
    return lambda name: "" if ctx.inside else os.environ.get(name, "")


async def _text(ctx: Context, file: File) -> str:
    return (await ctx.look(file.output, lambda root: reading.contents(root, file.path))).decode(errors="replace")
