"""A real Docker on a machine that has none, as a peer and as a judge.

Docker comes from the Debian archive, lives in a tree of its own and runs in a private mount namespace, so that
nothing of the machine changes; only its socket, ROOT/tree/run/docker.sock, is visible from outside.
Needs root, mmdebstrap and unshare.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

DEFAULT_ROOT = Path(os.environ.get("BASELARD_ORACLE", "/tmp/oracle"))  # noqa: S108 -- for developers, who may say another place
SUITE = "trixie"
PACKAGES = "docker.io,docker-cli,docker-buildx,iptables,ca-certificates,git,goss,buildah,podman,runc"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

# A plain chroot is not enough: the daemon itself pivots when it unpacks an image, and that needs a mount point as root.
ENTER = """
set -e
root=$1 place=$2
mount --make-rprivate /
mount --bind "$root" "$root"
for d in proc sys dev; do mount --rbind "/$d" "$root/$d"; done
mkdir -p "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
exec dockerd --data-root "/var/lib/$place" --exec-root "/run/$place" --pidfile "/run/$place.pid" \
  --host "unix:///run/$place.sock" --bridge none --iptables=false --ip6tables=false >"/var/log/$place.log" 2>&1
"""


def client(root: Path, place: str = "docker") -> list[str]:
    """How docker is asked. Its client runs in the oracle's tree: none is needed outside."""
    return ["chroot", str(root / "tree"), "docker", "--host", f"unix:///run/{place}.sock"]


def docker(
    root: Path, *args: str, place: str = "docker", stdin: bytes | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """One docker command against the oracle."""
    argv = [*client(root, place), *args]
    done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"docker {' '.join(args)} → {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done


def running(root: Path, place: str = "docker") -> bool:
    socket = root / "tree/run" / f"{place}.sock"
    return socket.is_socket() and docker(root, "version", place=place, check=False).returncode == 0


def make_tree(root: Path) -> None:
    """Bootstrap the tree once; an interrupted attempt leaves only a temporary sibling behind."""
    tree = root / "tree"
    if not tree.exists():
        partial = root / "tree.partial"
        shutil.rmtree(partial, ignore_errors=True)
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["/usr/bin/mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(partial)], check=True
        )
        partial.rename(tree)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc", name), tree / "etc" / name)
    shutil.copy(CA_BUNDLE, tree / CA_BUNDLE.relative_to("/"))


def launch(root: Path, place: str = "docker") -> subprocess.Popen[bytes]:
    """Start a daemon; it goes on when this process ends.

    Several may run in one tree, each in a place (data root, socket, log) of its own.
    """
    (root / "tree/run" / f"{place}.pid").unlink(missing_ok=True)
    daemon = subprocess.Popen(
        ["/usr/bin/unshare", "-m", "sh", "-c", ENTER, "enter", str(root / "tree"), place],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in range(300):
        if running(root, place):
            return daemon
        if daemon.poll() is not None:
            break
        time.sleep(0.1)
    log = (root / "tree/var/log" / f"{place}.log").read_text(errors="replace")
    raise RuntimeError("dockerd did not start:\n" + log[-3000:])


@contextlib.contextmanager
def borrowed(root: Path) -> Iterator[Path]:
    """The tree below ``root`` with its daemon up; the daemon is ended afterwards if it did not run before.

    Whoever else borrows it meanwhile waits.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from _lent(root)


def _lent(root: Path) -> Iterator[Path]:
    if running(root):
        yield root / "tree"
        return
    make_tree(root)
    with launch(root):
        yield root / "tree"
        stop(root)


def stop(root: Path) -> None:
    """End the daemons, and wait until they have: whoever removes the tree next may do so."""
    for file in (root / "tree/run").glob("docker*.pid"):
        pid = file.read_text()
        if _works(pid):
            os.kill(int(pid), signal.SIGTERM)
        while _works(pid):
            time.sleep(0.05)


def _works(pid: str) -> bool:
    """Whether a process is a daemon that has not ended: one that nobody has waited for yet has."""
    try:
        status = Path("/proc", pid, "status").read_text()
    except FileNotFoundError:
        return False
    return "Name:\tdockerd\n" in status and "State:\tZ" not in status
