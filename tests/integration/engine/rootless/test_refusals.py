"""What a plain user cannot have is refused by name, and what one user alone can have works."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.store.database import Store
from tests import alone
from tests.integration.engine.conftest import Client
from tests.integration.engine.rootless.archives import archive_of

pytestmark = alone.USERS


def _said(client: Client, *steps: str) -> str:
    return str(client.ask(client.chain(*steps))["errors"][0]["message"])


@pytest.fixture
def single(person, seen: Path):
    """An engine of somebody without a range, and the first steps of a query: busybox as a container."""
    client = person(0).engine()
    yield client, client.container(seen / "tree")
    assert client.close() == 0


def test_one_user_alone_runs_commands_with_a_network(single) -> None:
    """Judge: what id(1) and the kernel say inside."""
    client, image = single
    line = "id -u; cat /proc/self/uid_map /proc/net/route"
    said = client.value(*image, f'withExec(args:["sh","-c","{line}"])', "stdout").splitlines()
    assert (said[0], said[1].split()[::2]) == ("0", ["0", "1"])
    assert [line.split()[0] for line in said[3:]] == ["eth0", "eth0"]


def test_another_owner_is_named_with_what_would_help(single) -> None:
    client, image = single
    as_other = (*image, 'withUser(name:"1000")', 'withExec(args:["id"])', "stdout")
    assert _said(client, *as_other).startswith("the command cannot run as 1000: 1000:0 is an owner that this user ")
    owned = (*image, 'withNewFile(path:"/f",contents:"x",owner:"33:33")', "rootfs", "entries")
    assert "33:33 is an owner that this user namespace has not" in _said(client, *owned)
    assert "the package uidmap" in _said(client, *owned)


def _special(name: str, **fields: int | bytes) -> bytes:
    packed = io.BytesIO()
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(info)
    return packed.getvalue()


def test_layers_tell_which_entry_cannot_be(person, seen: Path) -> None:
    client = person().engine()
    beyond, device = _special("f", uid=70000), _special("d", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    for layer, says in (
        (
            beyond,
            "layer entry 'f': 70000:0 is beyond the users' numbers of this user namespace, 0 to 65536; root has all",
        ),
        (device, "layer entry 'd': it is a device, which none but root can make"),
    ):
        archive = archive_of(seen / f"{len(says)}.tar", [layer])
        file = client.get(f'{{host{{file(path:"{archive}"){{id}}}}}}')
        assert _said(client, "container", f'import(source:"{file}")', "rootfs", "entries") == says
    assert client.close() == 0


def test_limits_of_control_groups_are_refused_before_work(person) -> None:
    done = person().run("session", BASELARD_MEMORY="1g")
    assert (done.returncode, done.stdout) == (2, "")
    said = "BASELARD_MEMORY is held by control groups, which this user may not make; unset it, or be root\n"
    assert done.stderr.endswith(said)


def test_a_store_is_used_with_the_numbers_that_it_was_made_with(person) -> None:
    somebody = person()
    assert somebody.run("prune").returncode == 0
    store = somebody.home / ".local/share/baselard"
    assert store.joinpath("ids").exists()
    done = somebody.run("--userns=single", "prune")
    assert done.returncode == 2
    assert done.stderr.startswith(f"the store {store} is of another user namespace, or of the time before /etc/subuid ")
    with pytest.raises(HostError, match=f"the store {store} is of another user namespace"):
        Store.open(store)


def test_roots_store_is_no_users(person) -> None:
    somebody = person()
    place = somebody.home / "of-root"
    Store.open(place).close()
    subprocess.run(["chown", "-R", str(somebody.home.stat().st_uid), place], check=True)
    done = somebody.run("prune", BASELARD_STORE=str(place))
    assert (done.returncode, done.stderr) == (
        2,
        f"the store {place} is of root; set BASELARD_STORE to another directory\n",
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--userns", "double"], "--userns double: there is single, where all files belong to one user\n"),
        (["--rootless=yes"], "--rootless takes no value\n"),
        (["--no-rootless"], "the engine needs root, or CAP_SYS_ADMIN in a container (--cap-add SYS_ADMIN), to mount"),
    ],
)
def test_the_words_before_the_command_choose(person, words: list[str], says: str) -> None:
    if "--no-rootless" in words and shutil.which("sudo"):
        pytest.skip("there is sudo here, which --no-rootless would use")
    done = person().run(*words, "prune")
    assert done.returncode == 2
    assert done.stderr.startswith(says)


def test_root_is_told_that_it_is_root() -> None:
    environment = {**os.environ, "BASELARD_ROOTLESS": "1"}
    command = [sys.executable, "-m", "baselard.cli", "prune"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = "--rootless is for plain users: this process may mount without it\n"
    assert (done.returncode, done.stderr) == (2, said)
