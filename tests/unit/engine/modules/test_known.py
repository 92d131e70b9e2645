"""What a module said of itself, kept as text."""

import pytest

from baselard.engine.api.objects.typedef import EnumValueTypeDef, FieldTypeDef, Function, FunctionArg, Module, TypeDef
from baselard.engine.modules import known

STRING = TypeDef("STRING_KIND")


def test_text_gives_back_the_same_module() -> None:
    function = Function("f", TypeDef("LIST_KIND", element=STRING), "Does.", (FunctionArg("a", STRING, ignore=("x",)),))
    owner = TypeDef("OBJECT_KIND", name="M", fields=(FieldTypeDef("n", STRING),), functions=(function,))
    level = TypeDef("ENUM_KIND", name="Level", members=(EnumValueTypeDef("LOW", "low"),))
    module = Module("m", "Says.", (owner.with_constructor(Function("", owner)),), (), (level,))
    assert known.loads(known.dumps(module)) == module


def test_other_text_is_no_module() -> None:
    with pytest.raises(KeyError):
        known.loads("{}")
