"""A fresh user without sudo on a bare Debian, where root has installed packages: two commands, and green."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from baselard.engine.host import packages

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.full]

UID = 1234
REPOSITORY = {
    "image/Dockerfile": "FROM debian:trixie-slim\nRUN echo hello >/etc/greeting && chown 33:33 /etc/greeting\n",
    "examples/greeter/Dockerfile": "FROM ghcr.io/acme/base:latest\nCMD cat /etc/greeting\n",
    "examples/greeter/goss.yaml": "file:\n  /etc/greeting: {exists: true, owner: www-data, contents: [hello]}\n",
}


@pytest.fixture(scope="module")
def machine(bootstrapped) -> Path:
    """A Debian 13 with the packages that setup installs, Baselard installed by its user, and a repository."""
    wanted = [one.name for path in (packages.ENGINE, packages.ROOTLESS) for one in packages.listed(path)]
    tree: Path = bootstrapped("trixie", ",".join(["pipx", "passwd", *wanted]))
    assert not (tree / "usr/bin/sudo").exists()
    subprocess.run(["chroot", str(tree), "useradd", "--create-home", "--uid", str(UID), "maker"], check=True)
    assert "maker:" in (tree / "etc/subuid").read_text()
    for name, text in REPOSITORY.items():
        path = tree / "home/maker/Images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder, names, files in os.walk(tree / "home/maker"):
        for name in (".", *names, *files):
            os.chown(os.path.join(folder, name), UID, UID, follow_symlinks=False)
    os.mknod(tree / "tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))
    (tree / "tun").chmod(0o666)  # as udev has it
    return tree


@pytest.fixture(scope="module")
def say(machine: Path, run):
    """Runs a shell line as the user, at home."""
    become = f"exec setpriv --reuid={UID} --regid={UID} --clear-groups --inh-caps=-all -- "
    become += 'env HOME=/home/maker PATH=/home/maker/.local/bin:/usr/bin:/bin sh -c "$0"'

    def said(line: str) -> "subprocess.CompletedProcess[str]":
        tun = "mount --bind /tun /dev/net/tun && "
        done: subprocess.CompletedProcess[str] = run(machine, "sh", "-c", tun + become, line)
        return done

    return said


def test_two_commands_end_green_and_leave_all_to_the_user(machine: Path, say) -> None:
    installed = say("pipx install /checkout")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    tested = say("cd ~/Images && baselard init --yes && baselard call test-examples")
    assert tested.returncode == 0, tested.stderr[-5000:]
    assert "all 2 passed" in tested.stdout
    looked = say("baselard doctor")
    assert "rootless, with 65537 users' numbers" in looked.stdout
    assert not (machine / "var/lib/baselard").exists()
    pruned = say("baselard prune --all && rm -rf ~/.local/share/baselard")
    assert pruned.returncode == 0, pruned.stderr
