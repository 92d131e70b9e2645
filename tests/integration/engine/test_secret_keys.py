"""A secret's plaintext decides what a recorded result stands for, and cannot be told from what is recorded.

Each container's output begins with a number that the kernel gives once, so that equal answers mean one execution.
"""

import hashlib
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.root

PLAINTEXTS = ("correct horse", "battery staple")
STAMP = "cat /proc/sys/kernel/random/uuid"
WAYS = {
    "a variable": ('withSecretVariable(name:"S",secret:"%s")', f"{STAMP}; echo $S | wc -c"),
    "a file": ('withMountedSecret(path:"/s",source:"%s")', f"{STAMP}; wc -c < /s"),
}


def _ran(client: Any, tree: Path, plaintext: str, way: str) -> str:
    """What a command that has the secret says."""
    given, line = WAYS[way]
    secret = client.get(f'{{setSecret(name:"token",plaintext:"{plaintext}"){{id}}}}')
    steps = (*client.container(tree), given % secret, f'withExec(args:["sh","-c","{line}"])', "stdout")
    return str(client.value(*steps))


@pytest.mark.parametrize("way", WAYS)
def test_another_plaintext_is_another_result(open_client: Any, tree: Path, tmp_path: Path, way: str) -> None:
    (tree / "bin/wc").symlink_to("busybox")
    first, second, again, later = [], [], [], []
    for said, plaintext in ((first, 0), (second, 1), (again, 0), (later, 1)):
        client = open_client()  # a session, and a process, of its own
        said += [_ran(client, tree, PLAINTEXTS[plaintext], way) for _ in range(2)]
        assert client.close() == 0
    assert len({*first, *again}) == len({*second, *later}) == 1, "each was run once"
    assert first != second
    recorded = b"".join(path.read_bytes() for path in (tmp_path / "store").glob("store.db*"))
    salt = (tmp_path / "store/secrets.salt").read_bytes()
    for text in map(str.encode, PLAINTEXTS):
        assert text not in recorded
        assert hashlib.sha256(salt + text).hexdigest().encode() not in recorded
