"""Paths and secrets named on the command line are looked for before anything starts."""

from pathlib import Path

import pytest

from baselard.cli import call
from baselard.engine.api.objects.reachable import Step
from baselard.engine.api.objects.typedef import Function, FunctionArg, TypeDef
from baselard.engine.errors import UserError
from baselard.engine.modules.addresses import ObjectAddress


def check(type_name: str, text: str) -> None:
    kind = TypeDef("OBJECT_KIND", name=type_name)
    function = Function("f", TypeDef("STRING_KIND"), args=(FunctionArg("my_arg", kind),))
    call.check_addresses(Step(TypeDef(), function, {"my_arg": [ObjectAddress(type_name, text)]}))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THERE", "x")


@pytest.mark.parametrize(
    ("type_name", "text", "says"),
    [
        ("Directory", "none", "--my-arg none: there is no such file or directory"),
        ("Directory", "file", "a directory is expected"),
        ("File", ".", "a file is expected"),
        ("Container", "none.tar", "--my-arg none.tar: there is no such file"),
        ("Container", "oci-archive:none", "there is no such file"),
        ("Container", "/tmp", "a file is expected"),
        ("Secret", "env:NOT_THERE", "the variable is not set"),
        ("Secret", "env://NOT_THERE", "the variable is not set"),
    ],
)
def test_what_is_not_there(type_name: str, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        check(type_name, text)


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        ("Directory", "."),
        ("Directory", "https://example.com/r.git#main"),
        ("File", "file"),
        ("Secret", "env://THERE"),
        ("Secret", "cmd:pass show x"),
        ("Container", "debian:trixie-slim"),
        ("Container", "localhost:5000/a@sha256:0"),
        ("Container", "file://file"),
    ],
)
def test_what_is_there_or_elsewhere(type_name: str, text: str) -> None:
    check(type_name, text)
