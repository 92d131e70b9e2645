"""JSON values and env files."""

import os
from collections.abc import Callable

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import File, new_file
from baselard.engine.api.objects.env_file import EnvFile
from baselard.engine.api.objects.json_value import JSONValue
from baselard.engine.api.objects.values import EnvVariable
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.files import reading

Strings = tuple[str, ...]


@field("Query.json")
def json(_ctx: Context) -> JSONValue:
    return JSONValue()


@field("File.asJSON")
async def as_json(ctx: Context, file: File) -> JSONValue:
    return JSONValue.parse(await _text(ctx, file))


@field("JSONValue.asArray")
def as_array(_ctx: Context, value: JSONValue) -> list[JSONValue]:
    return [JSONValue.of(item) for item in value.as_kind(list, "an array")]


@field("JSONValue.asBoolean")
def as_boolean(_ctx: Context, value: JSONValue) -> bool:
    return bool(value.as_kind(bool, "a boolean"))


@field("JSONValue.asInteger")
def as_integer(_ctx: Context, value: JSONValue) -> int:
    return int(value.as_scalar(int, "int"))


@field("JSONValue.asString")
def as_string(_ctx: Context, value: JSONValue) -> str:
    return str(value.as_scalar(str, "string"))


@field("JSONValue.contents")
def contents(_ctx: Context, value: JSONValue, *, pretty: bool = False, indent: str = "  ") -> str:
    return value.shown(pretty=pretty, indent=indent)


@field("JSONValue.field")
def json_field(_ctx: Context, value: JSONValue, *, path: Strings) -> JSONValue:
    return value.field(path)


@field("JSONValue.fields")
def fields(_ctx: Context, value: JSONValue) -> list[str]:
    return list(value.as_kind(dict, "an object"))


@field("JSONValue.newBoolean")
def new_boolean(_ctx: Context, _value: JSONValue, *, value: bool) -> JSONValue:
    return JSONValue.of(value)


@field("JSONValue.newInteger")
def new_integer(_ctx: Context, _value: JSONValue, *, value: int) -> JSONValue:
    return JSONValue.of(value)


@field("JSONValue.newString")
def new_string(_ctx: Context, _value: JSONValue, *, value: str) -> JSONValue:
    return JSONValue.of(value)


@field("JSONValue.withContents")
def with_contents(_ctx: Context, _value: JSONValue, *, contents: str) -> JSONValue:
    return JSONValue.parse(contents)


@field("JSONValue.withField")
def with_field(_ctx: Context, parent: JSONValue, *, path: Strings, value: JSONValue) -> JSONValue:
    return parent.with_field(path, value)


@field("Query.envFile")
def env_file(_ctx: Context, *, expand: bool = True) -> EnvFile:  # noqa: ARG001 -- deprecated: get expands, unless raw

    return EnvFile()


@field("File.asEnvFile")
async def as_env_file(ctx: Context, file: File, *, expand: bool = True) -> EnvFile:  # noqa: ARG001 -- deprecated

    return EnvFile.parse(await _text(ctx, file)).checked()


@field("EnvFile.asFile")
def as_file(_ctx: Context, env: EnvFile) -> File:
    return new_file(".env", env.text())


@field("EnvFile.exists")
def exists(_ctx: Context, env: EnvFile, *, name: str) -> bool:
    return name in dict(env.raw)


@field("EnvFile.get")
def get(ctx: Context, env: EnvFile, *, name: str, raw: bool = False) -> str:
    return env.value(name, raw=raw, outside=_outside(ctx))


@field("EnvFile.variables")
def variables(ctx: Context, env: EnvFile, *, raw: bool = False) -> list[EnvVariable]:
    pairs = sorted(env.raw) if raw else env.values(outside=_outside(ctx)).items()
    return [EnvVariable(name, value) for name, value in pairs]


@field("EnvFile.namespace")
def namespace(_ctx: Context, env: EnvFile, *, prefix: str) -> EnvFile:
    return env.namespace(prefix)


@field("EnvFile.withVariable")
def with_variable(_ctx: Context, env: EnvFile, *, name: str, value: str) -> EnvFile:
    return env.with_variable(name, value).checked()


@field("EnvFile.withoutVariable")
def without_variable(_ctx: Context, env: EnvFile, *, name: str) -> EnvFile:
    return env.without_variable(name)


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
