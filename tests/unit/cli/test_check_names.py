"""Which functions are checks, and what they are called."""

import pytest

from baselard.cli import check
from baselard.engine.api.objects.typedef import Function, FunctionArg, Module, TypeDef
from baselard.engine.errors import UserError

VOID, STRING = TypeDef("VOID_KIND"), TypeDef("STRING_KIND")
SIDE = TypeDef("OBJECT_KIND", name="Side", functions=(Function("deep_check", VOID, check=True),))
NEEDY = Function("needy", VOID, args=(FunctionArg("x", STRING),), check=True)
BACK = Function("back", TypeDef("OBJECT_KIND", name="Main"))
MAIN = TypeDef(
    "OBJECT_KIND",
    name="Main",
    functions=(
        Function("lint", VOID, check=True),
        Function("plain", VOID),
        NEEDY,
        Function("made", TypeDef("OBJECT_KIND", name="Changeset"), generator=True),
        Function("side", TypeDef("OBJECT_KIND", name="Side")),
        BACK,
    ),
    constructor=Function("", TypeDef("OBJECT_KIND", name="Main")),
)
MODULE = Module("m", objects=(MAIN, SIDE))


def names(*patterns: str) -> list[str]:
    return [found.name for found in check.matching(MODULE, patterns)]


def test_checks_are_found_where_no_argument_is_needed() -> None:
    assert names() == ["lint", "side:deep-check", "made"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("lint", ["lint"]),
        ("side", ["side:deep-check"]),
        ("*:deep*", ["side:deep-check"]),
        ("l*", ["lint"]),
        ("made", ["made"]),
    ],
)
def test_patterns_are_globs_or_beginnings(pattern: str, found: list[str]) -> None:
    assert names(pattern) == found


def test_a_pattern_that_names_nothing_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"unknown check lin; did you mean lint\?"):
        names("lin")


def test_a_constructor_that_needs_arguments_hides_all() -> None:
    needy = Function("", TypeDef("OBJECT_KIND", name="Main"), args=NEEDY.args)
    main = TypeDef("OBJECT_KIND", name="Main", functions=MAIN.functions, constructor=needy)
    assert check.matching(Module("m", objects=(main,)), ()) == ()
