"""Texts that are none for the kernel, sent through the API: each answer is a sentence, and none calls itself a bug."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.root

NUL = [
    'directory{withNewFile(path:"a",contents:"x"){search(pattern:"x\\u0000"){filePath}}}',
    'directory{withSymlink(target:"a\\u0000",linkName:"b"){entries}}',
    'directory{withNewFile(path:"a",contents:"x"){export(path:"/tmp/x\\u0000")}}',
    'directory{withNewFile(path:"a",contents:"x"){withTimestamps(timestamp:1){file(path:"a\\u0000"){contents}}}}',
    'host{directory(path:"a\\u0000"){entries}}',
    'host{file(path:"a\\u0000"){contents}}',
    'secret(uri:"file://a\\u0000"){plaintext}',
    'secret(uri:"cmd://a\\u0000"){plaintext}',
    'secret(uri:"env://a\\u0000"){plaintext}',
    'http(url:"http://localhost:1/\\u0000"){contents}',
    'http(url:"http://[::1"){contents}',
    'git(url:"https://localhost:1/\\u0000"){head{commit}}',
    'container{from(address:"a\\u0000b"){id}}',
    'address(value:"tcp://h:99999"){service{id}}',
    'host{directory(path:"' + "a/" * 3000 + '"){entries}}',
    'host{file(path:"' + "a" * 300 + '"){contents}}',
    'directory{withNewFile(path:"' + "a" * 300 + '",contents:"x"){entries}}',
]
LONE = {
    "contents": ("String!", 'directory{withNewFile(path:"a",contents:$t){file(path:"a"){contents}}}'),
    "a path": ("String!", 'directory{withNewFile(path:$t,contents:"x"){entries}}'),
    "a secret": ("String!", 'setSecret(name:"s",plaintext:$t){plaintext}'),
    "a variable": ("String!", 'container{withEnvVariable(name:"A",value:$t){envVariable(name:"A")}}'),
    "a label": ("String!", 'container{withLabel(name:"a",value:$t){label(name:"a")}}'),
}


def _ask(client: Any, query: str, **variables: str) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{client.address['port']}/query", body, client.headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_what_no_system_call_takes(client: Any) -> None:
    answers = {query: _ask(client, f"{{{query}}}") for query in NUL}
    said = {query: [error["message"] for error in answer.get("errors", ())] for query, answer in answers.items()}
    assert all(said.values()), said
    assert not {query: texts for query, texts in said.items() if any("internal" in text for text in texts)}


def test_half_a_character_is_replaced(client: Any) -> None:
    """As Go's JSON decoder has it, which a Dagger engine reads queries with."""
    for what, (kind, query) in LONE.items():
        answer = _ask(client, f"query($t:{kind}){{{query}}}", t="a\ud800b")
        assert "a\ufffdb" in json.dumps(answer["data"], ensure_ascii=False), (what, answer)


def test_names_that_are_no_text_go_through_a_build(client: Any, tmp_path: Path) -> None:
    """Docker copies them as they are; texts of an image are what Go's JSON makes of them."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "Dockerfile").write_bytes(b'FROM scratch\nCOPY f* /x/\nCOPY . /y/\nCMD ["a\\ud800b"]\nLABEL b=\xff\n')
    (Path(os.fsdecode(os.fsencode(source) + b"/f\xff"))).write_text("x")
    built = f'host{{directory(path:"{source}"){{dockerBuild'
    for path in ("/x", "/y"):
        listed = _ask(client, f'{{{built}{{directory(path:"{path}"){{entries}}}}}}}}}}')
        assert "f\ufffd" in json.dumps(listed["data"], ensure_ascii=False), listed
    assert client.get(f"{{{built}{{defaultArgs}}}}}}}}") == ["a\ufffdb"]
    assert client.get(f"{{{built}{{asTarball{{size}}}}}}}}}}") > 0
    exported = tmp_path / "exported"
    client.get(f'{{{built}{{directory(path:"/x"){{export(path:"{exported}")}}}}}}}}}}')
    assert os.listdir(os.fsencode(exported)) == [b"f\xff"]
