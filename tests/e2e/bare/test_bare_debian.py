"""The first call on a machine that has nothing but python3: set-up, engine, base, one example, in a tree of its own."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.full]

CHECKOUT = Path(__file__).resolve().parents[3]
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL")

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


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def machine(request):
    """A bootstrapped Debian with python3, this checkout in /checkout, and the host's resolver and certificates."""
    root = Path(tempfile.mkdtemp(prefix="bare-", dir="/var/tmp"))
    tree = root / "tree"
    subprocess.run(["mmdebstrap", "--variant=minbase", "--include=python3", request.param, str(tree)], check=True)
    shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
    shutil.copy(CA_BUNDLE, tree / "etc/host-ca.pem")
    files = subprocess.run(["git", "-C", CHECKOUT, "ls-files", "-z"], check=True, capture_output=True).stdout
    (tree / "checkout").mkdir()
    copy = ["tar", "-C", str(CHECKOUT), "--null", "-T", "-", "-c"]
    packed = subprocess.run(copy, input=files, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-C", str(tree / "checkout"), "-x"], input=packed, check=True)
    yield tree
    shutil.rmtree(root)


def run(tree: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    environment |= {name: "/etc/host-ca.pem" for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")}
    enter = ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(tree), *argv]
    return subprocess.run(enter, env=environment, capture_output=True, text=True, timeout=1500, check=False)


def test_the_first_call_sets_up_and_tests_an_example(machine):
    first = run(machine, "./baselard", "call", "test-examples", "--only", "shell-tool")
    assert first.returncode == 0, first.stderr[-5000:]
    assert "shell-tool" in first.stdout
    assert "installing" in first.stderr
    again = run(machine, "./baselard", "call", "examples")
    assert again.returncode == 0, again.stderr[-5000:]
    assert "installing" not in again.stderr


def test_no_python_module_of_the_host_is_needed(machine):
    listed = run(machine, "./.venv/bin/python", "-c", "import engine, sys; print(sys.prefix, engine.__file__)")
    assert listed.stdout.split() == ["/checkout/.venv", "/checkout/engine/__init__.py"], listed.stderr
