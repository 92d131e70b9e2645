"""Help from what the module registered."""

from functools import partial

from baselard.cli import chain, help
from baselard.engine.api import served
from baselard.engine.api.objects.typedef import EnumValueTypeDef, Function, FunctionArg, Module, TypeDef
from baselard.engine.api.query import core_types

STRING = TypeDef("STRING_KIND")
LEVEL = TypeDef("ENUM_KIND", name="Level", members=(EnumValueTypeDef("LOW"), EnumValueTypeDef("HIGH")))
SAY = Function(
    "say_hello",
    STRING,
    "Say hello.\n\nAt length.",
    args=(
        FunctionArg("first_name", STRING, "whom to greet " + "x" * 90),
        FunctionArg("level", TypeDef("ENUM_KIND", name="Level"), default_value='"LOW"', deprecated="shout less"),
        FunctionArg("source", TypeDef("OBJECT_KIND", name="Directory"), default_path="/"),
        FunctionArg("loud", TypeDef("BOOLEAN_KIND"), default_value="false"),
    ),
)
MAIN = TypeDef("OBJECT_KIND", name="M", functions=(SAY,), constructor=Function("", TypeDef("OBJECT_KIND", name="M")))
MODULE = Module("m", "The module's own words.", objects=(MAIN,), enums=(LEVEL,))


def text(*words: str) -> str:
    parsed = chain.parse(MODULE, MODULE.find, [*words, "--help"])
    return help.call_help(MODULE, MODULE.find, parsed)


def test_the_module_shows_its_functions() -> None:
    shown = text()
    assert shown.startswith("The module's own words.\n\nUsage: baselard call [flags] FUNCTION …\n")
    assert "\n  say-hello  Say hello.\n" in shown


def test_a_function_shows_its_arguments() -> None:
    shown = text("say-hello")
    assert shown.startswith("Say hello.\n\nAt length.\n\nUsage: baselard call say-hello [flags]\n")
    assert "(one of LOW, HIGH; default: LOW; deprecated: shout less)" in shown
    assert "--first-name String" in shown and "(required)" in shown
    assert "--source Directory" in shown and "(default: /)" in shown
    assert "\n  --loud\n" in shown


def test_no_line_is_too_long() -> None:
    assert max(map(len, text("say-hello").splitlines())) <= 116


def test_the_api_s_own_types_can_be_explored() -> None:
    returned = Function("base", TypeDef("OBJECT_KIND", name="Container"))
    rows = dict(help.functions_of(partial(core_types.find, served.core().schema), returned))
    assert {"with-exec", "stdout", "file"} <= set(rows)
    container = core_types.find(served.core().schema, "Container")
    assert container
    publish = next(function for function in container.functions if function.name == "publish")
    required = {arg.name: arg.required for arg in publish.args}
    assert (required["address"], required["platformVariants"]) == (True, False)
    variants = next(arg for arg in publish.args if arg.name == "platformVariants")
    assert variants.type_def.label == "[Container]"
