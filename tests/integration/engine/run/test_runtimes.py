"""crun runs containers as runc does: what may be done in one, what is left, and who does it where crun cannot."""

import json
import os
import subprocess
from dataclasses import replace

import pytest

from baselard.engine.errors import HostError, UserError
from baselard.engine.host import process
from baselard.engine.ops.exec import Expect
from baselard.engine.run.containers import runtime_spec, runtimes, seccomp, seccomp_program
from baselard.engine.run.containers.command import TmpfsMount
from baselard.engine.run.containers.host import HostEnvironment
from baselard.engine.run.containers.limits import Limits
from baselard.engine.run.containers.runtime_spec import Spec
from baselard.engine.run.containers.runtimes import Program
from baselard.oci.platforms import this_machine
from tests import alone

pytestmark = pytest.mark.root

STATES = """
for name in Cap Seccomp NoNewPrivs Groups Uid; do grep ^$name /proc/self/status; done; id; pwd; umask; env
for one in ipc mnt net pid user uts cgroup; do [ -e /proc/self/ns/$one ] && echo $one; done; cat /proc/self/cgroup
stat -c '%n %a %u:%g %F' /proc /sys /dev /dev/shm /dev/null /dev/pts /etc/hosts; cat /proc/1/oom_score_adj
"""


@pytest.fixture
def crun() -> str:
    return process.which("crun") or pytest.skip("needs crun: apt-get install crun")


def test_a_program_is_the_same_to_itself_by_either(run, monkeypatch, crun):
    shown = {}
    for name in runtimes.NAMES:
        monkeypatch.setenv("BASELARD_RUNTIME", name)
        shown[name] = [run(STATES, user=user).stdout for user in ("", "builder:tools")]
    assert shown["crun"] == shown["runc"]


def test_nobody_steps_in_where_either_will_do(run, monkeypatch, either_runtime):
    monkeypatch.setattr(runtimes, "_given_up", [])
    assert run("echo x", user="builder").stdout == "x\n"
    assert runtimes.chosen().name == either_runtime


@pytest.mark.parametrize(
    "line",
    [
        "mknod /disk b 254 0 && head -c1 /disk",
        "for one in /sys/fs/cgroup /sys/fs/cgroup/pids; do mkdir $one/x; done",
        "echo 1 > /proc/sys/vm/swappiness",
    ],
)
def test_devices_and_the_kernels_settings_are_out_of_reach(run, either_runtime, line):
    """A container may make device nodes, and open none that its control group does not list."""
    text = run(f"({line}) 2>&1; true").stdout
    assert "not permitted" in text or "Read-only" in text, text


@alone.LIMITS
def test_limits_hold(run, worker, either_runtime):
    on = replace(worker, host=HostEnvironment(limits=Limits(pids=12)))
    said = run("for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do sleep 1 & done 2>&1; wait", on=on, expect=Expect.ANY)
    assert "fork" in said.stdout + said.stream("stderr")


def test_directories_that_lead_to_a_mount_are_alike(run, either_runtime):
    ran = run("echo beside > /opt/deep/kept; stat -c '%a' /opt /opt/deep", mounts=(TmpfsMount("/opt/deep/er/mount"),))
    assert ran.stdout == "755\n755\n"


def test_standard_input_of_the_host_keeps_its_owner(run, either_runtime):
    """crun gives the program's user its own streams; the host's /dev/null is everybody's."""
    before = os.stat("/dev/null")
    assert run("cat", user="builder").stdout == ""
    assert run("cat; stat -c %u /proc/self/fd/0", user="builder", stdin="a" * 200_000).stdout[200_000:] == "1000\n"
    assert (os.stat("/dev/null").st_uid, os.stat("/dev/null").st_mode) == (before.st_uid, before.st_mode)


def test_a_file_as_standard_input_keeps_its_owner(run, either_runtime, busybox, output, worker):
    with worker.snapshots.draft(busybox.tree) as draft:
        (draft.path / "input").write_text("from a file")
        value = type(busybox)("with a file as input", draft.commit())
    ran = run("cat; stat -c %u /input", user="builder", redirect_stdin="/input", rootfs=output(value))
    assert ran.stdout == "from a file0\n"


def test_the_filter_is_what_crun_makes_of_the_profile(crun, tmp_path, busybox, machine):
    """Byte for byte, behind what answers ENOSYS."""
    profile = seccomp.profile(this_machine().architecture, frozenset({"CAP_CHOWN", "CAP_SYS_CHROOT"}))
    with machine.snapshots.draft(busybox.tree) as draft:
        config = runtime_spec.config(Spec(draft.path, ("/bin/sleep", "1000"), {}, ""), "/baselard-filter-test")
        config["linux"]["seccomp"] = profile
        (tmp_path / "config.json").write_text(json.dumps(config))
        command = [crun, *Program("crun", crun).options, "--root", str(tmp_path / "root")]
        with subprocess.Popen([*command, "run", "--bundle", str(tmp_path), "filter-test"]) as running:
            status = tmp_path / "root/filter-test/status"
            while not status.exists() and running.poll() is None:
                pass
            theirs = (status.parent / "seccomp.bpf").read_bytes()
            subprocess.run([*command, "delete", "--force", "filter-test"], check=False)
    ours = seccomp_program.compiled(profile)
    assert ours.endswith(theirs)
    assert 0 < len(ours) - len(theirs) <= 16 * 8


def test_another_library_or_architecture_leaves_it_to_the_runtime(monkeypatch):
    assert seccomp_program.compiled({"architectures": ["SCMP_ARCH_NONE"], "syscalls": [], "defaultErrnoRet": 1}) == b""
    assert runtime_spec.compiled_filter({"linux": {}}) == {}


def test_what_crun_cannot_start_runc_does(run, monkeypatch, tmp_path, crun):
    """A stand-in that complains as crun does, to its standard error and its log, before anything has run."""
    log = '{"msg":"no such thing","level":"error","time":"2026"}'
    (tmp_path / "crun").write_text(
        f"#!/bin/sh\n[ $1 = --cgroup-manager=disabled ] && shift\n[ $3 = --version ] && exec {crun} $*\n"
        f"[ $3 = delete ] || {{ mkdir -p $2/state; echo no such thing >&2; sleep 0.3; echo '{log}' > $6; exit 1; }}\n"
    )
    (tmp_path / "crun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(runtimes, "_given_up", [])
    with pytest.raises(UserError, match=r"exec: .no-such-program.: executable file not found"):
        run(("no-such-program",), no_init=True)
    assert runtimes.chosen().name == "crun"
    ran = run("cat", stdin="all of it")
    assert (ran.stdout, ran.stream("stderr")) == ("all of it", "")
    assert runtimes.chosen().name == "runc"


def test_nothing_but_the_two_is_a_runtime(run, monkeypatch):
    monkeypatch.setenv("BASELARD_RUNTIME", "youki")
    with pytest.raises(HostError, match="there is runc, and there is crun"):
        run("true")
