"""What a plain user's engine leaves: nothing, whatever ended it; and what reaches the user from outside meanwhile.

Judge: the machine's own lists of processes, mounts and network devices.
"""

import json
import os
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests import alone, people
from tests.integration.engine.conftest import Client
from tests.integration.engine.rootless.conftest import FIRST, UID

pytestmark = alone.USERS


def _served(client: Client, tree: Path) -> str:
    """A service that says hello, and a port of this machine that leads there."""
    line = "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www"
    image = client.container(tree)
    args = json.dumps(["sh", "-c", line])
    service = client.value(*image, "withExposedPort(port:80)", f"asService(args:{args})", "id")
    tunnel = client.value("host", f'tunnel(service:"{service}")', "id")
    client.get(f'{{loadServiceFromID(id:"{tunnel}"){{start}}}}')
    return str(client.get(f'{{loadServiceFromID(id:"{tunnel}"){{endpoint}}}}'))


@pytest.mark.parametrize("ending", ["gone", "killed"])
def test_nothing_is_left(person, seen: Path, ending: str) -> None:
    somebody = person()
    client = somebody.engine()
    try:
        with urllib.request.urlopen(f"http://{_served(client, seen / 'tree')}/", timeout=20) as answer:
            assert answer.read() == b"hello\n"
    except BaseException:
        client.close()
        raise
    assert any("slirp4netns" in line for line in people.processes(somebody.user))
    bridges = {f"bsl-{path.name}" for path in client.run.iterdir()}
    assert not bridges & {name for _, name in socket.if_nameindex()}, "they are in a namespace of the user's"
    if ending == "killed":
        client.child.kill()
        client.child.wait()
    client.close()
    assert people.left(somebody.user) == []
    assert str(somebody.home) not in Path("/proc/self/mountinfo").read_text()
    assert somebody.engine().close() == 0, "which clears up after one that was killed"
    assert [path.name for path in (somebody.home / "engine/run").iterdir()] == ["all"]


def test_prune_removes_files_of_subordinate_numbers(person, seen: Path) -> None:
    somebody = person()
    client = somebody.engine()
    image = client.container(seen / "tree")
    made = "mkdir -m 700 /own && echo x >/own/f && chown -R 1234:1234 /own"
    client.value(*image, f"withExec(args:{json.dumps(['sh', '-c', made])})", "sync")
    assert client.close() == 0
    store = somebody.home / "engine/store"
    assert any(path.stat().st_uid == FIRST + 1233 for path in store.rglob("own/f"))
    removing = subprocess.run(
        [*somebody.user.prefix, "rm", "-rf", str(store)], cwd="/", capture_output=True, check=False
    )
    assert removing.returncode != 0 and store.exists(), "the user alone can remove none of them"
    assert somebody.run("prune", "--all", BASELARD_STORE=str(store)).returncode == 0
    assert not [path for path in store.rglob("*") if path.stat().st_uid != UID]
    assert os.stat(store).st_uid == UID
