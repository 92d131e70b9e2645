"""The way to root's rights: what is chosen for whom, and what is said to be missing.

Judge: the manual pages subuid(5) and user_namespaces(7), and Ubuntu's own description of its restriction.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.host import apparmor, doctor, privilege, process, rootless, wayout
from baselard.engine.host.rootless import Offer

RANGE = ((100000, 65536),)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A plain user `me`, number 1000, with a range, and all programs there; no sudo."""
    texts = {"/etc/subuid": "you:1:2\nme:100000:65536\n", "/etc/subgid": "1000:100000:65536\n"}
    monkeypatch.setattr(rootless, "_read", lambda path: texts.get(str(path), ""))
    monkeypatch.setattr(rootless, "_name", lambda: "me")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(privilege, "may_mount", lambda: False)
    monkeypatch.setattr(privilege, "sudo", lambda: "")
    monkeypatch.setattr(apparmor, "stops_this", lambda: False)
    monkeypatch.setattr(process, "which", lambda program: f"/usr/bin/{program}")
    return monkeypatch


def test_a_user_with_a_range_takes_it(machine: pytest.MonkeyPatch) -> None:
    assert rootless.chosen({}) == Offer(RANGE, RANGE)
    machine.setattr(privilege, "sudo", lambda: "/usr/bin/sudo")
    assert rootless.chosen({}) == Offer(RANGE, RANGE)
    assert rootless.chosen({"BASELARD_ROOTLESS": "0"}) is None


def test_whoever_may_mount_needs_none_of_it(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(privilege, "may_mount", lambda: True)
    assert rootless.chosen({}) is None
    with pytest.raises(HostError, match="--rootless is for plain users"):
        rootless.chosen({"BASELARD_ROOTLESS": "1"})


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (
            {"/etc/subuid": "you:165536:65536"},
            "/etc/subuid gives me no 65535 numbers; as root: usermod --add-subuids 231072-296607 ",
        ),
        (
            {"/etc/subgid": "me:1:100"},
            "/etc/subgid gives me no 65535 numbers; as root: usermod --add-subgids 100000-165535 me",
        ),
        ({"newgidmap": ""}, "newuidmap is not installed; as root: apt-get install uidmap"),
    ],
)
def test_without_a_range_sudo_comes_first_then_one_user(machine, change: dict[str, str], lacks: str) -> None:
    whole = rootless._read
    machine.setattr(rootless, "_read", lambda path: change.get(str(path), whole(path)))
    machine.setattr(process, "which", lambda program: change.get(program, "/usr/bin/it"))
    found = rootless.chosen({})
    assert found and found.single and found.lacks.startswith(lacks)
    machine.setattr(privilege, "sudo", lambda: "/usr/bin/sudo")
    assert rootless.chosen({}) is None
    assert rootless.chosen({"BASELARD_ROOTLESS": "1"}) == found


def test_one_user_alone_may_be_asked_for(machine: pytest.MonkeyPatch) -> None:
    assert rootless.chosen({"BASELARD_USERNS": "single"}) == Offer()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/proc/sys/user/max_user_namespaces", "sysctl -w user.max_user_namespaces=15000"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ],
)
def test_a_kernel_that_forbids_it_is_told_of(machine: pytest.MonkeyPatch, path: str, says: str) -> None:
    machine.setattr(rootless, "_read", lambda asked: "0" if str(asked) == path else "")
    with pytest.raises(HostError, match=says):
        rootless.chosen({})
    machine.setattr(privilege, "sudo", lambda: "/usr/bin/sudo")
    assert rootless.chosen({}) is None


def test_apparmors_restriction_is_explained_with_the_command_that_lifts_it(machine, monkeypatch, tmp_path) -> None:
    monkeypatch.undo()
    for name, text in (("_RESTRICTED", "1\n"), ("_CONFINED_BY", "unconfined\n")):
        tmp_path.joinpath(name).write_text(text)
        monkeypatch.setattr(apparmor, name, tmp_path / name)
    assert "`sudo baselard setup --rootless`" in rootless.forbidden()
    tmp_path.joinpath("_CONFINED_BY").write_text("baselard (unconfined)\n")
    assert rootless.forbidden() == ""
    tmp_path.joinpath("_CONFINED_BY").write_text("unconfined\n")
    tmp_path.joinpath("_RESTRICTED").write_text("0\n")
    assert rootless.forbidden() == ""


def test_the_profile_is_for_this_program_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ubuntu's own profiles, such as that of Chrome, have this form."""
    loaded: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(apparmor, "_PLACE", tmp_path / "baselard")
    monkeypatch.setattr(process, "run", lambda argv: loaded.append(tuple(argv)))
    apparmor.install(Path("/opt/my tools/bin/baselard"))
    text = (tmp_path / "baselard").read_text()
    assert 'profile baselard "/opt/my tools/bin/baselard" flags=(unconfined) {\n  userns,\n' in text
    assert loaded == [("apparmor_parser", "--replace", tmp_path / "baselard")]
    with pytest.raises(HostError, match="install Baselard to a plain path"):
        apparmor.install(Path("/home/*/baselard"))


@pytest.mark.parametrize(
    ("option", "good"),
    [
        ("  --no-map-gw\t\tDon't map gateway address to host", False),  # Debian 12
        ("  --no-copy-routes\tDEPRECATED:", False),  # Ubuntu 24.04
        ("  --freebind\t\tBind to any address for forwarding", True),  # Debian 13
    ],
)
def test_an_old_pasta_is_not_used(monkeypatch: pytest.MonkeyPatch, option: str, good: bool) -> None:
    """Judge: a line of what the programs of these systems say of themselves; all of them are of "unknown version"."""
    monkeypatch.setattr(process, "which", lambda name: f"/usr/bin/{name}" if name == "pasta" else "")
    done = process.Completed(("pasta",), 0, option.encode())
    monkeypatch.setattr(process, "run", lambda *_, **__: done)
    assert wayout.helpers() == (["pasta"] if good else [])
    assert ("slirp4netns" in wayout.lacking()) is not good


def test_doctor_tells_the_way(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(process, "run", lambda argv, **_: process.Completed(tuple(argv), 0))
    machine.setattr(wayout, "lacking", lambda: "")
    machine.setattr(wayout, "helpers", lambda: ["slirp4netns"])
    ways = [(one.subject, one.mark, one.detail) for one in doctor._privilege()]
    assert ways == [
        ("privilege", "ok", "rootless, with 65537 users' numbers"),
        ("way out", "ok", "by slirp4netns"),
    ]
    machine.setattr(rootless, "lacking", lambda: "there is no range; as root: usermod")
    assert [one.mark for one in doctor._privilege()] == ["warning", "ok"]
    machine.setattr(privilege, "sudo", lambda: "/usr/bin/sudo")
    assert [one.detail for one in doctor._privilege()] == [
        "root by sudo; rootless, there is no range; as root: usermod"
    ]


def test_a_thread_that_is_about_to_end_is_waited_for() -> None:
    """Judge: the kernel, which makes no user namespace for a process that has more than one thread."""
    code = """
import ctypes, os
from baselard.engine.host import rootless
libc = ctypes.CDLL(None)
libc.pthread_create(ctypes.byref(ctypes.c_ulong()), None, libc.usleep, ctypes.c_void_p(200_000))
rootless.enter(rootless.Offer())
print(os.getuid(), open("/proc/self/uid_map").read().split()[2])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("0 1\n", "")
