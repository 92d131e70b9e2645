"""Type definitions: names, what callers must give, and keeping them as text."""

from pathlib import Path

import pytest

from baselard.engine.api.objects import names
from baselard.engine.api.objects.function_call import CurrentModule, Frame, FunctionCall
from baselard.engine.api.objects.typedef import Function, FunctionArg, Module, TypeDef
from baselard.engine.errors import UserError

STRING = TypeDef("STRING_KIND")


@pytest.mark.parametrize(
    ("name", "kebab", "camel"),
    [
        ("test_examples", "test-examples", "testExamples"),
        ("listAll2", "list-all-2", "listAll2"),
        ("JSONData", "json-data", "jSONData"),
        ("withGPU", "with-gpu", "withGPU"),
        ("only", "only", "only"),
    ],
)
def test_names_have_the_forms_of_api_and_command_line(name: str, kebab: str, camel: str) -> None:
    assert (names.kebab(name), names.camel(name)) == (kebab, camel)


@pytest.mark.parametrize(
    ("arg", "required"),
    [
        (FunctionArg("a", STRING), True),
        (FunctionArg("a", TypeDef("STRING_KIND", optional=True)), False),
        (FunctionArg("a", STRING, default_value='"x"'), False),
        (FunctionArg("a", TypeDef("OBJECT_KIND", name="Directory"), default_path="."), False),
        (FunctionArg("a", TypeDef("OBJECT_KIND", name="Container"), default_address="debian"), False),
        (FunctionArg("a", TypeDef("OBJECT_KIND", name="Workspace")), False),
    ],
)
def test_an_argument_without_any_default_is_required(arg: FunctionArg, required: bool) -> None:
    assert arg.required is required


def test_only_an_object_has_functions() -> None:
    with pytest.raises(UserError, match=r"withFunction: the type is STRING_KIND, not OBJECT_KIND"):
        STRING.with_function(Function("f", STRING))


def test_the_main_object_is_the_one_with_a_constructor() -> None:
    side = TypeDef("OBJECT_KIND", name="Side")
    main = TypeDef("OBJECT_KIND", name="Main", constructor=Function("", side))
    assert Module("m", objects=(side, main)).main is main
    with pytest.raises(UserError, match="no main object"):
        _ = Module("m", objects=(side,)).main


def test_a_frame_is_named_by_its_module() -> None:
    frame = Frame(FunctionCall(), CurrentModule("hello", Path("/x"), Path("/x")))
    assert frame.module_name == "hello"
