"""A thousand sessions in a row, and a thousand clients' work in one session, leave the machine as it was."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.root, pytest.mark.full]

ROOT = Path(__file__).parents[4]
COUNT = 1000
GROWTH = 40_000
"""Kilobytes that a session's memory may grow by with its second five hundred: what IDs were given for stays known."""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run thousand.py in namespaces of its own, so that other engines of this machine are not counted."""
    rootfs = tmp_path / "rootfs"
    for name in ("bin", "etc", "tmp"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy2("/bin/busybox", rootfs / "bin/busybox")
    for applet in ("sh", "wget", "httpd", "echo"):
        (rootfs / "bin" / applet).symlink_to("busybox")
    places = {"BASELARD_STORE": "store", "BASELARD_RUN": "run", "TMPDIR": "temporary"}
    for name in ("run", "temporary"):
        (tmp_path / name).mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(tmp_path / at) for name, at in places.items()}}

    def thousand(mode: str) -> tuple[dict[str, Any], dict[str, Any]]:
        program = Path(__file__).with_name("thousand.py")
        inner = f"ip link set lo up; exec {sys.executable} {program} {mode} {COUNT} {rootfs}"
        argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inner]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        print(done.stdout)
        found = json.loads(done.stdout)
        return found["before"], found["after"]

    return thousand


def test_a_thousand_sessions_leave_nothing(run: Any) -> None:
    before, after = run("row")
    assert after == before


def test_a_thousand_clients_work_in_one_session_is_let_go(run: Any) -> None:
    before, after = run("one")
    assert after.pop("kilobytes") - before.pop("kilobytes") < GROWTH
    assert after["descriptors"] <= before["descriptors"] + 8
    assert after["mounts"] <= before["mounts"] + 2
    assert after["processes"] <= before["processes"] + 2
