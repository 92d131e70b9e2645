"""Debian's buildah and podman, run in the peers' tree with a storage of their own."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import docker, programs

# Their storage mounts overlays, which a plain chroot on a shared mount tree would leave behind.
_ENTER = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
for d in proc sys dev; do mount --rbind "/$d" "$1/$d"; done
mount -t tmpfs tmpfs "$1/run"
mkdir -p "$1/.old"
cd "$1"
pivot_root . .old
umount -l /.old
echo ready
exec sleep infinity
"""
# As root they would raise the limits, which a machine may forbid; and they must not look for systemd's cgroups.
_CONFIG = """[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
"""
_POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'


@dataclass(frozen=True)
class Podman:
    """The programs inside a mount namespace of their own, held open by the process ``holder``."""

    tree: Path
    holder: int

    def podman(self, *args: str) -> str:
        """One command of podman; what it printed. Raises RuntimeError."""
        return self._inside("podman", *args)

    def buildah(self, *args: str) -> str:
        """One command of buildah; what it printed. Raises RuntimeError."""
        return self._inside("buildah", *args)

    @property
    def data(self) -> Path:
        """Where both keep images and containers."""
        return self.tree / "var/lib/containers"

    def _inside(self, *argv: str) -> str:
        # A temporary directory of the machine's is not there inside.
        inside = ["nsenter", "--target", str(self.holder), "--mount", "--root", "--wd", "env", "--unset=TMPDIR"]
        return programs.run([*inside, *argv])


def _config() -> str:
    files, processes = (resource.getrlimit(limit)[1] for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    return _CONFIG.format(files=files, processes=processes)


@contextlib.contextmanager
def opened() -> Iterator[Podman]:
    """Both programs ready inside this block. Raises RuntimeError when they cannot be installed."""
    tree = docker.tree()
    (tree / "etc/containers").mkdir(exist_ok=True)
    (tree / "etc/containers/containers.conf").write_text(_config())
    (tree / "etc/containers/policy.json").write_text(_POLICY)
    argv = ["unshare", "--mount", "sh", "-c", _ENTER, "enter", str(tree)]
    holder = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        if not holder.stdout or holder.stdout.readline() != "ready\n":
            raise RuntimeError("podman's tree cannot be entered")
        yield Podman(tree, holder.pid)
    finally:
        holder.terminate()
        holder.wait()
