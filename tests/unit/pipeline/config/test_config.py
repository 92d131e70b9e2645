"""baselard.yaml: defaults, values, and errors with their line."""

import pytest

from pipeline.config import config
from pipeline.config.config import Config
from pipeline.errors import ConfigError


def test_an_empty_file_means_the_conventions():
    assert config.parse("") == Config()
    assert config.parse("# nothing\n") == Config()


def test_values_arrive():
    parsed = config.parse(
        """
bases:
  - name: ghcr.io/a/base
    dockerfile: os/Dockerfile
    targets: [slim, full]
    build-args: {VERSION: 3, DEBUG: true}
examples:
  paths: ["cookbooks/*"]
  settings:
    web: {run: service, wait: 5, quarantine: {reason: flaky mirror, until: "2030-01-31"}}
test: {jobs: 2, retries: 1}
"""
    )
    assert parsed.bases[0].targets == ("slim", "full")
    assert parsed.bases[0].build_args == {"VERSION": "3", "DEBUG": "true"}
    assert parsed.example_paths == ("cookbooks/*",)
    assert (parsed.jobs, parsed.retries) == (2, 1)
    assert parsed.example(["web"]).quarantine.until == "2030-01-31"
    assert parsed.example(["other"]).wait == 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bases:\n  - nmae: x\n", "baselard.yaml:2: bases.0: unknown key 'nmae'; did you mean 'name'?"),
        ("test:\n  jobs: many\n", "baselard.yaml:2: test.jobs: must be integer, not 'many'"),
        ("# a\ntest:\n  jobs: 0\n", "baselard.yaml:3: test.jobs: 0 breaks the rule minimum: 1"),
        ("bases:\n- run: maybe\n", "baselard.yaml:2: bases.0.run: must be service or entrypoint or tool, not 'maybe'"),
        ("- a\n", "baselard.yaml:1: the file: must be object, not ['a']"),
        ("bases: [\n", "baselard.yaml:2: not YAML:"),
        (
            "examples:\n  settings:\n    web:\n      quarantine:\n        reason: x\n",
            "baselard.yaml:4: examples.settings.web.quarantine: lacks until",
        ),
        ("bases:\n- dockerfile: ../x\n", "baselard.yaml:2: bases.0.dockerfile: '../x' is not allowed here."),
    ],
)
def test_an_error_names_the_line(text, said):
    with pytest.raises(ConfigError) as error:
        config.parse(text)
    assert str(error.value).startswith(said)


TESTS = "examples: {settings: {a: {tests: [%s]}}}\n"


def test_tests_are_named_or_given_something():
    text = TESTS % "goss, {script: [a.sh, b.sh], timeout: 5}, {run: curl x}"
    assert config.parse(text).example("a").tests == (
        config.TestSettings("goss", line=1),
        config.TestSettings("script", ("a.sh", "b.sh"), timeout=5, line=1),
        config.TestSettings("script", words=("curl x",), line=1),
    )
    (base,) = config.parse("bases:\n- tests:\n  - stage: unit\n").bases
    assert base.tests == (config.TestSettings("stage", words=("unit",), line=3),)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ("gos", "'gos' is not allowed here"),
        ("{script: a.sh, goss: b.yaml}", "a test has one tester, not script and goss; write an item of each"),
        ("{timeout: 5}", "a test has one tester, not no tester"),
        ("{script: /etc/x}", "is not allowed here"),
        ("{bats: a}", "is not allowed here"),
    ],
)
def test_a_test_of_no_tester_or_of_two_is_refused(items, told):
    with pytest.raises(ConfigError, match=told):
        config.parse(TESTS % items)
