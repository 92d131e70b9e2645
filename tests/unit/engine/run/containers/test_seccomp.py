"""The containers' seccomp profile, made plain for one architecture and set of capabilities."""

import json

import pytest

from baselard.engine.errors import HostError
from baselard.engine.run.containers import seccomp

PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 38,
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
    "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [], "includes": {}, "excludes": {}},
        {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
        {"names": ["cacheflush"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
    ],
}


@pytest.fixture
def profile(tmp_path, monkeypatch):
    path = tmp_path / "seccomp.json"
    path.write_text(json.dumps(PROFILE))
    monkeypatch.setattr(seccomp, "_PROFILES", (str(tmp_path / "missing"), str(path)))
    seccomp.profile.cache_clear()
    yield seccomp.profile
    seccomp.profile.cache_clear()


def names(profile):
    return [(rule["names"][0], rule["action"]) for rule in profile["syscalls"]]


def test_rules_that_hold_here(profile):
    found = profile("amd64", frozenset())
    assert names(found) == [
        ("read", "SCMP_ACT_ALLOW"),
        ("bpf", "SCMP_ACT_ERRNO"),
        ("arch_prctl", "SCMP_ACT_ALLOW"),
        ("personality", "SCMP_ACT_ALLOW"),
    ]
    assert found["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert (found["defaultErrnoRet"], found["syscalls"][1]["errnoRet"]) == (38, 1)
    assert "args" not in found["syscalls"][0]
    assert found["syscalls"][3]["args"][0]["value"] == 8


def test_a_capability_opens_its_calls(profile):
    assert ("bpf", "SCMP_ACT_ALLOW") in names(profile("amd64", frozenset({"CAP_SYS_ADMIN"})))
    assert ("cacheflush", "SCMP_ACT_ALLOW") in names(profile("arm64", frozenset()))


def test_a_machine_without_the_profile(profile, monkeypatch):
    monkeypatch.setattr(seccomp, "_PROFILES", ())
    with pytest.raises(HostError, match="golang-github-containers-common"):
        profile("amd64", frozenset({"CAP_KILL"}))
