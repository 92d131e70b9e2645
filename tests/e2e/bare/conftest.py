"""Bootstrapped Debian trees with this checkout in them, and how to run something there as on a machine of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL")

# Debian has no package with Ubuntu's keys; what is trusted here is thrown away after the test.
SOURCES = {"noble": ["deb [trusted=yes] http://archive.ubuntu.com/ubuntu noble main universe"]}

# runc pivots, so the tree has to be a mount point and the root of its own mount namespace.
ENTER = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
for d in proc sys dev; do mount --rbind "/$d" "$1/$d"; done
mkdir -p "$1/.old"
cd "$1"
pivot_root . .old
umount -l /.old
cd /checkout
shift
exec "$@"
"""


@pytest.fixture(scope="module")
def bootstrapped() -> Iterator[Callable[[str, str], Path]]:
    """Makes a Debian of a suite with some packages, and this checkout, the host's resolver and certificates in it."""
    root = Path(tempfile.mkdtemp(prefix="bare-", dir="/var/tmp"))
    root.chmod(0o755)

    def make(suite: str, packages: str) -> Path:
        tree = root / suite
        options = ["--variant=minbase", f"--include=apt,{packages}", suite, str(tree)]
        subprocess.run(["mmdebstrap", *options, *SOURCES.get(suite, ())], check=True)
        shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
        (tree / "etc/hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
        shutil.copy(CA_BUNDLE, tree / "etc/host-ca.pem")
        files = subprocess.run(["git", "-C", CHECKOUT, "ls-files", "-z"], check=True, capture_output=True).stdout
        (tree / "checkout").mkdir()
        copy = ["tar", "-C", str(CHECKOUT), "--null", "-T", "-", "-c"]
        packed = subprocess.run(copy, input=files, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-C", str(tree / "checkout"), "-x"], input=packed, check=True)
        return tree

    yield make
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def run() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a command in /checkout of a tree, in an environment of nothing but proxies and certificates."""
    return _run


def _run(tree: Path, *argv: str, seconds: float = 1500) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "BASELARD_NO_DAEMON": "1",
    }
    environment |= {name: "/etc/host-ca.pem" for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")}
    enter = ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(tree), *argv]
    return subprocess.run(enter, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
