"""Results on stdout, as Dagger prints them, and in files."""

from pathlib import Path
from typing import Any

import pytest

from baselard.cli import result
from baselard.engine.api.objects.typedef import TypeDef

STRING = TypeDef("STRING_KIND")
PERSON = TypeDef("OBJECT_KIND", name="Person")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (STRING, "a\nb", "a\nb"),
        (TypeDef("INTEGER_KIND"), 3, "3"),
        (TypeDef("BOOLEAN_KIND"), True, "true"),
        (TypeDef("VOID_KIND"), None, ""),
        (TypeDef("STRING_KIND", optional=True), None, ""),
        (TypeDef("LIST_KIND", element=STRING), ["a", "b"], "a\nb\n"),
    ],
)
def test_plain_values(capsys: pytest.CaptureFixture[str], kind: TypeDef, value: Any, text: str) -> None:
    result.show(kind, value, as_json=False)
    assert capsys.readouterr().out == text


def test_objects_are_named_by_type_and_digest(capsys: pytest.CaptureFixture[str]) -> None:
    result.show(TypeDef("LIST_KIND", element=PERSON), [{"name": "a"}, {"name": "a"}, {"name": "b"}], as_json=False)
    first, again, other = capsys.readouterr().out.splitlines()
    assert first.startswith("- Person@sha256:")
    assert first == again != other


def test_json_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    result.show(TypeDef("LIST_KIND", element=STRING), ["ü"], as_json=True)
    assert capsys.readouterr().out == '[\n    "ü"\n]\n'


def test_a_value_goes_to_a_file_and_to_stdout(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result.show(STRING, "text", as_json=False, output=str(tmp_path / "new" / "file"))
    assert (tmp_path / "new" / "file").read_text() == capsys.readouterr().out == "text"


def test_an_exported_directory_is_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    result.show(TypeDef("OBJECT_KIND", name="Directory"), "/there", as_json=False, output="there")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", 'Saved to "/there".\n')
