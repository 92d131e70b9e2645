"""A fresh user without sudo on a bare machine, where root has installed packages: two commands, and green."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from baselard.engine.host import apparmor, packages
from tests import alone

pytestmark = [alone.MACHINES, pytest.mark.network, pytest.mark.full]

UID = 1234
SUITES = ["trixie", "noble", "bookworm"]
UPDATE = "apt-get update -qq -o APT::Update::Error-Mode=any"  # which warns of what it does not reach, and is content
REPOSITORY = {
    "image/Dockerfile": "FROM debian:trixie-slim\nRUN echo hello >/etc/greeting && chown 33:33 /etc/greeting\n",
    "examples/greeter/Dockerfile": f"FROM ghcr.io/acme/base:latest\nRUN {UPDATE}\nCMD cat /etc/greeting\n",
    "examples/greeter/goss.yaml": "file:\n  /etc/greeting: {exists: true, owner: www-data, contents: [hello]}\n",
}
# A checkout's tests judge what git knows of it.
CLONE = """
cp -r /checkout ~/clone && cd ~/clone && git init -q && git add . && git -c user.name=n -c user.email=e@x commit -qm all
"""


@pytest.fixture(scope="module", params=SUITES)
def machine(bootstrapped, request: pytest.FixtureRequest) -> Path:
    """A system with the packages that setup and tests install, a user in it, and a repository of theirs."""
    lists = (packages.ENGINE, packages.ROOTLESS, Path("locks/debian-dev.txt"))
    wanted = {one.name for path in lists[: 3 if request.param == "trixie" else 2] for one in packages.listed(path)}
    tree: Path = bootstrapped(request.param, ",".join(["pipx", "passwd", "passt", "apparmor", *sorted(wanted)]))
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

    def said(line: str, seconds: float = 1500) -> "subprocess.CompletedProcess[str]":
        argv = ("sh", "-c", "mount --bind /tun /dev/net/tun && " + become, line)
        done: subprocess.CompletedProcess[str] = run(machine, *argv, seconds=seconds)
        return done

    return said


@pytest.mark.parametrize("machine", SUITES[:1], indirect=True)
def test_a_checkout_of_the_users_own_runs_what_the_readme_says(say) -> None:
    """All examples of this repository, and all its tests but the slow ones, which take most of an hour."""
    made = say(CLONE)
    assert made.returncode == 0, made.stderr
    tested = say("cd ~/clone && ./baselard call test-examples")
    assert tested.returncode == 0, tested.stderr[-5000:]
    assert "all 8 passed" in tested.stdout
    own = say("cd ~/clone && ./baselard test -rfE", seconds=3 * 3600)
    assert own.returncode == 0, own.stdout[-20000:] + own.stderr[-3000:]


@pytest.mark.parametrize("machine", SUITES[1:], indirect=True)
def test_tests_go_on_without_what_only_tests_use(machine: Path, say, run) -> None:
    """Judge: the system's own archive, whose lists know what there is. Root has installed nothing of it here."""
    updated = run(machine, "apt-get", "update", "-qq")
    assert updated.returncode == 0, updated.stderr
    tested = say(f"{CLONE.strip()} && ./baselard test -rs tests/unit/oci tests/e2e/cli/test_completion.py")
    assert tested.returncode == 0, tested.stdout[-3000:] + tested.stderr[-3000:]
    assert "needs root or sudo, once: apt-get install --yes --no-install-recommends " in tested.stderr
    assert "umoci zsh; what uses it is skipped until then" in tested.stderr
    assert "fish is not installed" in tested.stdout
    if "ubuntu" in (machine / "etc/os-release").read_text():
        assert "not in this system's package archive, and left out: chromium-headless-shell\n" in tested.stderr


def test_two_commands_end_green_and_leave_all_to_the_user(machine: Path, say) -> None:
    installed = say("pipx install /checkout")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    tested = say("cd ~/Images && baselard init --yes && baselard call test-examples")
    assert tested.returncode == 0, tested.stderr[-5000:]
    assert "all 2 passed" in tested.stdout
    looked = say("baselard doctor")
    assert "rootless, with 65537 users' numbers" in looked.stdout
    assert not (machine / "var/lib/baselard").exists()


def test_the_image_is_roots(machine: Path, say, run) -> None:
    """Each in a new store, so that no step is as old as another call. Judge: skopeo's reading of the archives."""
    archived = (
        "cd /home/maker/Images && SOURCE_DATE_EPOCH=1700000000 BASELARD_STORE=$HOME/fresh baselard call archive -o"
    )
    done = [say(f"{archived} ~/theirs.tar")]
    done += [run(machine, "sh", "-c", f"PATH=/home/maker/.local/bin:$PATH; {archived} /roots.tar")]
    assert [one.returncode for one in done] == [0, 0], done[0].stderr[-3000:] + done[1].stderr[-3000:]
    archives = [f"oci-archive:{machine / name}" for name in ("home/maker/theirs.tar", "roots.tar")]
    theirs, roots = (json.loads(subprocess.check_output(["skopeo", "inspect", name])) for name in archives)
    assert theirs["Digest"] == roots["Digest"]


def test_pasta_is_a_way_out_too(machine: Path, say) -> None:
    """Debian 12 and Ubuntu 24.04 have one that is too old, so that there is none left."""
    (machine / "usr/bin/slirp4netns").unlink()
    looked, old = say("baselard doctor").stdout, "trixie" not in (machine / "etc/os-release").read_text()
    assert ("by pasta" in looked) is not old
    again = say("cd ~/Images && baselard call --no-cache-exec test-examples")
    assert ("all 2 passed" in again.stdout) is not old, again.stderr[-5000:]
    assert ("containers reach each other but nothing outside" in again.stderr) is old


@pytest.mark.parametrize("machine", SUITES[:2], indirect=True)
def test_apparmors_own_parser_takes_the_profile(machine: Path) -> None:
    """Judge: apparmor_parser of AppArmor 4, which need load nothing for it. Debian 12's knows no user namespaces."""
    place = machine / "profile"
    parses = ["chroot", str(machine), "apparmor_parser", "--skip-kernel-load", "--skip-cache", f"/{place.name}"]
    for text, code in ((apparmor.profile(Path("/home/a b/bin/baselard")), 0), ('profile x "/x" {\n  usernz,\n}\n', 1)):
        (machine / place.name).write_text(text)
        assert subprocess.run(parses, check=False).returncode == code


def test_nothing_is_left_that_the_user_cannot_remove(say) -> None:
    pruned = say("baselard prune --all && rm -rf ~/.local/share/baselard")
    assert pruned.returncode == 0, pruned.stderr
