"""Strings read by expression against strings read by letter."""

from typing import Any

import pytest
from graphql import GraphQLError, Source
from graphql.language import Lexer
from hypothesis import given
from hypothesis import strategies as st

from baselard.engine.api.query import lexing

PIECES = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["\\n", '\\"', "\\\\", "\\/", "\\u0041", "\\uD83D\\uDE00", "\\uD800", "\\u{1F600}", "\\x", "\\"]),
)


def read(reader: Any, text: str) -> Any:
    lexer = Lexer(Source(f'"{text}"'))
    try:
        token = reader(lexer, 0)
    except GraphQLError as error:
        return error.message
    return token.value, token.start, token.end, token.line, token.column


@given(st.lists(PIECES, max_size=6).map("".join))
def test_both_read_the_same(text: str) -> None:
    assert read(lexing._read_string, text) == read(lexing._by_letter, text)


@pytest.mark.parametrize("text", ["plain", "a\\nb", "\\u00e9", "tab\tstays"])
def test_usual_strings_are_not_read_by_letter(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read(lexing._by_letter, text)
    monkeypatch.setattr(lexing, "_by_letter", None)
    assert read(lexing._read_string, text) == expected


def test_lexers_read_so_once_it_is_installed() -> None:
    lexing.install()
    assert Lexer.read_string is lexing._read_string
