"""Queries put together of the parts of earlier ones. Judge: graphql-core's own parser, which counts as well."""

import json

import graphql
import pytest

from baselard.engine.api.query import lexing
from baselard.engine.api.query.outlines import outline
from baselard.engine.api.query.shapes import Shapes

FAMILIES = [
    ['{ a(x: "1", y: "2") { b(z: ["3", "4"]) c } }', '{ a(x: "", y: "é") { b(z: ["\\u00e9\\n", "\\"{"]) c } }'],
    ['{ n: a(x: {k: "1", l: [{m: "2"}]}) @skip(if: false) { ... on T { b(z: "3") } } }'] * 2,
    ['query Q { a(x: "0") } fragment F on T { b(y: "10") }', 'query Q { a(x: "10") } fragment F on T { b(y: "0") }'],
    ["{ a b(x: 1, y: 2.5, z: true, e: RED, n: null) }"] * 2,
    ["{ a" + "".join(f'(x: "{i}") {{ b' for i in range(400)) + "}" * 400 + "}"] * 2,
    ['{ a(x: "1") }', '{ a(x: "\\ud83d\\ude00") }'],  # which the lexer reads by letter
]


@pytest.fixture(autouse=True)
def _as_served() -> None:
    lexing.install()
    from baselard.engine.api.query.queries import allow_deep_queries

    allow_deep_queries()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family[0][:40])
def test_the_same_document_as_by_parsing(family: list[str]) -> None:
    shapes = Shapes()
    for query in [*family, *family]:
        assert shapes.document(outline(query), query) == graphql.parse(query, no_location=True)


def test_an_outline_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes, parsed, real = Shapes(), [], graphql.parse
    monkeypatch.setattr(graphql, "parse", lambda text, **more: parsed.append(text) or real(text, **more))
    for text in ("one", "two", "three"):
        query = f'{{ a(x: "{text}", y: "z") }}'
        shapes.document(outline(query), query)
    assert parsed == ['{ a(x: "0", y: "1") }']


def test_what_one_process_has_parsed_another_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Shapes(), Shapes()
    for query in (query for family in FAMILIES for query in family):
        one.document(outline(query), query)
    other.learn(json.loads(json.dumps(one.parsed)))
    assert other.parsed == {}  # who told it knows it already
    asked = [(query, graphql.parse(query, no_location=True)) for query in FAMILIES[0] + FAMILIES[1]]
    monkeypatch.setattr(graphql, "parse", None)
    for query, document in asked:
        assert other.document(outline(query), query) == document


def test_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baselard.engine.api.query.shapes._MOST", 1)
    shapes = Shapes()
    for query in ('{ a(x: "1") }', '{ b(x: "1") }', '{ a(x: "2") }', "{ " + "c " * 40_000 + "}"):
        assert shapes.document(outline(query), query) == graphql.parse(query, no_location=True)
    assert len(shapes._known) == 1


def test_a_string_that_is_none_is_explained_by_the_parser() -> None:
    shapes = Shapes()
    shapes.document(outline('{ a(x: "1") }'), '{ a(x: "1") }')
    with pytest.raises(graphql.GraphQLError, match="Invalid character escape"):
        shapes.document(outline('{ a(x: "\\q") }'), '{ a(x: "\\q") }')
