"""Variants by GitHub Actions' rules. Judge: its manual's examples, under "Running variations of jobs in a workflow"."""

import pytest

from pipeline.config.config import parse
from pipeline.discovery import discover, plan
from pipeline.errors import ConfigError, UsageError
from pipeline.tags import naming
from pipeline.tags.events import Event
from pipeline.variants import combinations


def shown(matrix):
    return [" ".join(one.values()) for one in combinations(matrix)]


def test_the_first_list_varies_slowest():
    assert shown({"version": [10, 12], "os": ["ubuntu", "windows"]}) == [
        "10 ubuntu",
        "10 windows",
        "12 ubuntu",
        "12 windows",
    ]


def test_include_extends_what_it_does_not_change_and_is_else_one_of_its_own():
    matrix = {
        "fruit": ["apple", "pear"],
        "animal": ["cat", "dog"],
        "include": [
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
    }
    assert combinations(matrix) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_include_alone_is_all_there_is():
    assert shown({"include": [{"site": "production"}, {"site": "staging"}]}) == ["production", "staging"]


def test_exclude_needs_but_some_of_the_values():
    matrix = {
        "os": ["macos", "windows"],
        "version": [12, 14, 16],
        "environment": ["staging", "production"],
        "exclude": [{"os": "macos", "version": 12, "environment": "production"}, {"os": "windows", "version": 16}],
    }
    assert len(combinations(matrix)) == 9
    assert "macos 12 production" not in shown(matrix)
    assert not [one for one in shown(matrix) if one.startswith("windows 16")]


def test_include_brings_back_what_exclude_took():
    assert shown({"a": [1, 2], "exclude": [{"a": 2}], "include": [{"a": 2, "b": 3}]}) == ["1", "2 3"]


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ({"a": [1], "exclude": [{"b": 1}]}, "exclude names b, of which there is no list"),
        ({"a": [1], "exclude": [{"a": 1}]}, "it stands for no variant"),
        ({name: list(range(100)) for name in "abcdefghij"}, "it stands for more than 256 variants"),
    ],
)
def test_a_matrix_that_cannot_be_meant(matrix, said):
    with pytest.raises(UsageError, match=said):
        combinations(matrix)


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ("{A: []}", "baselard.yaml:3: bases.0.variants.A: [] breaks the rule minItems: 1"),
        ("{A: [1, ]}", None),
        ("{A: [1, null]}", "baselard.yaml:3: bases.0.variants.A.1: must be string or number or boolean, not nothing"),
        ("{A: [[1]]}", "baselard.yaml:3: bases.0.variants.A.0: must be"),
        ("{include: [{}]}", "baselard.yaml:3: bases.0.variants.include.0: "),
    ],
)
def test_a_list_has_values(variants, said):
    text = f"bases:\n- name: a\n  variants: {variants}\n"
    if said is None:
        assert parse(text).bases[0].variants == {"A": ["1"]}
        return
    with pytest.raises(ConfigError) as error:
        parse(text)
    assert str(error.value).startswith(said)


# --- of bases and examples --------------------------------------------------------------------------------------------


@pytest.fixture
def project(repository):
    async def find(config, **files):
        return await discover.project(repository({"baselard.yaml": config, "Dockerfile": "FROM debian\n", **files}))

    return find


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("base", "said"),
    [
        (
            "{name: a, variants: {A: [1], include: [{B: 2}, {A: 3}]}, tags: ['{A}-{B}']}",
            "baselard.yaml:2: '{A}-{B}' asks for B, of which the variant A=3 has no value",
        ),
        ("{name: a, variants: {A: [1, 2]}, tags: [x]}", "baselard.yaml:2: a:x cannot be Dockerfile: it is Dockerfile"),
        ("{name: a, variants: {A: [a/b]}}", "baselard.yaml:2: 'a/b' is not a tag"),
        (
            "{name: '{A}', dockerfile: '{A}/x', variants: {A: [a/..]}}",
            "baselard.yaml:2: '{A}/x' leads out of the repository, to a/../x",
        ),
        ("{name: a, context: '{A}', variants: {A: [/etc]}}", "baselard.yaml:2: '{A}' leads out of the repository"),
        ("{name: a, variants: {A: [1], exclude: [{A: 1}]}}", "baselard.yaml:2: it stands for no variant"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_line(project, base, said):
    with pytest.raises(ConfigError) as error:
        await project(f"bases:\n- {base}\n")
    assert str(error.value).startswith(said)


@pytest.mark.anyio
async def test_values_stand_in_texts_and_are_arguments(project):
    config = """\
bases:
- name: acme/{IMAGE}
  variants: {IMAGE: [os], SUITE: [trixie]}
  dockerfile: "{IMAGE}/Dockerfile"
  context: "{IMAGE}"
  build-args: {FROM: "debian:{SUITE}", IMAGE: fixed}
  contexts: {x: "{IMAGE}/x"}
  goss: tests/{IMAGE}
  vars: "vars-{SUITE}.yaml"
"""
    texts = {"os/Dockerfile": "FROM debian\n", "tests/os/a.yaml": "", "vars-trixie.yaml": ""}
    (base,) = (await project(config, **texts)).bases
    assert (base.name, base.tags, base.dockerfile, base.context) == ("acme/os", (), "os/Dockerfile", "os")
    assert base.settings.build_args == {"IMAGE": "fixed", "SUITE": "trixie", "FROM": "debian:trixie"}
    assert (base.settings.contexts, base.goss, base.settings.vars.file) == (
        {"x": "os/x"},
        ("tests/os/a.yaml",),
        "vars-trixie.yaml",
    )


@pytest.mark.anyio
async def test_a_rule_that_names_a_value_is_for_bases_that_have_it(project):
    config = """\
bases:
- {name: acme/a, variants: {V: [1, 2]}, targets: [slim, full]}
- {name: acme/b, dockerfile: b/Dockerfile}
publish: {tags: ["type=ref,event=branch", "type=raw,value=v{V}", "type=raw,value=all-{variant}"]}
"""
    found = await project(config, **{"b/Dockerfile": "FROM debian\n"})
    tags = [str(one).removeprefix("docker.io/acme/") for one in naming.references(found, Event("refs/heads/x"))]
    assert tags == [
        *("a:x-1", "a:v1", "a:all-1", "a:x-1-full", "a:v1-full", "a:all-1-full"),
        *("a:x-2", "a:v2", "a:all-2", "a:x-2-full", "a:v2-full", "a:all-2-full"),
        "b:x",
    ]


@pytest.mark.anyio
async def test_a_rule_that_names_what_no_variant_has_is_refused(project):
    found = await project("{bases: [{name: a, variants: {V: [1]}}], publish: {tags: ['type=raw,value={W}']}}")
    with pytest.raises(UsageError, match="no base has variants with a value for W"):
        naming.references(found, Event("refs/heads/x"))


@pytest.mark.anyio
async def test_an_example_of_each_variant(project):
    config = "{bases: [{name: a}], examples: {settings: {x: {variants: {V: [1, 2]}}}}}"
    found = await project(config, **{"examples/x/Dockerfile": "ARG V\nFROM a:$V\n"})
    assert [(one.name, [f.reference for f in one.froms]) for one in found.examples] == [
        ("x/1", ["a:1"]),
        ("x/2", ["a:2"]),
    ]
    assert plan.as_tree(plan.of(found)).endswith("1 base, 2 examples")
