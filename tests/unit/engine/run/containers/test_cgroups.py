"""Which mounts control groups have, as the kernel tells it."""

import os
from pathlib import Path

import pytest

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


def test_the_members_of_ones_own_group():
    """The lines are those of cgroups(7), "/proc/[pid]/cgroup"."""
    hybrid = "9:name=systemd:/\n8:pids:/user/one\n4:memory:/other\n0::/\n"
    assert cgroups._own(hybrid) == Path("/sys/fs/cgroup/pids/user/one/cgroup.procs")
    assert cgroups._own("0::/system.slice/a:b.service\n") == Path(
        "/sys/fs/cgroup/system.slice/a:b.service/cgroup.procs"
    )


@pytest.mark.root
def test_entering_ones_own_group_changes_nothing():
    before = Path("/proc/self/cgroup").read_text()
    cgroups._enter_own()
    assert Path("/proc/self/cgroup").read_text() == before
    assert str(os.getpid()) in cgroups._own(before).read_text().split()
