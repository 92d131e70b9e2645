"""What is walked matches what the regular expression of the same pattern does; Python's re is the judge."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselard.engine.files import patterns, wildcard_match
from baselard.engine.files.wildcard_match import Gap

STEPS = st.lists(st.sampled_from([*Gap, "a", "b", "/", "[^/]", "[^a]", "."]), max_size=9)
TEXTS = st.text(alphabet="ab/\n", max_size=10)


@given(STEPS, TEXTS)
def test_a_walk_matches_what_the_expression_does(steps: list[wildcard_match.Step], text: str) -> None:
    regex = re.compile(wildcard_match._text(steps), re.DOTALL)
    walked = wildcard_match._Walk.of(steps).fullmatch(text)
    assert (walked is not None) == (regex.fullmatch(text) is not None)


@pytest.mark.parametrize("pattern", ["a*" * 40 + "b", "**/" * 40 + "b", "a**" * 40 + "b", "*a*/" * 20 + "b"])
def test_patterns_that_an_expression_would_never_end_with(pattern: str) -> None:
    found = patterns.compile_patterns([pattern, "plain", "*.md"])
    for text in ("a" * 250, "a/" * 1000 + "a", "x" * 250 + "/y"):
        assert not found.match(text, found.nothing)[0]
    assert found.match("plain", found.nothing)[0]
    assert patterns.compile_patterns(["**/a*b*c/**/d"]).match("x/y/aXbYc/z/d", (False,))[0]
