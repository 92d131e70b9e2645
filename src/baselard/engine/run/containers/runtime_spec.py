"""The OCI runtime configuration (runtime-spec, config.md) of one container, with Docker's defaults.

Capabilities, masked and read-only paths and the mounts are those of moby's ``oci.DefaultSpec``.
"""

import base64
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baselard.engine.run.containers import cgroups, limits, seccomp, seccomp_program
from baselard.engine.run.containers.limits import Limits
from baselard.engine.run.containers.users import User
from baselard.engine.store import ids
from baselard.oci.image_config import DEFAULT_PATH
from baselard.oci.platforms import this_machine

INIT_TARGET = "/.init"
_INIT_OPTIONS = ("-p", "SIGKILL")  # tini(1): end with the OCI runtime, which ends with the engine

_NUMBERED = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
_CAPABILITIES = _NUMBERED.split()  # in the order of their numbers, capabilities(7)
_TTY = 5  # the group of terminals
_DEFAULT = """
    CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
    AUDIT_WRITE
"""
_DEFAULT_CAPABILITIES = frozenset(_DEFAULT.split())
_MASKED = [  # and what _throttling finds
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
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_DEVICE_RULES = [
    {"allow": False, "access": "rwm"},
    *(
        {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
        for major, minor in ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2))
    ),
    {"allow": True, "type": "c", "major": 136, "access": "rwm"},
    {"allow": True, "access": "m", "type": "c"},
    {"allow": True, "access": "m", "type": "b"},
]


@dataclass(frozen=True)
class SpecMount:
    """One entry of the configuration's ``mounts``."""

    target: str
    source: str
    kind: str = "bind"
    options: tuple[str, ...] = ("rbind", "rprivate")

    def to_json(self) -> dict[str, object]:
        return {
            "destination": self.target,
            "type": self.kind,
            "source": self.source,
            "options": list(self.options),
        }


@dataclass(frozen=True)
class Spec:
    """One container: what runs, as whom, on which root, in which network namespace (a path; "" for this process's)."""

    rootfs: Path
    args: tuple[str, ...]
    env: Mapping[str, str]
    network: str
    cwd: str = "/"
    user: User = field(default_factory=User)
    mounts: Sequence[SpecMount] = ()
    hostname: str = "baselard"
    init: str = ""
    insecure: bool = False
    limits: Limits = field(default_factory=Limits)
    terminal: bool = False


def config(spec: Spec, cgroup: str) -> dict[str, Any]:
    """The content of ``config.json``. ``cgroup`` is the container's control group path."""
    init = SpecMount(INIT_TARGET, spec.init, options=("rbind", "ro", "nosuid", "nodev"))
    mounts = [*_mounts(spec), *spec.mounts, *([init] if spec.init else [])]
    return {
        "ociVersion": "1.0.2",
        "process": process(spec),
        "root": {"path": str(spec.rootfs), "readonly": False},
        "hostname": spec.hostname,
        "mounts": [mount.to_json() for mount in mounts],
        "linux": _linux(spec, cgroup),
    }


def compiled_filter(configured: Mapping[str, Any]) -> dict[str, Any]:
    """The annotation by which crun takes the configuration's filter as a program, and compiles none: crun(1)."""
    profile = configured["linux"].get("seccomp")
    program = _program(json.dumps(profile)) if profile else ""
    return {"annotations": {"run.oci.seccomp_bpf_data": program}} if program else {}


@functools.cache
def _program(profile: str) -> str:
    return base64.b64encode(seccomp_program.compiled(json.loads(profile))).decode()


def process(spec: Spec) -> dict[str, Any]:
    """The configuration's ``process``: the program, its user, variables and capabilities."""
    capabilities = sorted(_capabilities(spec))
    env = {"PATH": DEFAULT_PATH, **spec.env}
    if spec.user.home:
        env.setdefault("HOME", spec.user.home)
    args = (INIT_TARGET, *_INIT_OPTIONS, "--", *spec.args) if spec.init else spec.args
    return {
        "terminal": spec.terminal,
        "user": spec.user.to_json(),
        "args": list(args),
        "env": [f"{name}={value}" for name, value in env.items()],
        "cwd": spec.cwd,
        # Without ambient and inheritable sets, as in Docker since 20.10.14 (CVE-2022-24769).
        "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
        "noNewPrivileges": False,
        "oomScoreAdj": max(limits.OOM_SCORE, _own_oom_score()),
        **({"rlimits": rlimits} if (rlimits := spec.limits.rlimits()) else {}),
    }


def _own_oom_score() -> int:
    """This process's own, below which none may be set without a privilege (proc(5))."""
    return int(Path("/proc/self/oom_score_adj").read_text())


def _linux(spec: Spec, cgroup: str) -> dict[str, Any]:
    namespaces: list[dict[str, str]] = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup")]
    common = {
        **({"cgroupsPath": cgroup} if cgroups.are_ours() else {}),  # without it, runc passes over what it may not make
        "namespaces": [*namespaces, *([{"type": "network", "path": spec.network}] if spec.network else [])],
        "rootfsPropagation": "rprivate",
    }
    if spec.insecure:
        return {**common, "resources": {"devices": [{"allow": True, "access": "rwm"}], **spec.limits.to_json()}}
    architecture = this_machine().architecture
    return {
        **common,
        "resources": {"devices": _DEVICE_RULES, **spec.limits.to_json()},
        "maskedPaths": [*_MASKED, *_throttling()],
        "readonlyPaths": _READ_ONLY,
        "seccomp": seccomp.profile(architecture, _capabilities(spec)),
    }


@functools.cache
def _throttling() -> list[str]:
    """What tells of each processor's load, and so of what others do on this machine (GHSA-6fw5-f8r9-fgfm)."""
    return [str(path) for path in sorted(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle"))]


def _mounts(spec: Spec) -> list[SpecMount]:
    quiet = ("nosuid", "noexec", "nodev")
    access = "rw" if spec.insecure else "ro"
    sys = SpecMount("/sys", "sysfs", "sysfs", (*quiet, access))
    if not spec.network and not ids.are_all():  # the kernel gives a new one to the network's owner alone
        sys = SpecMount("/sys", "/sys", options=("rbind", "rprivate", *quiet, access))
    terminals = () if ids.missing(0, _TTY) else (f"gid={_TTY}",)
    return [
        SpecMount("/proc", "proc", "proc", quiet),
        SpecMount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
        SpecMount(
            "/dev/pts", "devpts", "devpts", (*quiet[:2], "newinstance", "ptmxmode=0666", "mode=0620", *terminals)
        ),
        sys,
        SpecMount("/sys/fs/cgroup", "cgroup", "cgroup", (*quiet, "relatime", access)),
        SpecMount("/dev/mqueue", "mqueue", "mqueue", quiet),
        SpecMount("/dev/shm", "shm", "tmpfs", (*quiet, "mode=1777", "size=65536k")),  # noqa: S108
    ]


def _capabilities(spec: Spec) -> frozenset[str]:
    names = _held() if spec.insecure else _held() & _DEFAULT_CAPABILITIES
    return frozenset(f"CAP_{name}" for name in names)


def _held() -> frozenset[str]:
    """The capabilities this process could give away (proc(5), CapBnd)."""
    status = Path("/proc/self/status").read_text()
    bits = int(status.split("CapBnd:")[1].split()[0], 16)
    return frozenset(name for number, name in enumerate(_CAPABILITIES) if bits >> number & 1)
