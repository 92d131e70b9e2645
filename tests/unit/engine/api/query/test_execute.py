"""Queries run against small schemas of their own, so that every rule of execution shows by itself."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.api.objects.secrets import SecretStore
from baselard.engine.api.objects.serving import Served
from baselard.engine.api.query.api import Api
from baselard.engine.api.query.context import Context, State
from baselard.engine.api.query.failures import FieldError, InvalidQuery
from baselard.engine.api.query.fields import Fields
from baselard.engine.api.query.queries import MAX_DEPTH, Queries
from baselard.engine.errors import UnsupportedError, UserError

pytestmark = pytest.mark.anyio

SDL = """
directive @expectedType(name: String!) on FIELD_DEFINITION | ARGUMENT_DEFINITION
directive @enumValue(value: String!) on ENUM_VALUE
scalar ThingID
enum Colour { RED ROUGE @enumValue(value: "RED") }
interface Node { id: ID! }
type Query {
  thing(name: String = "new"): Thing!
  node(id: ID!): Node
  loadThingFromID(id: ThingID!): Thing!
  slow: Int!
  fail: Int!
}
type Thing implements Node {
  id: ID!
  name: String!
  with(name: String!, other: ID @expectedType(name: "Thing"), useIt: Boolean = false, from: String): Thing!
  join(others: [ID!]! @expectedType(name: "Thing")): Thing!
  colour(colour: Colour = RED): String!
  parts: [Thing!]!
  none: Thing
  missing: String!
  bad: String!
}
"""


@dataclass(frozen=True)
class Thing:
    name: str


def with_name(
    _ctx: Context, thing: Thing, *, name: str, other: Thing | None = None, use_it: bool = False, from_: str = "?"
) -> Thing:
    return Thing(f"{thing.name}+{name}{other.name if other else ''}{use_it}{from_}")


async def slow(ctx: Context) -> int:
    log: Any = ctx.session.api
    log.append("started")
    await asyncio.sleep(0)
    log.append("ended")
    return 1


async def fail(_ctx: Context) -> int:
    raise UserError("no luck")


REGISTERED = {
    "Query.thing": lambda _ctx, *, name="new": Thing(name),
    "Query.node": lambda ctx, *, id: ctx.session.ids.load(id),
    "Query.slow": slow,
    "Query.fail": fail,
    "Thing.name": lambda _ctx, thing: thing.name,
    "Thing.with": with_name,
    "Thing.join": lambda _ctx, thing, *, others: Thing(thing.name + "".join(other.name for other in others)),
    "Thing.colour": lambda _ctx, thing, *, colour="default": colour,
    "Thing.parts": lambda _ctx, thing: [Thing(letter) for letter in thing.name],
    "Thing.none": lambda _ctx, thing: None,
    "Thing.bad": lambda _ctx, thing: None,
}


@pytest.fixture
def api() -> Api:
    small = Api(SDL)
    fields = Fields(small.schema, {name: Served(resolve) for name, resolve in REGISTERED.items()})  # type: ignore[arg-type]
    small.__dict__["queries"] = Queries(small.schema, fields)
    return small


@pytest.fixture
def ctx() -> Context:
    evaluator: Any = None
    log: Any = []
    return Context(State(evaluator, Path("/"), SecretStore(Path("/"), b""), log))


async def answered(api: Api, *asked: Any) -> Any:
    return await api.answer(*asked)


async def error(api: Api, ctx: Context, query: str) -> FieldError:
    with pytest.raises(FieldError) as caught:
        await answered(api, ctx, query)
    return caught.value


async def test_a_chain_comes_back_nested_under_the_clients_own_names(api: Api, ctx: Context) -> None:
    answer = await answered(api, ctx, '{a: thing(name:"x"){b: with(name:"y"){name __typename}}}')
    assert answer == {"a": {"b": {"name": "x+yFalse?", "__typename": "Thing"}}}


async def test_objects_are_loaded_from_ids_and_absent_or_null_arguments_left_to_python(api: Api, ctx: Context) -> None:
    given = (await answered(api, ctx, '{thing(name:"z"){id}}'))["thing"]["id"]
    query = f'{{thing{{with(name:"n", other:"{given}", useIt:true, from:null){{name}}}}}}'
    assert (await answered(api, ctx, query))["thing"]["with"]["name"] == "new+nzTrue?"
    query = f'{{thing{{join(others:["{given}","{given}"]){{name}}}}}}'
    assert (await answered(api, ctx, query))["thing"]["join"]["name"] == "newzz"


async def test_both_ways_of_loading_by_id(api: Api, ctx: Context) -> None:
    given = (await answered(api, ctx, '{thing(name:"z"){id}}'))["thing"]["id"]
    assert (await answered(api, ctx, f'{{node(id:"{given}"){{... on Thing{{name}}}}}}'))["node"] == {"name": "z"}
    assert (await answered(api, ctx, f'{{loadThingFromID(id:"{given}"){{name}}}}'))["loadThingFromID"] == {"name": "z"}


async def test_an_unknown_id_says_so_and_where(api: Api, ctx: Context) -> None:
    caught = await error(api, ctx, '{thing{with(name:"n", other:"forged"){name}}}')
    assert caught.path == ["thing", "with"]
    assert str(caught.__cause__) == "unknown Thing ID 'forged': it was not given out in this session"


async def test_enum_aliases_mean_the_same_value(api: Api, ctx: Context) -> None:
    answer = await answered(api, ctx, "{thing{a: colour(colour: ROUGE) b: colour(colour: RED) c: colour}}")
    assert answer["thing"] == {"a": "RED", "b": "RED", "c": "default"}


async def test_lists_of_objects_keep_their_order(api: Api, ctx: Context) -> None:
    answer = await answered(api, ctx, '{thing(name:"abc"){parts{name with(name:"d"){name}}}}')
    assert [part["name"] for part in answer["thing"]["parts"]] == ["a", "b", "c"]


async def test_null_objects_and_wrong_nulls(api: Api, ctx: Context) -> None:
    assert await answered(api, ctx, "{thing{none{name}}}") == {"thing": {"none": None}}
    assert "may not be null" in str((await error(api, ctx, "{thing{bad}}")).__cause__)


async def test_fields_beside_each_other_run_at_the_same_time(api: Api, ctx: Context) -> None:
    assert await answered(api, ctx, "{a: slow b: slow}") == {"a": 1, "b": 1}
    log: Any = ctx.session.api
    assert log == ["started", "started", "ended", "ended"]


async def test_the_first_error_ends_the_query(api: Api, ctx: Context) -> None:
    caught = await error(api, ctx, "{a: slow b: fail}")
    assert (caught.path, str(caught.__cause__)) == (["b"], "no luck")


async def test_a_field_without_resolver_names_itself_and_the_way_out(api: Api, ctx: Context) -> None:
    caught = await error(api, ctx, "{thing{missing}}")
    assert isinstance(caught.__cause__, UnsupportedError)
    assert "Thing.missing" in str(caught.__cause__)
    assert "Dagger engine" in str(caught.__cause__)


async def test_fragments_variables_directives_and_operation_names(api: Api, ctx: Context) -> None:
    query = """
    query One($name: String!, $no: Boolean = false) {
      thing(name: $name) { ...F gone: name @include(if: $no) other: name @skip(if: $no) }
    }
    query Two { thing { name } }
    fragment F on Node { ... on Thing { name } }
    """
    assert await answered(api, ctx, query, {"name": "v"}, "One") == {"thing": {"name": "v", "other": "v"}}
    with pytest.raises(InvalidQuery, match="name the operation"):
        await answered(api, ctx, query)
    with pytest.raises(InvalidQuery, match="unknown operation 'Three'"):
        await answered(api, ctx, query, {}, "Three")
    with pytest.raises(InvalidQuery, match=r"\$name"):
        await answered(api, ctx, query, {}, "One")


@pytest.mark.parametrize("query", ["{", "{thing{nothing}}", '{thing(size:"1"){name}}', "{thing}", "mutation{thing}"])
async def test_queries_that_do_not_fit_the_schema_run_nothing(api: Api, ctx: Context, query: str) -> None:
    with pytest.raises(InvalidQuery):
        await answered(api, ctx, query)


def chain(length: int) -> str:
    return "{thing" + '{with(name:"x")' * length + "{name}" + "}" * (length + 1)


async def test_chains_as_deep_as_a_client_can_send_and_no_deeper(api: Api, ctx: Context) -> None:
    answer: Any = await answered(api, ctx, chain(MAX_DEPTH - 5))
    for _ in range(MAX_DEPTH - 4):
        (answer,) = answer.values()
    assert answer["name"].startswith("new+x")
    with pytest.raises(InvalidQuery, match="nest"):
        await answered(api, ctx, chain(MAX_DEPTH + 1))


async def test_introspection_is_answered_and_kept(api: Api, tmp_path: Path) -> None:
    query = "{__schema{queryType{name}}}"
    first = api.introspection(query, tmp_path)
    assert first == b'{"data":{"__schema":{"queryType":{"name":"Query"}}}}'
    (kept,) = (tmp_path / "introspection").iterdir()
    kept.write_bytes(b"from the file")
    assert api.introspection(query, tmp_path) == b"from the file"
    assert api.introspection("{thing{name}}", tmp_path) is None
    assert api.introspection("{__schema{queryType{name}} thing{name}}", tmp_path) is None


async def test_introspection_beside_other_fields_is_refused(api: Api, ctx: Context) -> None:
    with pytest.raises(InvalidQuery, match="on its own"):
        await answered(api, ctx, "{__schema{queryType{name}} thing{name}}")
