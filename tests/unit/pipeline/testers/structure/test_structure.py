"""container-structure-test's files without an engine. Judges: answers of Go's own library, recorded of Go 1.26."""

import json

import pytest

from pipeline.errors import ConfigError
from pipeline.testers.structure import files, metadata, patterns, reading, tests
from pipeline.testers.structure.expand import expand
from pipeline.testers.structure.files import Status
from pipeline.testers.structure.patterns import PatternCheck

# os.Expand's.
ENV = {"A": "1", "B_2": "two", "x-y": "dash", "1": "one", "*": "star", "é": "e"}
EXPANDED = {
    **{"$A": "1", "${A}": "1", "$A$B_2": "1two", "a$": "a$", "$": "$", "$$A": "A", "${}x": "x", "${A": "A"},
    **{"$ A": "$ A", "$-": "", "$1$12": "oneone2", "${*}": "star", "$*x": "starx", "${x-y}": "dash"},
    **{"$NONE.": ".", "\\$A": "\\1", "$é": "$é", "${é}": "e", "$A-b": "1-b", "${ A}": "", "$A}": "1}"},
    **{"$[A]": "$[A]", "$9": "", "${A}${B_2}": "1two", "$$": ""},
}
# fs.FileMode's, of st_mode.
MODES = {
    **{0o100644: "-rw-r--r--", 0o040755: "drwxr-xr-x", 0o120777: "Lrwxrwxrwx", 0o104755: "urwxr-xr-x"},
    **{0o102752: "grwxr-x-w-", 0o041777: "dtrwxrwxrwx", 0o060660: "Drw-rw----", 0o020666: "Dcrw-rw-rw-"},
    **{0o010600: "prw-------", 0o140700: "Srwx------", 0o106111: "ug--x--x--x", 0o043770: "dgtrwxrwx---"},
}


@pytest.mark.parametrize("text", EXPANDED)
def test_variables_are_replaced_as_go_does(text):
    assert expand(text, ENV) == EXPANDED[text]


@pytest.mark.parametrize("mode", MODES)
def test_permissions_are_written_as_go_does(mode):
    assert Status(mode, 0, 0).permissions == MODES[mode]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("commandTests: []\n", "f.yaml:1: the file: lacks schemaVersion"),
        ("schemaVersion: 2.0.0\n", "f.yaml:1: it tests nothing; there are commandTests, "),
        ("# old\nschemaVersion: '1.0.0'\n", "f.yaml:2: schemaVersion 1.0.0 is not read: write 2.0.0"),
        ("schemaVersion: 3.0.0\n", "f.yaml:1: schemaVersion: must be 2.0.0, not '3.0.0'"),
        ("schemaVersion: 2.0.0\nfileTests: []\n", "f.yaml:2: the file: unknown key 'fileTests'; did you mean"),
        (
            "schemaVersion: 2.0.0\ncontainerRunOptions:\n  privileged: true\n",
            "f.yaml:3: containerRunOptions: unknown key 'privileged'; known are user",
        ),
        (
            "schemaVersion: 2.0.0\nfileExistenceTests:\n- {name: a, path: /x, shouldExist: yes}\n",
            "f.yaml:3: fileExistenceTests.0.shouldExist: must be boolean, not 'yes'; write true or false",
        ),
        (
            "schemaVersion: 2.0.0\ncommandTests:\n- name: a\n  command: x\n  setup: [[]]\n",
            "f.yaml:5: commandTests.0.setup.0: [] breaks the rule minItems: 1",
        ),
        ("schemaVersion: 2.0.0\ncommandTests: [\n", "f.yaml:3: not YAML:"),
    ],
)
def test_what_is_not_known_is_refused_with_its_line(text, told):
    with pytest.raises(ConfigError) as error:
        reading.parse(text, "f.yaml")
    assert str(error.value).startswith(told)


def test_json_is_read_as_well():
    text = json.dumps({"schemaVersion": "2.0.0", "metadataTest": {"user": "a"}})
    assert reading.parse(text, "f.json").value["metadataTest"] == {"user": "a"}


def check(pattern="a", wanted=True):
    return PatternCheck(pattern, "text", wanted, "said")


def test_goss_sees_no_template_in_what_it_is_given():
    text = patterns.gossfile([PatternCheck("{{ x }}", "a {{ y }}", wanted=True, said="")])
    assert "{{" not in text
    assert json.loads(text)["matching"]["0"] == {"content": "a {{ y }}", "matches": {"match-regexp": "{{ x }}"}}


@pytest.mark.parametrize(
    ("result", "wanted", "said"), [(0, True, ""), (1, True, "said"), (0, False, "said"), (1, False, "")]
)
def test_a_check_holds_or_is_told(result, wanted, said):
    printed = json.dumps({"results": [{"resource-id": "0", "result": result, "err": None}]})
    assert patterns.told([check(wanted=wanted)], printed) == [said]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_pattern_that_is_none_fails_either_way(wanted):
    error = "RegExp match failed to compile with error:\n\terror parsing regexp: missing closing ): `b(`"
    printed = json.dumps({"results": [{"resource-id": "0", "result": 1, "err": error}]})
    told = "'b(' is not a regular expression of Go's: error parsing regexp: missing closing ): `b(`"
    assert patterns.told([check("b(", wanted)], printed) == [told]


def test_metadata_says_all_that_does_not_hold():
    wanted = {
        "entrypoint": ["a"],
        "cmd": [],
        "user": "me",
        "unboundEnvVars": [{"key": "A"}],
        "labels": [{"key": "none", "value": "x"}],
        "exposedPorts": ["80", "81"],
        "unmountedVolumes": ["/v"],
    }
    config = {"Env": ["A=1=2"], "Cmd": None, "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "User": "you"}
    assert list(metadata.problems(wanted, config)) == [
        "label none is not there",
        "variable A is set",
        'entrypoint is [], not ["a"]',
        "user is 'you', not 'me'",
        "port 81 is not there",
        "volume /v is there",
    ]
    assert metadata.environment(config) == {"A": "1=2"}


def test_terms_of_packages_are_told_by_name():
    asked = tests.licence({"debian": True, "files": ["/x"]}, 0)
    answers = {("debian",): "a AGPL,b -,", ("terms", "/x"): "WTFPL"}
    assert list(asked.read(answers)) == [
        "a: its terms say AGPL",
        "b: its terms cannot be read",
        "/x: its terms say WTFPL",
    ]
    assert list(tests.licence({"debian": True}, 0).read({("debian",): ""})) == []


def test_contents_come_as_they_are():
    assert files.content("+YcOpCg==") == ("aé\n", "")
    assert files.content("- No such file or directory") == ("", "No such file or directory")
