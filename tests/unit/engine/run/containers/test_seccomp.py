"""The containers' seccomp filter; the judge is the one docker's daemon has."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.run.containers import runtime_spec, seccomp
from baselard.engine.run.containers.syscalls import ARCHITECTURES

DEFAULT = frozenset(f"CAP_{name}" for name in runtime_spec._DEFAULT_CAPABILITIES)
MODULE = "github.com/moby/profiles/seccomp"
GO_NAMES = {"386": "x86"}  # moby's names where they are not Go's


def _plain(rules: Iterable[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """A filter's rules, one for each call; what is allowed anyhow, and what the default is, leaves none."""
    found = set()
    for rule in rules:
        args = tuple(
            (one["index"], one["op"], one["value"], one.get("valueTwo") or 0)
            for one in _expanded(rule.get("args") or ())
        )
        for name in rule["names"]:
            found |= {(name, rule["action"], rule.get("errnoRet"), (arg,)) for arg in args} or {
                (name, rule["action"], rule.get("errnoRet"), ())  # type: ignore[arg-type]
            }
    return found


def _expanded(args: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """``x < 3`` as the three values that it means."""
    for one in args:
        if one["op"] == "SCMP_CMP_LT":
            yield from ({**one, "op": "SCMP_CMP_EQ", "value": value} for value in range(one["value"]))
        else:
            yield one


def _holds(rule: Mapping[str, Any], architecture: str, capabilities: frozenset[str]) -> bool:
    """moby's conditions (profiles/seccomp, generate.go); all kernels here are newer than those that it asks for."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    name = GO_NAMES.get(architecture, architecture)
    return (
        set(includes.get("caps") or ()) <= capabilities
        and name in (includes.get("arches") or [name])
        and not capabilities & set(excludes.get("caps") or ())
        and name not in (excludes.get("arches") or ())
    )


@pytest.fixture(scope="module")
def moby(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The newest profile, by the go program, which knows where modules are to be had."""
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin") or pytest.skip("there is no go here")
    argv = [go, "mod", "download", "-json", f"{MODULE}@latest"]
    done = subprocess.run(argv, cwd=tmp_path_factory.mktemp("go"), capture_output=True, check=True)
    found: Mapping[str, Any] = json.loads(Path(json.loads(done.stdout)["Dir"], "default.json").read_text())
    return found


@pytest.mark.network
@pytest.mark.full
@pytest.mark.parametrize("more", [(), ("CAP_SYS_ADMIN",), ("CAP_BPF", "CAP_PERFMON", "CAP_SYSLOG", "CAP_SYS_PTRACE")])
@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_it_is_moby_s_newest(moby: Mapping[str, Any], architecture: str, more: tuple[str, ...]) -> None:
    capabilities = DEFAULT | frozenset(more)
    ours = seccomp.profile(architecture, capabilities)
    theirs = [rule for rule in moby["syscalls"] if _holds(rule, architecture, capabilities)]
    assert _plain(ours["syscalls"]) == _plain(theirs)
    assert (ours["defaultAction"], ours["defaultErrnoRet"]) == (moby["defaultAction"], moby["defaultErrnoRet"])
    native = ours["architectures"][0]
    for entry in moby["archMap"]:
        if entry["architecture"] == native:
            assert ours["architectures"] == [native, *(entry["subArchitectures"] or ())]


def _allowed(capabilities: frozenset[str]) -> set[str]:
    rules = seccomp.profile("amd64", capabilities)["syscalls"]
    return {name for rule in rules if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}


REFUSED = """
    add_key bpf clone3 fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register io_uring_setup keyctl
    kexec_load mount mount_setattr move_mount nfsservctl open_by_handle_at open_tree perf_event_open pivot_root
    request_key setns swapon umount2 unshare userfaultfd
"""


@pytest.mark.parametrize("name", REFUSED.split())
def test_what_no_build_may(name: str) -> None:
    assert name not in _allowed(DEFAULT)


def test_a_capability_opens_its_calls() -> None:
    assert {"unshare", "fsopen", "mount_setattr", "clone3"} <= _allowed(DEFAULT | {"CAP_SYS_ADMIN"})
    assert "io_uring_setup" not in _allowed(DEFAULT | {"CAP_SYS_ADMIN"})


def test_only_these_sockets() -> None:
    rules = seccomp.profile("amd64", DEFAULT)["syscalls"]
    families = {rule["args"][0]["value"] for rule in rules if rule["names"] == ["socket"]}
    af_alg, af_vsock, af_inet6, af_netlink = 38, 40, 10, 16
    assert families & {af_alg, af_vsock, af_inet6, af_netlink} == {af_inet6, af_netlink}
    assert all(rule["args"] for rule in rules if "socket" in rule["names"])


def test_what_is_hidden_is_what_docker_hides() -> None:
    """moby's daemon/pkg/oci/defaults.go, of 2025: beside these the throttling of each processor, where it is told."""
    hidden = runtime_spec.config(_spec(), "/x")["linux"]["maskedPaths"]
    assert [path for path in hidden if not path.endswith("/thermal_throttle")] == [
        "/proc/acpi",
        "/proc/asound",
        "/proc/interrupts",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/sys/devices/virtual/powercap",
        "/sys/firmware",
    ]
    assert runtime_spec.config(_spec(), "/x")["linux"]["readonlyPaths"] == [
        "/proc/bus",
        "/proc/fs",
        "/proc/irq",
        "/proc/sys",
        "/proc/sysrq-trigger",
    ]


def _spec() -> runtime_spec.Spec:
    return runtime_spec.Spec(rootfs="/", args=("true",), env={}, network="/x")  # type: ignore[arg-type]
