"""Start, ask and stop a real Docker on a machine that has none: the judge of the differential suite.

    python oracle.py start [--root /tmp/oracle]    # about a minute the first time, 2 s later
    python oracle.py stop  [--root /tmp/oracle]

Docker comes from the Debian archive, lives in a tree of its own and runs in a private mount namespace, so that
nothing of the machine changes; only its socket, ROOT/tree/run/docker.sock, is visible from outside.
Needs root, mmdebstrap, unshare and (for the small test base) a statically linked busybox.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

DEFAULT_ROOT = Path(os.environ.get("BASELARD_ORACLE", "/tmp/oracle"))
SUITE = "trixie"
PACKAGES = "docker.io,docker-cli,docker-buildx,iptables,ca-certificates,git"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

# A plain chroot is not enough: the daemon itself pivots when it unpacks an image, and that needs a mount point as root.
ENTER = """
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
for d in proc sys dev; do mount --rbind "/$d" "$root/$d"; done
mkdir -p "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
exec dockerd --data-root /var/lib/docker --exec-root /run/docker --pidfile /run/docker.pid \
  --host unix:///run/docker.sock --bridge none --iptables=false --ip6tables=false >/var/log/dockerd.log 2>&1
"""


def socket_of(root: Path) -> Path:
    return root / "tree" / "run" / "docker.sock"


def docker(root: Path, *args: str, stdin: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """One docker command against the oracle. Its client runs inside the oracle's tree, so no docker is needed outside."""
    argv = ["chroot", str(root / "tree"), "docker", *args]
    done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"docker {' '.join(args)} → {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done


def running(root: Path) -> bool:
    return socket_of(root).is_socket() and docker(root, "version", check=False).returncode == 0


def make_tree(root: Path) -> None:
    """Bootstrap the tree once; an interrupted attempt leaves only a temporary sibling behind."""
    tree = root / "tree"
    if not tree.exists():
        partial = root / "tree.partial"
        shutil.rmtree(partial, ignore_errors=True)
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(partial)], check=True
        )
        partial.rename(tree)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc", name), tree / "etc" / name)
    shutil.copy(CA_BUNDLE, tree / CA_BUNDLE.relative_to("/"))


def launch(root: Path) -> None:
    (root / "tree/run/docker.pid").unlink(missing_ok=True)
    daemon = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", ENTER, "enter", str(root / "tree")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in range(300):
        if running(root):
            return
        if daemon.poll() is not None:
            break
        time.sleep(0.1)
    log = (root / "tree/var/log/dockerd.log").read_text(errors="replace")
    raise RuntimeError("dockerd did not start:\n" + log[-3000:])


def busybox_tar() -> bytes:
    """A root filesystem of nothing but a static busybox: what every case of the suite starts from."""
    from cases import base_tar  # noqa: PLC0415 (only this command needs the suite)

    return base_tar()


def import_bases(root: Path) -> None:
    """`baselard-test/busybox` for the suite and, for builds of real images, `debian:trixie-slim`."""
    if docker(root, "image", "inspect", "debian:trixie-slim", check=False).returncode:
        tar = subprocess.run(["mmdebstrap", "--variant=minbase", SUITE, "-"], check=True, capture_output=True).stdout
        docker(root, "import", "--change", 'CMD ["bash"]', "-", "debian:trixie-slim", stdin=tar)


def start(root: Path) -> None:
    if not running(root):
        make_tree(root)
        launch(root)
    import_bases(root)


def stop(root: Path) -> None:
    pid = root / "tree/run/docker.pid"
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGTERM)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["start", "stop"])
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    args = parser.parse_args()
    {"start": start, "stop": stop}[args.command](args.root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
