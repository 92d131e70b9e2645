"""What a module said of itself, kept as text."""

from pathlib import Path

import pytest

from baselard.engine.api.objects.typedef import EnumValueTypeDef, FieldTypeDef, Function, FunctionArg, Module, TypeDef
from baselard.engine.modules import known
from baselard.engine.modules.source import PythonModule

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


def test_a_held_description_is_read_once_and_is_of_this_content_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "_HELD", {})
    (tmp_path / "module").mkdir()
    own = PythonModule(tmp_path / "module", "m", tmp_path / "module")
    known.hold(own, tmp_path)
    assert known.read(own, tmp_path) is None
    known.write(own, tmp_path, Module("m", "Says."))
    known.hold(own, tmp_path)
    monkeypatch.setattr(known, "loads", lambda _: pytest.fail("read again"))
    assert known.read(own, tmp_path) == Module("m", "Says.")
    (own.root / "main.py").write_text("x = 1")
    assert known.read(PythonModule(own.root, "m", own.source), tmp_path) is None
