"""The OCI runtime configuration."""

from pathlib import Path

import pytest

from baselard.engine.run.containers import runtime_spec, seccomp
from baselard.engine.run.containers.runtime_spec import Spec, SpecMount
from baselard.engine.run.containers.users import User
from baselard.oci.image_config import DEFAULT_PATH

_NAMES = """
    CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
    AUDIT_WRITE
"""
DOCKERS = {f"CAP_{name}" for name in _NAMES.split()}


@pytest.fixture(autouse=True)
def _no_profile(monkeypatch):
    monkeypatch.setattr(seccomp, "profile", lambda *_: {"defaultAction": "SCMP_ACT_ERRNO"})


def spec(**fields):
    return Spec(Path("/rootfs"), ("prog", "arg"), {"A": "1"}, "/proc/1/ns/net", **fields)


def test_a_program_its_user_and_variables():
    made = runtime_spec.config(spec(user=User(1, 2, (3,)), cwd="/src", hostname="here"), "/cgroup")
    assert made["process"]["args"] == ["prog", "arg"]
    assert made["process"]["user"] == {"uid": 1, "gid": 2, "additionalGids": [2, 3]}
    assert made["process"]["env"] == [f"PATH={DEFAULT_PATH}", "A=1"]
    assert (made["process"]["cwd"], made["hostname"]) == ("/src", "here")
    assert {"type": "network", "path": "/proc/1/ns/net"} in made["linux"]["namespaces"]
    assert made["linux"]["cgroupsPath"] == "/cgroup"


def test_the_users_path_wins():
    made = runtime_spec.process(Spec(Path("/"), ("x",), {"PATH": "/only"}, "/net"))
    assert made["env"] == ["PATH=/only"]


def test_an_init_goes_first():
    made = runtime_spec.config(spec(init="/usr/bin/init"), "/cgroup")
    assert made["process"]["args"] == ["/.init", "-p", "SIGKILL", "--", "prog", "arg"]
    assert made["mounts"][-1]["source"] == "/usr/bin/init"
    assert "ro" in made["mounts"][-1]["options"]


def test_dockers_limits_unless_insecure():
    bound = runtime_spec.config(spec(), "/cgroup")
    assert set(bound["process"]["capabilities"]["bounding"]) <= DOCKERS
    assert set(bound["process"]["capabilities"]) == {"bounding", "effective", "permitted"}
    assert "/proc/kcore" in bound["linux"]["maskedPaths"]
    assert bound["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"
    free = runtime_spec.config(spec(insecure=True), "/cgroup")
    assert not {"maskedPaths", "readonlyPaths", "seccomp"} & free["linux"].keys()
    assert set(free["process"]["capabilities"]["bounding"]) >= set(bound["process"]["capabilities"]["bounding"])


def test_own_mounts_come_after_the_systems():
    made = runtime_spec.config(spec(mounts=[SpecMount("/data", "/on/host")]), "/cgroup")
    targets = [mount["destination"] for mount in made["mounts"]]
    assert targets.index("/data") > targets.index("/dev/shm")
