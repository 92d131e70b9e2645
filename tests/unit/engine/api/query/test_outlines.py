"""Queries known to be valid are not validated again, in this process and in the next."""

from pathlib import Path
from typing import Any

import graphql
import pytest

from baselard.engine.api.query.failures import InvalidQuery
from baselard.engine.api.query.fields import Fields
from baselard.engine.api.query.outlines import Outlines, outline
from baselard.engine.api.query.queries import Queries, build


def test_queries_that_differ_in_strings_alone_have_one_outline() -> None:
    one = '{ a(x: "1", y: "1") { b(z: "2") } }'
    assert outline(one) == outline('{ a(x: "é \\" {", y: "é \\" {") { b(z: "") } }')
    for other in (
        '{ a(x: "1", y: "2") { b(z: "2") } }',
        '{ a(x: "1", y: "1") { c(z: "2") } }',
        '{ a(x: 1, y: "1") { b } }',
    ):
        assert outline(one) != outline(other)


@pytest.mark.parametrize("query", ['{ a(x: """b""") }', '{ a # "\n(x: "1") }', '{ a # "b"\n }'])
def test_where_a_quotation_mark_may_delimit_no_string_there_is_no_outline(query: str) -> None:
    assert outline(query) == ""


def test_another_process_knows_them_too(tmp_path: Path) -> None:
    first = Outlines(tmp_path / "valid")
    first.add("a")
    Outlines(tmp_path / "valid").add("b")
    assert [name in Outlines(tmp_path / "valid") for name in "abc"] == [True, True, False]
    assert "b" not in first


def test_a_directory_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    found = Outlines(tmp_path / "missing/valid")
    found.add("a")
    assert "a" in found


def test_what_is_valid_is_validated_once_and_what_is_not_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = build("type Query { thing(name: String): String }")
    counted: list[Any] = []
    real = graphql.validate
    monkeypatch.setattr(graphql, "validate", lambda *args: counted.append(args) or real(*args))
    for name in ("a", "b", "c"):
        Queries(schema, Fields(schema, {}))._checked(f'{{ thing(name: "{name}") }}', tmp_path / "valid")
    assert len(counted) == 1
    for _ in range(2):
        with pytest.raises(InvalidQuery):
            Queries(schema, Fields(schema, {}))._checked("{ nothing }", tmp_path / "valid")
    assert len(counted) == 3
