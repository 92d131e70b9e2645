"""The served SDL against the SDK it was made from, and against the resolvers that are registered."""

import importlib.util
import inspect
from pathlib import Path

import graphql
import pytest

from baselard.engine.api import elsewhere, generate, served
from baselard.engine.api.objects.names import snake_case


@pytest.fixture(scope="module")
def schema() -> graphql.GraphQLSchema:
    return served.core().schema


def test_the_sdl_is_what_the_installed_sdk_says() -> None:
    package = importlib.util.find_spec("dagger")
    assert package
    assert package.origin
    source = (Path(package.origin).parent / "client" / "gen.py").read_text()
    assert Path(served.__file__).with_name("api.graphql").read_text() == generate.generate(source)


def test_the_sdl_is_a_valid_schema(schema: graphql.GraphQLSchema) -> None:
    assert graphql.validate_schema(schema) == []


def test_every_resolver_and_exception_belongs_to_a_field(schema: graphql.GraphQLSchema) -> None:
    known = {
        f"{name}.{field}"
        for name, kind in schema.type_map.items()
        if isinstance(kind, graphql.GraphQLObjectType)
        for field in kind.fields
    }
    assert set(served.core().fields.registered) <= known
    assert {name for name in elsewhere.INSTEAD if "." in name} <= known
    assert {name for name in elsewhere.INSTEAD if "." not in name} <= set(schema.type_map)
    assert known >= generate.MAYBE_NULL


def test_every_resolver_takes_the_arguments_of_its_field(schema: graphql.GraphQLSchema) -> None:
    """A name misspelt on either side would only show when somebody sends it."""
    for name, field_ in served.core().fields.registered.items():
        owner, _, field = name.partition(".")
        kind = schema.get_type(owner)
        assert isinstance(kind, graphql.GraphQLObjectType)
        parameters = inspect.signature(field_.resolve).parameters
        ahead = field_.asks + (owner != "Query")
        taken = {p.name.rstrip("_") for p in list(parameters.values())[ahead:]}
        sent = {snake_case(arg) for arg in kind.fields[field].args} - set(map(snake_case, field_.without))
        if inspect.isclass(field_.resolve):
            assert taken >= sent, name
        elif not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
            assert taken == sent, name


@pytest.mark.parametrize(
    ("graphql_name", "python_name"),
    [("path", "path"), ("useEntrypoint", "use_entrypoint"), ("maxAPICalls", "max_api_calls"), ("asJSON", "as_json")],
)
def test_snake_case(graphql_name: str, python_name: str) -> None:
    assert snake_case(graphql_name) == python_name


def test_types_of_arguments_and_results() -> None:
    source = """
class Colour(Enum):
    RED = "RED"
    ROUGE = "RED"

class Thing(Type):
    def with_(self, cb): return cb(self)
    def paint(self, colour: Colour | None = Colour.RED, *, others: "list[Thing] | None" = None) -> "Thing":
        _args = [
            Arg("colour", colour, Colour.RED),
            Arg("others", [] if others is None else others, []),
        ]
        _ctx = self._select("paint", _args)
        return Thing(_ctx)
    async def parts(self, near: Self) -> "list[Thing]":
        _args = [Arg("near", near)]
        _ctx = self._select("parts", _args)
        return await _ctx.execute_object_list(Thing)
    async def id(self) -> str:
        _args = []
        _ctx = self._select("id", _args)
        return await _ctx.execute(str)
    async def sync(self) -> Self:
        _args = []
        return await self._ctx.execute_sync(self, "sync", _args)
    async def price(self) -> int | None:
        _args = []
        _ctx = self._select("price", _args)
        return await _ctx.execute(int | None)
    async def burn(self) -> Void | None:
        _args = []
        _ctx = self._select("burn", _args)
        await _ctx.execute()
"""
    sdl = generate.generate("class Void(Scalar): pass\n" + source).removeprefix(generate.DIRECTIVES)
    assert sdl.split("\n\n") == [
        "\nscalar Void",
        'enum Colour {\n  RED\n  ROUGE @enumValue(value: "RED")\n}',
        """type Thing implements Syncer & Node {
  burn: Void
  id: ID!
  paint(colour: Colour = RED, others: [ID!] = [] @expectedType(name: "Thing")): Thing!
  parts(near: ID! @expectedType(name: "Thing")): [Thing!]!
  price: Int
  sync: ID! @expectedType(name: "Thing")
}
""",
    ]
