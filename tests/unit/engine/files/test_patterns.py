import pytest
from e2b_dockerfile_utils.dockerignore import PatternMatcher
from hypothesis import given
from hypothesis import strategies as st

from baselard.engine.errors import UserError
from baselard.engine.files import patterns


def matches(given_patterns: list[str], path: str) -> bool:
    """Ask as a walk asks: from the root downwards."""
    compiled = patterns.compile_patterns(given_patterns)
    parts = path.split("/")
    matched, state = False, compiled.nothing
    for depth in range(1, len(parts) + 1):
        matched, state = compiled.match("/".join(parts[:depth]), state)
    return matched


@pytest.mark.parametrize(
    ("wanted", "path", "expected"),
    [
        (["*.md"], "a.md", True),
        (["*.md"], "docs/a.md", False),
        (["**/*.md"], "docs/x/a.md", True),
        (["**/*.md"], "a.md", True),
        (["docs"], "docs/x/a.md", True),
        (["docs/"], "docs/a", True),
        (["/docs"], "docs/a", True),
        (["./docs/../docs"], "docs", True),
        (["docs/**"], "docs", False),
        (["docs/**"], "docs/a/b", True),
        (["docs", "!docs/keep"], "docs/keep/this", False),
        (["docs", "!docs/keep"], "docs/other", True),
        (["docs", "!docs/keep", "docs/keep/not"], "docs/keep/not", True),
        (["a?c"], "abc", True),
        (["a?c"], "a/c", False),
        (["[a-c]x"], "bx", True),
        (["[^a-c]x"], "bx", False),
        ([r"a\*c"], "abc", False),
        ([r"a\*c"], "a*c", True),
        (["a.b"], "axb", False),
        (["**"], "any/thing", True),
        (["**/foo"], "x/y/foo/z", True),
        (["new\nline*"], "new\nline\n", True),
        (["../outside", "/.."], "outside", False),
        (["", "  "], "x", False),
    ],
)
def test_matches(wanted: list[str], path: str, expected: bool) -> None:
    assert matches(wanted, path) is expected


@pytest.mark.parametrize("pattern", ["!", "[", "a[", "[]", "a\\", "[b-a]"])
def test_bad_patterns_are_named(pattern: str) -> None:
    with pytest.raises(UserError, match="pattern"):
        patterns.compile_patterns([pattern])


@pytest.mark.parametrize("name", ["plain", "a*b", "[x]", "a?", "back\\slash", "!not", "#no", " spaced "])
def test_literal_matches_its_name_alone(name: str) -> None:
    assert matches([patterns.literal(name)], name)
    assert not matches([patterns.literal(name)], "axb")


_segment = st.sampled_from(["a", "b", "ab", "*", "**", "a*", "?", "[ab]", "*b"])
_pattern = st.builds(
    lambda negated, parts: "!" * negated + "/".join(parts), st.booleans(), st.lists(_segment, min_size=1, max_size=4)
)
_path = st.lists(st.sampled_from(["a", "b", "ab", "c"]), min_size=1, max_size=5).map("/".join)


@given(given_patterns=st.lists(_pattern, max_size=5), path=_path)
def test_agrees_with_the_port_of_moby(given_patterns: list[str], path: str) -> None:
    assert matches(given_patterns, path) == PatternMatcher(given_patterns).matches(path)


@given(given_patterns=st.lists(_pattern, max_size=4), path=_path)
def test_a_match_is_never_below_what_is_ruled_out(given_patterns: list[str], path: str) -> None:
    """Walks skip directories by ``may_match_below``; nothing that would match may be lost by that."""
    compiled = patterns.compile_patterns(given_patterns)
    parts = path.split("/")
    state = compiled.nothing
    for depth in range(1, len(parts)):
        directory = "/".join(parts[:depth])
        above, state = compiled.match(directory, state)
        if not above and not compiled.may_match_below(directory, negated=False):
            assert not matches(given_patterns, path)
        if above and not compiled.may_match_below(directory, negated=True):
            assert matches(given_patterns, path)
