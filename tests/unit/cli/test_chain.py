"""Command lines of ``call`` as chains of functions."""

from typing import Any

import pytest

from baselard.cli import chain
from baselard.cli.chain import Chain
from baselard.engine.api.objects.typedef import EnumValueTypeDef, FieldTypeDef, Function, FunctionArg, Module, TypeDef
from baselard.engine.errors import UserError
from baselard.engine.modules.addresses import ObjectAddress

STRING, INTEGER, BOOLEAN = (TypeDef(f"{kind}_KIND") for kind in ("STRING", "INTEGER", "BOOLEAN"))
LEVEL = TypeDef("ENUM_KIND", name="Level", members=(EnumValueTypeDef("LOW", "low"), EnumValueTypeDef("HIGH", "high")))
DIRECTORY = TypeDef("OBJECT_KIND", name="Directory")
PERSON = TypeDef("OBJECT_KIND", name="Person", fields=(FieldTypeDef("full_name", STRING),))
BUILD = Function(
    "build_all",
    TypeDef("OBJECT_KIND", name="Person"),
    args=(
        FunctionArg("first_name", STRING),
        FunctionArg("count", INTEGER, default_value="1"),
        FunctionArg("loud", BOOLEAN, default_value="false"),
        FunctionArg("level", TypeDef("ENUM_KIND", name="Level"), default_value='"LOW"'),
        FunctionArg("tags", TypeDef("LIST_KIND", element=STRING), default_value="[]"),
        FunctionArg("source", TypeDef("OBJECT_KIND", optional=True, name="Directory")),
        FunctionArg("data", TypeDef("SCALAR_KIND", optional=True, name="JSON")),
    ),
)
MAIN = TypeDef(
    "OBJECT_KIND",
    name="Main",
    functions=(BUILD, Function("hello", STRING)),
    constructor=Function(
        "", TypeDef("OBJECT_KIND", name="Main"), args=(FunctionArg("greeting", STRING, default_value='"x"'),)
    ),
)
MODULE = Module("main", objects=(MAIN, PERSON), enums=(LEVEL,))


def parse(*words: str) -> Chain:
    return chain.parse(MODULE, MODULE.find, words)


def values(*words: str) -> dict[str, Any]:
    return dict(parse("build-all", "--first-name", "A", *words).steps[1].args)


def test_each_function_takes_the_flags_that_follow_it() -> None:
    parsed = parse("--greeting=Hi", "build-all", "--first-name", "A", "full-name")
    assert [step.function.name for step in parsed.steps] == ["", "build_all", "full_name"]
    assert [dict(step.args) for step in parsed.steps] == [{"greeting": "Hi"}, {"first_name": "A"}, {}]
    assert [step.field for step in parsed.steps] == [False, False, True]


def test_functions_and_flags_may_be_spelled_as_in_the_module() -> None:
    assert parse("build_all", "--first_name", "A").steps[1].args == {"first_name": "A"}


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--count", "3"], "count", 3),
        (["--count=-3"], "count", -3),
        (["--loud"], "loud", True),
        (["--loud=false"], "loud", False),
        (["--level", "HIGH"], "level", "HIGH"),
        (["--level", "high"], "level", "HIGH"),
        (["--tags", "a,b", "--tags", '"c,d"'], "tags", ["a", "b", "c,d"]),
        (["--tags", 'a,"b\nc"'], "tags", ["a", "b\nc"]),
        (["--source", "."], "source", ObjectAddress("Directory", ".")),
        (["--data", '{"a": 1}'], "data", '{"a": 1}'),
    ],
)
def test_values_get_the_type_of_their_argument(words: list[str], name: str, value: object) -> None:
    assert values(*words)[name] == value


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["build-al"], "unknown function build-al; did you mean build-all?"),
        (["build-all", "--first-nam", "x"], "unknown flag --first-nam; did you mean --first-name?"),
        (["build-all"], r"missing: --first-name \(function build-all\)"),
        (["build-all", "--first-name"], "--first-name needs a value: String"),
        (["build-all", "--first-name", "A", "--count", "x"], "--count x: invalid literal"),
        (["build-all", "--first-name", "A", "--loud=perhaps"], "true or false is expected"),
        (
            ["build-all", "--first-name", "A", "--level", "hihg"],
            r"unknown value hihg; did you mean high\?|one of LOW, HIGH",
        ),
        (["build-all", "--first-name", "A", "--data", "{"], "--data {: Expecting property name"),
        (
            ["build-all", "--first-name", "A", "--tags", "a,b\nc"],
            "an entry with a line break .* stands in double quotes",
        ),
        (["hello", "more"], "hello returns String, which has no functions: more cannot follow"),
    ],
)
def test_mistakes_are_named(words: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        parse(*words)


def test_options_may_stand_anywhere() -> None:
    options = parse("-j", "build-all", "--first-name", "A", "-o", "out", "full-name", "--progress=plain").options
    assert (options.json, options.output, options.progress) == (True, "out", "plain")


def test_help_asks_for_nothing_else() -> None:
    parsed = parse("build-all", "--help")
    assert parsed.options.help
    assert parsed.steps[-1].function is BUILD


def test_a_flag_of_the_function_comes_before_an_option_of_the_same_name() -> None:
    function = Function("f", STRING, args=(FunctionArg("output", STRING),))
    main = TypeDef("OBJECT_KIND", name="M", functions=(function,), constructor=Function("", STRING))
    constructor = Function("", TypeDef("OBJECT_KIND", name="M"))
    module = Module("m", objects=(TypeDef("OBJECT_KIND", name="M", functions=main.functions, constructor=constructor),))
    parsed = chain.parse(module, module.find, ["f", "--output", "x"])
    assert parsed.steps[1].args == {"output": "x"}
    assert parsed.options.output == ""


@pytest.mark.parametrize("text", ["hunter2", "", "hunter2:b"])
def test_a_secret_itself_is_no_value_and_is_not_shown(text: str) -> None:
    """Other programs of the machine see command lines (proc(5))."""
    asks = Function("login", STRING, args=(FunctionArg("password", TypeDef("OBJECT_KIND", name="Secret")),))
    main = TypeDef("OBJECT_KIND", name="Main", functions=(asks,), constructor=Function("", DIRECTORY))
    module = Module("main", objects=(main,))
    main_type = {"Main": main, "Directory": main}
    with pytest.raises(UserError, match="--password: a secret itself is not taken") as caught:
        chain.parse(module, main_type.get, ["login", "--password", text])
    assert "hunter2" not in str(caught.value)
    assert chain.parse(module, main_type.get, ["login", "--password", "env:TOKEN"]).steps[1].args["password"].text  # type: ignore[attr-defined]
