"""baselard.yaml as text: what is written arrives, and what cannot be meant has its line.

The judge of scalars is YAML 1.2, section 10.3.2 (core schema), and what the schema wants where they stand. PyYAML alone
would read most of these by YAML 1.1: 3.1, 10, 31, dates, truth values, sexagesimal numbers.
"""

import sys

import pytest

from pipeline.config import config
from pipeline.discovery import consistency, discover
from pipeline.errors import ConfigError

pytestmark = pytest.mark.anyio

# Plain scalars that stay text where text is wanted.
TEXTS = [
    "3.10",
    "012",
    "0x1F",
    "0o17",
    "0b11",
    "1_000",
    "1:30",
    "190:20:30",
    "+1",
    "-0",
    ".5",
    "1.",
    "1e3",
    ".inf",
    "-.Inf",
]
TEXTS += [
    ".nan",
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "n",
    "true",
    "False",
    "TRUE",
    "2027-01-01",
    "2001-12-14t21:59:43.10-05:00",
]
TEXTS += ["1.10.0", "=", "<", "nil", "None", "nULL", "a b", "C:\\x"]
NOTHING = ["", "~", "null", "Null", "NULL"]


def parsed(text):
    return consistency.check(config.parse(text))


def refused(text):
    with pytest.raises(ConfigError) as error:
        parsed(text)
    return str(error.value)


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_text_as_written(text):
    found = parsed(f"bases:\n- name: {text}\n  build-args: {{V: {text}, {text}: x}}\n").bases[0]
    assert (found.name, dict(found.build_args)) == (text, {"V": text, text: "x"})


@pytest.mark.parametrize(
    ("quoted", "text"),
    [("'012'", "012"), ('"~"', "~"), ("''", ""), ("!!str null", "null"), ("! 3.10", "3.10"), ("!!str ~", "~")],
)
def test_quoted_text_is_text(quoted, text):
    assert parsed(f"bases: [build-args: {{V: {quoted}}}]").bases[0].build_args == {"V": text}


def test_text_over_several_lines():
    assert parsed("bases:\n- build-args:\n    V: |\n      1\n      2\n").bases[0].build_args == {"V": "1\n2\n"}


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_no_text(text):
    said = refused(f"bases:\n- build-args:\n    V: {text}\n")
    assert said.startswith(
        "baselard.yaml:3: bases.0.build-args.V: must be string or number or boolean, not nothing; write ''"
    )


@pytest.mark.parametrize(("text", "number"), [("8", 8), ("+8", 8), ("012", 12), ("0o14", 12), ("0x1F", 31)])
def test_whole_numbers(text, number):
    assert parsed(f"test: {{jobs: {text}}}").jobs == number


@pytest.mark.parametrize(
    ("text", "number"), [("2", 2), ("1.5", 1.5), (".5", 0.5), ("1.", 1), ("1e1", 10), ("0x10", 16)]
)
def test_numbers(text, number):
    assert parsed(f"examples: {{settings: {{a: {{minutes: {text}}}}}}}").example("a").minutes == number


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_truth(text):
    assert parsed(f"examples: {{settings: {{a: {{standalone: {text}}}}}}}").example("a").standalone is True


NO_INTEGERS = ["1_000", "8.0", '"8"', "1:30", "yes", "0b11", "1e1", ".inf", "many", *NOTHING]
NO_NUMBERS = [".inf", ".nan", "1_0.5", '"1"', "1:30", "yes", *NOTHING]
NO_TRUTHS = ["yes", "no", "on", "Off", "y", "1", "tRUE", '"true"', *NOTHING]
WRONG = [("jobs", f"test:\n  jobs: {text}", "integer") for text in NO_INTEGERS]
WRONG += [("minutes", f"examples: {{settings: {{a: {{\n  minutes: {text} }}}}}}", "number") for text in NO_NUMBERS]
WRONG += [
    ("standalone", f"examples: {{settings: {{a: {{\n  standalone: {text} }}}}}}", "boolean") for text in NO_TRUTHS
]


@pytest.mark.parametrize(("key", "text", "kind"), WRONG)
def test_what_is_none_of_the_wanted_kind_has_its_line(key, text, kind):
    said = refused(text)
    assert said.startswith("baselard.yaml:2: ")
    assert f"{key}: must be {kind}, not " in said


def test_truth_of_yaml_11_is_told_how_it_is_written():
    assert refused("examples: {settings: {a: {standalone: yes}}}").endswith("not 'yes'; write true or false")


QUARANTINE = "examples:\n  settings:\n    a:\n      quarantine:\n        reason: no\n        until: {}\n"


@pytest.mark.parametrize("text", ["2027-01-01", '"2027-01-01"', "2028-02-29"])
def test_a_date_is_a_date(text):
    excuse = parsed(QUARANTINE.format(text)).example("a").quarantine
    assert (excuse.until, excuse.reason) == (text.strip('"'), "no")


@pytest.mark.parametrize(
    "text", ["2027-02-29", "2027-13-01", "2027-1-1", "20270101", "2027-01-01T00:00:00Z", "tomorrow", "~"]
)
def test_a_date_that_there_is_not_has_its_line(text):
    assert refused(QUARANTINE.format(text)).startswith("baselard.yaml:6: examples.settings.a.quarantine.until: ")


@pytest.mark.parametrize(
    ("text", "line", "first"),
    [
        ("test: {jobs: 2}\nlint: {threshold: error}\ntest: {jobs: 3}\n", 3, 1),
        ("test:\n  jobs: 2\n  jobs: 2\n", 3, 2),
        ('test: {jobs: 2}\n"test": {}\n', 2, 1),
        ("bases:\n- {name: a,\n   name: b}\n", 3, 2),
        ("examples:\n  settings:\n    web: {}\n    api: {}\n    web: {}\n", 5, 3),
        ("bases:\n- build-args:\n    1.0: a\n    1.00: b\n    1.0: c\n", 5, 3),
    ],
)
def test_a_key_that_is_there_twice_has_both_lines(text, line, first):
    said = refused(text)
    assert said.startswith(f"baselard.yaml:{line}: the key ")
    assert said.endswith(f"is there twice, first in line {first}")


def test_merged_mappings_give_what_is_not_there():
    found = parsed("bases:\n- &first {name: a, wait: 5}\n- {<<: *first, name: b}\n- {<<: [{wait: 7}, *first]}\n").bases
    assert [(one.name, one.wait) for one in found] == [("a", 5), ("b", 5), ("a", 7)]


# Each name stands for nine of the one before ("billion laughs").
LAUGHS = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))


@pytest.fixture
def usual_depth():
    """Python's own limit of calls: a process that served queries has a higher one."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bases: [\n", "baselard.yaml:2: not YAML:"),
        ("test:\n\tjobs: 1\n", "baselard.yaml:2: not YAML: found character '\\t'"),
        ("test: {}\n---\nlint: {}\n", "baselard.yaml:2: not YAML: but found another document"),
        ("# a\ntest: *nobody\n", "baselard.yaml:2: not YAML: found undefined alias 'nobody'"),
        ("# a\nname: \x07\n", "baselard.yaml:2: not YAML: special characters are not allowed ('\\x07')"),
        ("a: &a\n  b: *a\n", "baselard.yaml: nested too deeply, or an alias stands within what it means"),
        ("[" * 3000, "baselard.yaml: nested too deeply"),
        (LAUGHS, "baselard.yaml:1: the file has more than 100000 values"),
        (
            "# a\ntest: !!python/name:os.system {}\n",
            "baselard.yaml:2: the tag !!python/name:os.system is not known here",
        ),
        ("test: {jobs: !!int '3'}\n", "baselard.yaml:1: the tag !!int is not known here"),
        ("test:\n  ? [a]\n  : b\n", "baselard.yaml:2: a key must be a text"),
        ("test:\n  <<: 3\n", "baselard.yaml:2: << merges mappings only"),
        ("on: push\n", "baselard.yaml:1: the file: unknown key 'on'; known are "),
        ("3: x\n", "baselard.yaml:1: the file: unknown key '3'; known are "),
    ],
)
def test_what_is_no_document_has_its_line(text, said, usual_depth):
    assert refused(text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "bases:\n- targets: [slim, full]\n  budgets:\n    slim: 1GB\n    ful: 1GB\n",
            "5: there is no target 'ful'; did you mean 'full'?",
        ),
        ("bases:\n- budgets: {slim: 1GB}\n", "2: there is no target 'slim'; there is no target at all"),
        (
            "matrix:\n  runners:\n    linux/arm46: a\n",
            "3: matrix.runners.linux/arm46: there is no platform 'linux/arm46'; did you mean linux/arm64?",
        ),
        (
            "publish:\n  platforms:\n  - linux/amd64\n  - linux/amd46\n",
            "4: publish.platforms.1: there is no platform 'linux/amd46'",
        ),
        (
            "publish:\n  tags:\n  - type=sha\n  - type=smever\n",
            "4: publish.tags.1: tag rule 'type=smever': there is no type 'smever'",
        ),
        ("publish:\n  flavor:\n  - latest=maybe\n", "3: publish.flavor.0: flavor 'latest=maybe'"),
        ("test:\n  retires: 1\n", "2: test: unknown key 'retires'; did you mean 'retries'?"),
        (
            "examples:\n  settings:\n    my.app:\n      wiat: 3\n",
            "4: examples.settings.my.app: unknown key 'wiat'; did you mean 'wait'?",
        ),
    ],
)
def test_a_name_that_is_not_known_has_its_line(text, said):
    assert refused(text).startswith(f"baselard.yaml:{said}")


VALUES = """
{a: 1, b: 1.5, c: 3.10, d: 012, e: true, f: yes, g: ~, h: [1, x], i: {j: 0x1F}, k: "1",
l: 1e3, m: -2, n: .5, o: 2027-01-01}
"""


def test_values_of_any_kind_are_numbers_only_where_they_would_be_written_so_again():
    found = parsed(f"bases: [{{vars: {VALUES}}}]").bases[0].vars
    assert (found.file, found.inline) == (
        "",
        {"a": 1, "b": 1.5, "c": "3.10", "d": "012", "e": True, "f": "yes", "g": None, "h": [1, "x"], "i": {"j": "0x1F"}}
        | {"k": "1", "l": "1e3", "m": -2, "n": ".5", "o": "2027-01-01"},
    )


@pytest.mark.parametrize(
    ("text", "file", "inline"),
    [("v.yaml", "v.yaml", {}), ("{a: b}", "", {"a": "b"}), ("[v.yaml, {a: b}]", "v.yaml", {"a": "b"})],
)
def test_variables_are_a_file_values_or_both(text, file, inline):
    for found in (
        parsed(f"bases: [vars: {text}]").bases[0],
        parsed(f"examples: {{settings: {{a: {{vars: {text}}}}}}}").example("a"),
    ):
        assert (found.vars.file, found.vars.inline) == (file, inline)


@pytest.mark.parametrize(
    "text", ["/etc/v.yaml", "../v.yaml", "[]", "[v.yaml]", "[{a: b}, v.yaml]", "~", "[v.yaml, {}, {}]"]
)
def test_other_variables_have_their_line(text):
    assert refused(f"bases:\n- name: x\n  vars: {text}\n").startswith("baselard.yaml:3: bases.0.vars")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "bases:\n- name: acme/base\n  vars: v.yaml\n",
            "baselard.yaml:3: there is no v.yaml, which is to hold variables",
        ),
        (
            "examples:\n  settings:\n    web:\n      vars: v.yaml\n",
            "baselard.yaml:4: there is no examples/web/v.yaml, which is to hold variables",
        ),
    ],
)
async def test_a_file_of_variables_that_there_is_not_has_its_line(repository, text, said):
    files = {**FILES, "baselard.yaml": text}
    try:
        problem = (await discover.project(repository(files))).examples[0].problem
    except ConfigError as error:
        problem = str(error)
    assert problem == said
    there = await discover.project(repository({**files, "v.yaml": "", "examples/web/v.yaml": ""}))
    assert not there.examples[0].problem


FILES = {"Dockerfile": "FROM debian:13\n", "examples/web/Dockerfile": "FROM acme/base\n"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("    web: {}\n    wbe: {}\n", "4: there is no example 'wbe'; did you mean 'web'?"),
        ("    api: {}\n", "3: there is no example 'api'; there are web"),
        ("    web: {dockerfile: Containerfile}\n", "3: there is no example 'web'; there is no example at all"),
    ],
)
async def test_settings_of_an_example_that_there_is_not_have_their_line(repository, settings, said):
    with pytest.raises(ConfigError) as error:
        await discover.project(repository({**FILES, "baselard.yaml": f"examples:\n  settings:\n{settings}"}))
    assert str(error.value).startswith(f"baselard.yaml:{said}")


@pytest.mark.parametrize("name", ["baselard.yml", ".baselard.yaml", ".baselard.yml", "Baselard.yaml"])
@pytest.mark.parametrize("more", [{}, {"baselard.yaml": ""}])
async def test_a_file_of_nearly_the_name_is_not_passed_over(repository, name, more):
    with pytest.raises(ConfigError, match=f"{name}: is not read; the configuration is called baselard.yaml"):
        await discover.project(repository({**FILES, **more, name: "test: {jobs: 2}\n"}))


async def test_files_of_other_names_are_nobodys_business(repository):
    found = await discover.project(repository({**FILES, "my-baselard.yml": "x", "sub/baselard.yml": "x"}))
    assert found.config == config.Config()


@pytest.mark.parametrize("name", ["goss", "goss_wait"])
async def test_a_gossfile_of_nearly_the_name_is_not_passed_over(repository, name):
    files = {**FILES, f"examples/web/{name}.yml": "file: {/x: {exists: true}}\n"}
    (example,) = (await discover.project(repository(files))).examples
    assert example.problem == f"examples/web/{name}.yml: is not read; call it {name}.yaml"
    (example,) = (await discover.project(repository({**files, f"examples/web/{name}.yaml": ""}))).examples
    assert not example.problem
