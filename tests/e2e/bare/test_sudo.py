"""A user who may use sudo: the engine alone is root, the module's code and what it leaves are the user's."""

import os
import subprocess

import pytest

from tests import alone

pytestmark = [alone.MACHINES, pytest.mark.network, pytest.mark.full]

UID = 1234
SAID = "baselard: the engine runs through sudo; the module's code runs as you\n"
CODE = '''"""Who runs what."""
import getpass
import os
from pathlib import Path

import dagger
from dagger import dag, function, object_type


@object_type
class Who:
    @function(cache="never")
    def am_i(self) -> str:
        return f"{os.getuid()} {getpass.getuser()} {Path.home()} {os.getgroups()}"

    @function(cache="never")
    def tree(self) -> dagger.Directory:
        return dag.directory().with_new_file("a", "b")

    @function(cache="never")
    async def secret(self, value: dagger.Secret) -> str:
        return await value.plaintext()

    @function(cache="never")
    async def inside(self) -> str:
        base = dag.container().from_("debian:trixie-slim")
        return await base.with_exec(["sh", "-c", "id -u; cat /proc/1/comm"]).stdout()
'''


@pytest.fixture(scope="module")
def machine(bootstrapped):
    """A user `maker` without a password for sudo, who owns the checkout and a module."""
    tree = bootstrapped("trixie", "python3,sudo")
    subprocess.run(["chroot", str(tree), "useradd", "--create-home", "--uid", str(UID), "maker"], check=True)
    (tree / "etc/sudoers.d/maker").write_text("maker ALL=(ALL) NOPASSWD: ALL\n")
    module = tree / "home/maker/who"
    (module / "src/who").mkdir(parents=True)
    (module / "src/who/__init__.py").write_text(CODE)
    (module / "dagger.json").write_text('{"name": "who", "sdk": "python"}')
    for top in ("checkout", "home/maker"):
        for folder, names, files in os.walk(tree / top):
            for name in (".", *names, *files):
                os.chown(os.path.join(folder, name), UID, UID, follow_symlinks=False)
    return tree


@pytest.fixture(scope="module")
def call(machine, run):
    def run_as_maker(*words: str):
        become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--", "env", "HOME=/home/maker"]
        return run(machine, *become, "./baselard", words[0], "-m", "/home/maker/who", *words[1:])

    return run_as_maker


def test_set_up_asks_sudo_for_packages_alone(machine, call) -> None:
    done = call("functions")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "am-i" in done.stdout and "installing from the system's package archive" in done.stderr
    assert SAID not in done.stderr, "listing needs no engine"
    assert (machine / "checkout/.venv/bin/python").lstat().st_uid == UID
    assert (machine / "usr/bin/runc").stat().st_uid == 0


def test_the_engine_is_root_and_the_code_is_not(machine, call) -> None:
    done = call("call", "am-i")
    assert (done.returncode, done.stdout) == (0, f"{UID} maker /home/maker [{UID}]"), done.stderr[-3000:]
    assert done.stderr == SAID
    assert (machine / "var/lib/baselard/store.db").stat().st_uid == 0


def test_what_comes_out_is_the_users(machine, call) -> None:
    assert call("call", "-o", "/home/maker/new/out", "tree").returncode == 0
    assert call("call", "-o", "/home/maker/said", "am-i").returncode == 0
    for name in ("new", "new/out", "new/out/a", "said", ".cache/baselard"):
        assert (machine / "home/maker" / name).stat().st_uid == UID, name
    owned = {path.stat().st_uid for path in (machine / "home/maker").rglob("*")}
    assert owned == {UID}


def test_a_secrets_command_is_the_users_too(call) -> None:
    assert call("call", "secret", "--value", "cmd:id -u; echo $HOME").stdout == f"{UID}\n/home/maker\n"


def test_containers_run_as_ever(call) -> None:
    done = call("call", "inside")
    assert (done.returncode, done.stdout) == (0, "0\n.init\n"), done.stderr[-3000:]
