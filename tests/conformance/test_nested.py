"""Programs that speak the API from inside a container: their host is the container, and never this machine.

The judge is this machine's own content: a text that lies in a file of the client's directory and in its environment
must not come back, and what the container has at the same path must.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.root

ASK = """\
token=$(printf %s: "$DAGGER_SESSION_TOKEN" | base64 | tr -d '\\n')
wget -qO- --header "Authorization: Basic $token" --post-file /tmp/query "http://127.0.0.1:$DAGGER_SESSION_PORT/query"
"""
SECRET = "only this machine knows"


@pytest.fixture
def hidden(client: Any) -> Iterator[Path]:
    """A directory of this machine that no client gave to a container, with a file in it."""
    directory = client.directory / "hidden"
    directory.mkdir()
    (directory / "file").write_text(SECRET)
    yield directory
    (directory / "file").unlink()
    directory.rmdir()


def leaf(value: Any) -> Any:
    while isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return value


def nested(client: Any, query: str, *before: str, shell: str = ASK) -> Any:
    """What the session answers to ``query``, asked by a command of a container that ``before`` prepared."""
    unique = f'withEnvVariable(name:"UNIQUE",value:"{os.urandom(8).hex()}")'
    written = f'withNewFile(path:"/tmp/query",contents:{json.dumps(json.dumps({"query": query}))})'
    run = f'withExec(args:["sh","-e","-c",{json.dumps(shell)}],experimentalPrivilegedNesting:true)'
    calls = [unique, *before, written, run, "stdout"]
    answer = client.ask("{" + client.busybox + "{".join(calls) + "}" * (len(calls) - 1) + "}}}")
    assert "errors" not in answer, answer
    return json.loads(leaf(answer["data"]))


def test_the_host_of_a_nested_session_is_its_container(client: Any, hidden: Path) -> None:
    made = f'withNewFile(path:"{hidden}/mine/inner",contents:"the container\'s")'
    answer = nested(client, f'{{host{{directory(path:"{hidden}"){{glob(pattern:"**")}}}}}}', made)
    assert leaf(answer["data"]) == ["mine/", "mine/inner"]
    answer = nested(client, f'{{host{{file(path:"{hidden}/mine/inner"){{contents}}}}}}', made)
    assert leaf(answer["data"]) == "the container's"


def test_what_only_this_machine_has_is_not_there(client: Any, hidden: Path) -> None:
    for query in (f'directory(path:"{hidden}"){{entries}}', f'file(path:"{hidden}/file"){{contents}}'):
        answer = nested(client, f"{{host{{{query}}}}}")
        assert "no such file or directory" in answer["errors"][0]["message"]


def test_relative_paths_are_seen_from_the_commands_working_directory(client: Any) -> None:
    made = 'withNewFile(path:"/home/here/a",contents:"1")', 'withWorkdir(path:"/home/here")'
    assert leaf(nested(client, '{host{directory(path:"."){entries}}}', *made)["data"]) == ["a"]
    assert leaf(nested(client, '{host{file(path:"../here/a"){contents}}}', *made)["data"]) == "1"


def test_mounts_and_files_that_the_command_made_are_seen(client: Any) -> None:
    mounted = 'withMountedTemp(path:"/scratch")', 'withMountedCache(path:"/cache",cache:"%s")'
    cache = leaf(client.ask('{cacheVolume(key:"nested"){id}}')["data"])
    shell = "mkdir -p /scratch/d; echo now >/scratch/d/f; ln -s f /scratch/d/l; echo kept >/cache/f\n" + ASK
    query = '{host{a:directory(path:"/scratch"){glob(pattern:"**")} b:file(path:"/cache/f"){contents}}}'
    answer = nested(client, query, mounted[0], mounted[1] % cache, shell=shell)
    assert answer["data"]["host"] == {"a": {"glob": ["d/", "d/f", "d/l"]}, "b": {"contents": "kept\n"}}


def test_patterns_hold(client: Any) -> None:
    made = 'withNewFile(path:"/d/a.txt",contents:"1")', 'withNewFile(path:"/d/b.log",contents:"2")'
    answer = nested(client, '{host{directory(path:"/d",exclude:["*.log"]){entries}}}', *made)
    assert leaf(answer["data"]) == ["a.txt"]


def test_links_lead_inside_the_container(client: Any, hidden: Path) -> None:
    made = f'withSymlink(target:"{hidden}/file",linkName:"/l")', f'withSymlink(target:"{hidden}",linkName:"/d")'
    up = 'withSymlink(target:"../../../../../../../../../../../../proc/1/root",linkName:"/up")'
    for path in ("/l", "/d/file", "/d", f"/up{hidden}/file", f"/proc/1/root{hidden}/file", "/proc/1/environ"):
        for query in (f'file(path:"{path}"){{contents}}', f'directory(path:"{path}"){{entries}}'):
            answer = nested(client, f"{{host{{{query}}}}}", *made, up)
            assert answer.get("errors"), answer
            assert SECRET not in json.dumps(answer)


OUTSIDE = {
    "findUp": '{{host{{findUp(name:"hidden")}}}}',
    "unixSocket": '{{host{{unixSocket(path:"{hidden}/file"){{id}}}}}}',
    "service": "{{host{{service(ports:[{{frontend:80,backend:80}}]){{id}}}}}}",
    "containerImage": '{{host{{containerImage(name:"debian"){{id}}}}}}',
    "secret file": '{{secret(uri:"file://{hidden}/file"){{plaintext}}}}',
    "secret env": '{{secret(uri:"env://CONFORMANCE"){{plaintext}}}}',
    "secret cmd": '{{secret(uri:"cmd://cat {hidden}/file"){{plaintext}}}}',
    "address of a secret": '{{address(value:"file://{hidden}/file"){{secret{{plaintext}}}}}}',
    "address of a socket": '{{address(value:"unix://{hidden}/file"){{socket{{id}}}}}}',
    "address of a service": '{{address(value:"tcp://localhost:80"){{service{{id}}}}}}',
    "address of a directory": '{{address(value:"{hidden}"){{directory{{entries}}}}}}',
    "address of a file": '{{address(value:"{hidden}/file"){{file{{contents}}}}}}',
    "git": '{{git(url:"{hidden}/../repository"){{head{{tree{{entries}}}}}}}}',
    "git file": '{{git(url:"file://{hidden}/../repository"){{head{{tree{{entries}}}}}}}}',
    "module": '{{moduleSource(refString:"{hidden}/.."){{contextDirectory{{entries}}}}}}',
    "code of a module": '{{directory{{withNewFile(path:"dagger.json",contents:"{{}}"){{asModule{{name}}}}}}}}',
    "code of another's": "{{directory{{asModuleSource{{asModule{{name}}}}}}}}",
    "module of git": '{{moduleSource(refString:"https://127.0.0.1:9/x.git"){{asModule{{name}}}}}}',
    "workspace": '{{currentWorkspace{{directory(path:"hidden"){{entries}}}}}}',
    "workspace file": '{{currentWorkspace{{file(path:"hidden/file"){{contents}}}}}}',
    "export a directory": '{{directory{{export(path:"{hidden}/new")}}}}',
    "wipe a directory": '{{directory{{export(path:"{hidden}",wipe:true)}}}}',
    "export a file": '{{file(name:"f",contents:"1"){{export(path:"{hidden}/new")}}}}',
    "export a container": '{{container{{export(path:"{hidden}/new")}}}}',
    "export to docker": '{{container{{exportImage(name:"mine")}}}}',
    "export changes": '{{directory{{changes(from:"EMPTY"){{export(path:"{hidden}/new")}}}}}}',
    "tunnel": '{{host{{tunnel(service:"SERVICE",native:true){{id}}}}}}',
    "up": '{{node(id:"SERVICE"){{... on Service{{up}}}}}}',
    "terminal": "{{directory{{terminal{{id}}}}}}",
}


@pytest.mark.parametrize("way", OUTSIDE)
def test_nothing_leads_to_this_machine(client: Any, hidden: Path, way: str) -> None:
    empty = leaf(client.ask("{directory{id}}")["data"])
    made = client.ask("{" + client.busybox + 'asService(args:["sleep","1"]){id}}}}')
    query = OUTSIDE[way].format(hidden=hidden).replace("EMPTY", empty).replace("SERVICE", leaf(made["data"]))
    answer = nested(client, query)
    assert answer.get("errors"), answer
    message = answer["errors"][0]["message"]
    refusals = (
        "inside a container",
        "no such file or directory",
        "load a repository of this machine by Host.directory",
    )
    assert any(refusal in message for refusal in refusals)
    assert SECRET not in json.dumps(answer)
    assert [path.name for path in hidden.iterdir()] == ["file"]


def test_a_token_ends_with_its_command(client: Any) -> None:
    """Whoever got hold of it cannot go on with it."""
    token = nested(client, "{version}", shell='printf \'"%s"\' "$DAGGER_SESSION_TOKEN"')
    response = client.http.post(client.url, json={"query": "{version}"}, auth=(token, ""))
    assert response.status_code == 401


def test_what_names_no_outside_works(client: Any) -> None:
    assert leaf(nested(client, '{file(name:"a",contents:"1"){contents}}')["data"]) == "1"
    assert leaf(nested(client, '{setSecret(name:"s",plaintext:"p"){name}}')["data"]) == "s"


def test_the_dagger_program_is_told_why_it_is_not_served(client: Any) -> None:
    init = ASK.replace('/query"\n', '/init" 2>&1 || true').replace("wget -qO-", "wget -SO-")
    assert "404" in nested(client, "{version}", shell=f'answer=$({init}); printf \'"%s"\' "$(echo $answer)"')
