"""Which mounts control groups have, as the kernel tells it."""

from pathlib import Path

from baselard.engine.run.containers import cgroups

HYBRID = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/pids ro,nosuid,nodev shared:9 - cgroup cgroup rw,pids
"""
UNIFIED = "35 22 0:30 /sub /sys/fs/cgroup rw,nosuid,nodev,noexec master:1 - cgroup2 cgroup rw\n"


def test_mounts_and_their_own_options():
    assert list(cgroups._mounts(HYBRID)) == [
        (Path("/sys/fs/cgroup"), ["ro", "nosuid"]),
        (Path("/sys/fs/cgroup/pids"), ["ro", "nosuid", "nodev"]),
    ]
    assert list(cgroups._mounts(UNIFIED)) == [(Path("/sys/fs/cgroup"), ["rw", "nosuid", "nodev", "noexec"])]


def test_nothing_is_mounted():
    assert list(cgroups._mounts(HYBRID.splitlines()[0])) == []
