"""Start, ask and stop a real Docker on a machine that has none: the judge of the differential suite.

    python -m tests.conformance.dockerfile.oracle start     # about a minute the first time, 2 s later
    python -m tests.conformance.dockerfile.oracle record [--only NAME]
    python -m tests.conformance.dockerfile.oracle stop

Docker comes from the Debian archive, lives in a tree of its own and runs in a private mount namespace, so that
nothing of the machine changes; only its socket, ROOT/tree/run/docker.sock, is visible from outside.
Needs root, mmdebstrap, unshare and (for the small test base) a statically linked busybox.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.dockerfile import base_image
from tests.conformance.dockerfile.answers import compact
from tests.conformance.dockerfile.cases import Case, agent, load_cases, load_expected, save_expected, write_files
from tests.conformance.dockerfile.image_reader import add_attributes, read_archive

DEFAULT_ROOT = Path(os.environ.get("BASELARD_ORACLE", "/tmp/oracle"))
SUITE = "trixie"
PACKAGES = "docker.io,docker-cli,docker-buildx,iptables,ca-certificates,git,goss,buildah,podman,runc"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

# What differs between two runs of the same build.
RANDOM = re.compile(
    r"[0-9a-f-]{36}::[a-z0-9]{25}|[a-z0-9]{25}::[a-z0-9]{25}|\b[a-z0-9]{25}\b"
    r"|/var/lib/docker/(?:\S+?/(?:merged|diff)|tmp/buildkit-mount\d+)"
)

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
        subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(partial)], check=True)
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
        ["unshare", "-m", "sh", "-c", ENTER, "enter", str(root / "tree"), place],
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
    """The tree below ``root`` with its daemon up; the daemon is ended afterwards if it did not run before."""
    if running(root):
        yield root / "tree"
        return
    make_tree(root)
    with launch(root):
        yield root / "tree"
        stop(root)


def import_bases(root: Path) -> None:
    """The suite's own tiny images and, for builds of real ones, `debian:trixie-slim`."""
    for archive in base_image.images().values():
        docker(root, "load", stdin=archive)
    if docker(root, "image", "inspect", "debian:trixie-slim", check=False).returncode:
        tar = subprocess.run(["mmdebstrap", "--variant=minbase", SUITE, "-"], check=True, capture_output=True).stdout
        docker(root, "import", "--change", 'CMD ["bash"]', "-", "debian:trixie-slim", stdin=tar)


@functools.cache
def live_answer(name: str) -> dict[str, Any]:
    """What docker makes of the case of this name now; asked once, since both ways in compare with it."""
    return answer(DEFAULT_ROOT, next(case for case in load_cases() if case.name == name))


def answer(root: Path, case: Case) -> dict[str, Any]:
    """What docker makes of a case: its difference from the base, or `{"error": …}`."""
    tag = f"baselard-test/case:{os.getpid()}"
    work = Path(tempfile.mkdtemp(prefix="case-", dir=root / "tree/tmp"))
    try:
        case.write(work / "context")
        options = [*_options(case, work, root), "-t", tag, _inside(work / "context", root)]
        with agent(work / "agent"):
            built = docker(root, "buildx", "build", *options, check=False)
        if b"Cannot connect to the Docker daemon" in built.stderr:
            raise RuntimeError(f"{case.name}: docker is gone")
        if built.returncode:
            return {"error": _reason(built.stderr.decode(errors="replace"))}
        docker(root, "save", "-o", _inside(work / "image.tar", root), tag)
        read = read_archive(work / "image.tar")
        if case.name.startswith("xattr-"):
            docker(root, "buildx", "build", *options, "-o", f"type=tar,dest={_inside(work / 'files.tar', root)}")
            add_attributes(read["files"], work / "files.tar")
        return compact(read)
    finally:
        docker(root, "image", "rm", "-f", tag, check=False)
        shutil.rmtree(work)


def _inside(path: Path, root: Path) -> str:
    return "/" + str(path.relative_to(root / "tree"))


def _options(case: Case, work: Path, root: Path) -> list[str]:
    options = ["--network", "host", "--provenance=false", "-f", _inside(work / "context" / case.path, root)]
    options += ["--target", case.target] if case.target else []
    options += ["--ssh", f"default={_inside(work / 'agent', root)}"] if case.ssh else []
    for key, value in case.args.items():
        options += ["--build-arg", f"{key}={value}"]
    for number, (name, files) in enumerate(case.contexts.items()):
        where = f"docker-image://{files}"
        if isinstance(files, dict):
            write_files(work / f"named{number}", files)
            where = _inside(work / f"named{number}", root)
        options += ["--build-context", f"{name}={where}"]
    for name, text in case.secrets.items():
        (work / name).write_text(text)
        options += ["--secret", f"id={name},src={_inside(work / name, root)}"]
    return options


def _reason(output: str) -> str:
    """The last line that says what went wrong, without what changes from run to run."""
    lines = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    reason = (lines or output.splitlines() or [""])[-1].removeprefix("ERROR: ")
    return RANDOM.sub("…", reason)


def record(root: Path, only: str) -> None:
    """Ask docker about every case whose name contains `only`, and write the answers down."""
    groups: dict[str, list[Case]] = {}
    for case in load_cases():
        groups.setdefault(case.group, []).append(case)
    for group, cases in groups.items():
        asked = {case.name for case in cases if case.oracle}
        answers = {name: found for name, found in load_expected(group).items() if name in asked}
        for case in cases:
            if case.oracle and only in case.name:
                answers[case.name] = answer(root, case)
                if ("error" in answers[case.name]) != case.fails:
                    print(f"{group}/{case.name}: {answers[case.name]}", file=sys.stderr)
        save_expected(group, answers)


def start(root: Path) -> None:
    if not running(root):
        make_tree(root)
        launch(root)
    import_bases(root)


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["start", "record", "stop"])
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    parser.add_argument("--only", default="", help="record only cases whose name contains this")
    args = parser.parse_args()
    if args.command == "stop":
        stop(args.root)
        return 0
    start(args.root)
    if args.command == "record":
        record(args.root, args.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
