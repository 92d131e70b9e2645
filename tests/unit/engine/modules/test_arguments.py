"""Arguments as a module gets them, and objects named by strings."""

from pathlib import Path
from typing import Any

import pytest

from baselard.engine.api.objects.typedef import Function, FunctionArg, TypeDef
from baselard.engine.errors import UserError
from baselard.engine.modules import addresses
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.modules.arguments import complete, default_path
from baselard.engine.modules.source import PythonModule

pytestmark = pytest.mark.anyio
STRING = TypeDef("STRING_KIND")
DIRECTORY = TypeDef("OBJECT_KIND", name="Directory")


class Asked:
    """Answers every query with an ID and remembers it."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    async def __call__(self, query: str) -> Any:
        self.queries.append(query)
        return f"id{len(self.queries)}"


@pytest.fixture
def module(tmp_path: Path) -> PythonModule:
    (tmp_path / ".git").mkdir()
    (tmp_path / "mod" / "data").mkdir(parents=True)
    return PythonModule(tmp_path / "mod", "mod", tmp_path / "mod")


async def test_given_values_come_before_defaults(module: PythonModule) -> None:
    args = (FunctionArg("a", STRING, default_value='"x"'), FunctionArg("b", STRING, default_value='"y"'))
    values = await complete(Asked(), module, Function("f", STRING, args=args), {"a": "given"})
    assert values == {"a": "given", "b": "y"}


async def test_an_optional_argument_without_default_is_left_out(module: PythonModule) -> None:
    args = (FunctionArg("a", TypeDef("STRING_KIND", optional=True)),)
    assert await complete(Asked(), module, Function("f", STRING, args=args), {}) == {}


async def test_objects_become_ids(module: PythonModule) -> None:
    ask = Asked()
    args = (FunctionArg("a", DIRECTORY, ignore=("*.log",)), FunctionArg("b", DIRECTORY, default_path="data"))
    values = await complete(ask, module, Function("f", STRING, args=args), {"a": ObjectAddress("Directory", "/src")})
    assert values == {"a": "id1", "b": "id2"}
    assert ask.queries == [
        '{host { directory(path: "/src", noCache: true, exclude: ["*.log"]) { id } }}',
        f'{{host {{ directory(path: "{module.root}/data", noCache: true) {{ id }} }}}}',
    ]


def test_default_paths_start_at_the_module_or_its_repository(module: PythonModule) -> None:
    assert default_path(module, FunctionArg("a", DIRECTORY, default_path="data")) == module.root / "data"
    assert default_path(module, FunctionArg("a", DIRECTORY, default_path="/mod")) == module.root


@pytest.mark.parametrize(("path", "says"), [("../..", "is outside of"), ("missing", "is not there")])
def test_default_paths_that_cannot_be(module: PythonModule, path: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        default_path(module, FunctionArg("a", DIRECTORY, default_path=path))


@pytest.mark.parametrize(
    ("type_name", "text", "query"),
    [
        ("Directory", "https://x.org/r#main:sub", 'git(url: "https://x.org/r") { ref(name: "main") { tree { directory'),
        ("Directory", "github.com/o/r", 'git(url: "github.com/o/r") { head { tree { directory(path: ".")'),
        ("File", "a.txt", 'host { file(path: "a.txt")'),
        ("Container", "debian:trixie", 'container { from(address: "debian:trixie") { id } }'),
        ("Secret", "env:TOKEN", 'secret(uri: "env://TOKEN")'),
        ("Secret", "file:///etc/key", 'secret(uri: "file:///etc/key")'),
        ("Secret", "cmd:pass show x", 'secret(uri: "cmd://pass show x")'),
        ("Service", "tcp://db:5432", 'host: "db", ports: [{frontend: 5432, backend: 5432, protocol: TCP}]'),
        ("Socket", "unix:///run/s", 'unixSocket(path: "/run/s")'),
    ],
)
async def test_strings_that_name_objects(type_name: str, text: str, query: str) -> None:
    ask = Asked()
    assert await addresses.load(ask, ObjectAddress(type_name, text)) == "id1"
    assert query in ask.queries[0]


async def test_strings_that_name_nothing() -> None:
    with pytest.raises(UserError, match="a service is named tcp://HOST:PORT"):
        await addresses.load(Asked(), ObjectAddress("Service", "db:5432"))
    assert addresses.can_name("Service") and not addresses.can_name("Fooer")


@pytest.mark.parametrize("text", ["base.tar", "./base.tar", "oci-archive:base.tar", "file://base.tar"])
async def test_a_container_may_be_an_archive_of_this_machine(text: str) -> None:
    ask = Asked()
    assert await addresses.load(ask, ObjectAddress("Container", text)) == "id2"
    assert ask.queries[0].endswith('base.tar") { id } }}')
    assert ask.queries[1] == '{ container { import(source: "id1") { id } } }'
