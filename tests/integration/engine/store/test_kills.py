"""An engine killed at any moment damages nothing: the next one ends the work, and what is recorded is whole."""

import contextlib
import random
import threading
from http.client import HTTPException

import pytest

from baselard.engine.host import process

pytestmark = [pytest.mark.root, pytest.mark.full]

STEPS = 6
KILLS = 50
PER_CHAIN = 10


def query(image, name: str) -> str:
    """A chain of commands, each of which writes into the file that the last one shows."""
    lines = [f"echo {name} {step} >> /log; echo x > /file{step}; cat /log" for step in range(STEPS)]
    steps = [*image, *(f'withExec(args:["sh","-c","{line}"])' for line in lines), "stdout"]
    return "{" + "{".join(steps) + "}" * len(steps)


def test_fifty_kills(open_client, tree, tmp_path):
    moments = random.Random(4)
    for number in range(KILLS):
        client = open_client()
        timer = threading.Timer(moments.uniform(0.05, 1.2), client.child.kill)
        timer.start()
        with contextlib.suppress(OSError, HTTPException):  # killed while it answered
            client.get(query(client.container(tree), f"chain{number // PER_CHAIN}"))
        client.child.wait()
        client.close()
    client = open_client()
    for chain in range(KILLS // PER_CHAIN):
        name = f"chain{chain}"
        assert client.get(query(client.container(tree), name)) == "".join(f"{name} {step}\n" for step in range(STEPS))
    (engine,) = [path.name for path in client.run.iterdir() if path.is_dir()]
    client.close()
    assert [path.name for path in client.run.iterdir()] == ["all"]
    assert engine not in process.run(["ip", "-oneline", "link"]).stdout.decode()
