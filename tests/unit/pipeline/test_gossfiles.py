"""Which gossfiles are mounted, and how none is ignored."""

import dagger
import pytest
import yaml

from pipeline.config.config import Variables
from pipeline.goss import files, ready, variables
from pipeline.goss.files import GossFiles
from pipeline.goss.ready import Readiness, shell_command


def mounted(repository, **given):
    return files.mount(GossFiles(repository({"a.yaml": "x"}), **given)).files  # type: ignore[attr-defined]


def test_one_gossfile_includes_all(repository):
    main = yaml.safe_load(mounted(repository, tests=("a.yaml", "b.yaml"))["goss-main.yaml"])
    assert main == {"gossfile": {"a.yaml": {}, "b.yaml": {}}}


def test_without_anything_to_wait_for_there_is_no_wait_file(repository):
    assert "goss-main-wait.yaml" not in mounted(repository, tests=("a.yaml",))


def test_variables_are_handed_over_as_a_file_and_as_json(repository):
    assert {name for name in mounted(repository, tests=("a.yaml",)) if "vars" in name} == set()
    given = mounted(repository, tests=("a.yaml",), variables=Variables("v.yaml", {"port": 80}), vars_file="the file")
    assert (given["goss-main-vars"], given["goss-main-vars-inline"]) == ("the file", '{"port": 80}')


# As goss 0.4.9 says it, recorded; the first for a file that is included, the last two are about something else.
TEMPLATE = 'template: test:3:20: executing "test" at <.Vars.web.port>: map has no entry for key "web"'
REMEDY = "give it one by `vars` of this example or base in baselard.yaml, a file or values"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            f"Error: could not read json data in examples/a/goss.yaml: {TEMPLATE}",
            f"examples/a/goss.yaml asks for {{{{ .Vars.web.port }}}}, and web has no value: {REMEDY}",
        ),
        (f"Error: {TEMPLATE}", f"asks for {{{{ .Vars.web.port }}}}, and web has no value: {REMEDY}"),
        ('template: test:2:15: executing "test" at <.Vrs.HOME>: can\'t evaluate field Vrs in type *goss.TmplVars',) * 2,
        ("Error: found 0 tests, source: goss.yaml",) * 2,
    ],
)
def test_a_variable_without_a_value_is_told_with_the_remedy(said, told):
    assert variables.explained(said) == told


def test_what_the_image_declares_is_waited_for(repository):
    given = mounted(repository, tests=("a.yaml",), ready=Readiness((80,)).gossfile())
    wait = yaml.safe_load(given["goss-main-wait.yaml"])
    assert wait == {"addr": {"tcp://localhost:80": {"reachable": True}}}


def test_a_wait_file_of_its_own_comes_first(repository):
    given = mounted(repository, tests=("a.yaml",), wait="goss_wait.yaml", ready=Readiness((80,)).gossfile())
    assert yaml.safe_load(given["goss-main-wait.yaml"]) == {"gossfile": {"goss_wait.yaml": {}}}


def test_a_healthcheck_is_waited_for_with_its_own_timeout():
    wait = yaml.safe_load(Readiness((), "curl -f localhost", 3000).gossfile())
    assert wait == {"command": {"healthcheck": {"exec": "curl -f localhost", "exit-status": 0, "timeout": 3000}}}


def test_braces_of_a_healthcheck_are_no_template():
    """goss reads every gossfile as a text/template, where a quoted string in braces is that string."""
    text = Readiness((), "check --format '{{.State}}'").gossfile()
    read = yaml.safe_load(text.replace('{{"{{"}}', "{{"))
    assert read["command"]["healthcheck"]["exec"] == "check --format '{{.State}}'"
    assert text.count("{{") == 2 * text.count('{{"{{"}}') == 2


@pytest.mark.anyio
async def test_what_an_image_declares_is_read_in_one_query(monkeypatch):
    answer = {
        "entrypoint": ["tini", "--"],
        "defaultArgs": ["serve"],
        "exposedPorts": [
            {"port": 81, "protocol": "TCP"},
            {"port": 80, "protocol": "TCP"},
            {"port": 53, "protocol": "UDP"},
        ],
        "dockerHealthcheck": {"args": ["curl -f x || exit 1"], "shell": True, "timeout": "1500ms"},
    }
    asked = []

    async def select(image, selection):
        asked.append(image)
        return answer

    monkeypatch.setattr(ready, "select", select)
    image = dagger.Client().container()
    assert await ready.of(image) == Readiness((80, 81), "curl -f x || exit 1", 1500, ("tini", "--"), ("serve",))
    answer.update(dockerHealthcheck=None, entrypoint=None)
    assert (await ready.of(image)).healthcheck == ""
    assert len(asked) == 2


@pytest.mark.anyio
async def test_an_image_is_built_and_read_in_one_query(monkeypatch):
    asked = []

    async def select(image, selection):
        asked.append(sorted(selection))
        return {"sync": "ID", "entrypoint": [], "defaultArgs": ["sh"], "exposedPorts": [], "dockerHealthcheck": None}

    monkeypatch.setattr(ready, "select", select)
    image = await (await ready.evaluated(dagger.Client().container())).sync()
    assert await ready.of(image) == Readiness(arguments=("sh",))
    assert asked == [["defaultArgs", "dockerHealthcheck", "entrypoint", "exposedPorts", "sync"]]
    (first,) = image._ctx.selections
    assert (first.name, first.args) == ("node", {"id": "ID"})


def test_an_image_that_declares_nothing_is_no_service():
    assert not Readiness().declared
    assert Readiness().gossfile() == ""


@pytest.mark.parametrize(
    ("args", "command"),
    [
        (["CMD", "curl", "-f", "http://x/?a=1&b"], "curl -f 'http://x/?a=1&b'"),
        (["CMD-SHELL", "curl x || exit 1"], "curl x || exit 1"),
        (["curl", "a b"], "curl 'a b'"),
        (["NONE"], ""),
        ([], ""),
    ],
)
def test_healthcheck_commands(args, command):
    assert shell_command(args, shell=False) == command


def test_a_healthcheck_in_shell_form():
    assert shell_command(["curl x || exit 1"], shell=True) == "curl x || exit 1"
