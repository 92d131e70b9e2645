"""Texts that are read and written: references to variables, durations, env files, JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselard.engine.api.more.objects.json_value import JSONValue
from baselard.engine.api.objects import durations
from baselard.engine.api.objects.environment import expand
from baselard.engine.errors import UserError

KNOWN = {"A": "1", "LONG_name2": "2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}", "1"),
        ("x${A}y", "x1y"),
        ("$Ay", ""),
        ("$LONG_name2.", "2."),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("$$", ""),
        ("${}", ""),
        ("${A", "A"),
        ("$12", "2"),
        ("100%", "100%"),
    ],
)
def test_references_are_replaced_as_go_does(text: str, expected: str) -> None:
    """Expected values by Go's os.Expand with the same lookup."""
    assert expand(text, lambda name: KNOWN.get(name, "")) == expected


@pytest.mark.parametrize("text", ["", "s", "30", "1m 30s", "1x", "1s2", ".", "\u0663s", "1_0s", "\uff11m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UserError, match="is not a duration; write it like 30s"):
        durations.parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_comes_back_as_it_went_in(value: object) -> None:
    assert JSONValue.parse(json.dumps(value)).value == value


def test_fields_of_json() -> None:
    """As Go's encoding/json and core/schema/jsonvalue.go have it."""
    value = JSONValue.of({"a": {"b": [1]}})
    assert value.field(["a", "b"]).text == "[1]"
    assert value.with_field(["a", "c"], JSONValue("2")).text == '{"a":{"b":[1],"c":2}}'
    assert JSONValue().with_field(["x"], JSONValue("true")).text == '{"x":true}'
    assert value.with_field(["a", "b", "c"], JSONValue()).text == '{"a":{"b":{"c":null}}}'
    with pytest.raises(UserError, match="no such field: 'z'"):
        value.field(["a", "z"])
    with pytest.raises(UserError, match="field 'c' in non-object value"):
        value.field(["a", "b", "c"])
    with pytest.raises(UserError, match="cannot unmarshal true into Go value of type int"):
        JSONValue("true").as_integer()
    assert JSONValue().as_string() == ""


def test_json_is_kept_as_given_and_written_as_go_writes_it() -> None:
    value = JSONValue.parse('{"b": 1, "a": "<é>"}')
    assert value.text == '{"b": 1, "a": "<é>"}'
    assert JSONValue.of(value.value).text == '{"a":"\\u003cé\\u003e","b":1}'
    with pytest.raises(UserError, match="invalid JSON"):
        JSONValue.parse("{")
