"""Killed at random, on a full disk, two at once: the store stays whole and the work then ends well."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.host import doctor

pytestmark = pytest.mark.root
ROOT = Path(__file__).resolve().parents[4]
WORK = Path(__file__).with_name("image_work.py")


def start(store: Path, address: str, *wrapper: str) -> "subprocess.Popen[str]":
    argv = [*wrapper, sys.executable, str(WORK), str(store), address]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(child: "subprocess.Popen[str]") -> str:
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    return out.split()[-1]


def is_whole(store: Path) -> None:
    findings = [finding for finding in doctor.examine(store, deep=True) if finding.subject == "records"]
    assert [finding.mark for finding in findings] == ["ok"], findings


def kill_at_random(store: Path, address: str, times: int) -> None:
    for seed in range(times):
        child = start(store, address)
        try:
            child.wait(timeout=random.Random(seed).uniform(0.3, 1.6))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        is_whole(store)


@pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.full)])
def test_killed_during_pack_push_and_pull(server: Any, tmp_path: Path, times: int) -> None:
    kill_at_random(tmp_path / "store", f"{server.host}/app:1", times)
    digest = finish(start(tmp_path / "store", f"{server.host}/app:1"))
    assert digest == finish(start(tmp_path / "fresh", f"{server.host}/app:2"))
    is_whole(tmp_path / "store")
    assert len(list((tmp_path / "store" / "work").iterdir())) <= 2  # the last one's own lock, at most


@pytest.mark.parametrize("points", [5, pytest.param(20, marks=pytest.mark.full)])
def test_a_full_disk_is_told_and_harms_nothing(server: Any, tmp_path: Path, points: int) -> None:
    """The store on a small tmpfs; more room each time, what is there stays there."""
    store = tmp_path / "store"
    store.mkdir()
    script = (
        'mount -t tmpfs -o size=$SIZE tmpfs "$0" && cp -a "$1/." "$0" 2>/dev/null; shift; "$@"; code=$?; exit $code'
    )
    codes = []
    for point in range(points):
        size = 600_000 + 36_000_000 * point // points
        wrapper = ("env", f"SIZE={size}", "unshare", "-m", "sh", "-c", script, str(store), str(store))
        child = start(store, f"{server.host}/app:{point}", *wrapper)
        out, err = child.communicate(timeout=120)
        codes.append(child.returncode)
        assert child.returncode in (0, 7), out + err
        assert "Traceback" not in err
        if child.returncode == 7:
            assert err.count("\n") <= 3, err
    assert codes[0] == 7
    assert codes[-1] == 0


def test_two_at_once_on_one_store_and_one_tag(server: Any, tmp_path: Path) -> None:
    both = [start(tmp_path / "store", f"{server.host}/app:1") for _ in range(2)]
    assert len({finish(child) for child in both}) == 1
    is_whole(tmp_path / "store")


def test_a_publisher_killed_before_the_tag_has_moved_nothing(proxy: Any, tmp_path: Path) -> None:
    """It hangs where the tag should be put; the tag is not there then, and the next one puts it."""

    def hang(handler: Any, _: bytes) -> bool:
        if handler.command == "PUT" and handler.path.endswith("/manifests/1"):
            time.sleep(1)
            handler.close_connection = True
            return True
        return False

    proxy.faults.append(hang)
    child = start(tmp_path / "store", f"{proxy.host}/app:1")
    while not proxy.count("PUT", "/manifests/1"):
        assert child.poll() is None
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    proxy.faults.clear()
    missing = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", f"docker://{proxy.host}/app:1"], capture_output=True, check=False
    )
    assert b"manifest unknown" in missing.stderr
    finish(start(tmp_path / "store", f"{proxy.host}/app:1"))
