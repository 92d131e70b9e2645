"""What a program leaves in its tree leads the engine nowhere else, and stops it nowhere."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import TmpfsMount
from baselard.engine.solver.graph import Output, Value
from tests import alone

pytestmark = pytest.mark.root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of this machine that nobody in a container was given."""
    path = tmp_path / "outside"
    path.mkdir()
    return path


@pytest.fixture
def changed(worker, output, busybox) -> Callable[[Callable[[Path], None], str], Output]:
    """The image after a change of its files, which has a name."""

    def changed(change: Callable[[Path], None], name: str) -> Output:
        with worker.snapshots.draft(busybox.tree) as draft:
            change(draft.path)
            made: Output = output(Value(name, draft.commit()))
            return made

    return changed


@pytest.fixture
def bare(changed) -> Output:
    """A root file system without /etc, which is made for a run's mount points: only what is new can be renamed."""

    def change(root: Path) -> None:
        shutil.rmtree(root / "etc")
        (root / "p/q").mkdir(parents=True)
        os.utime(root / "p/q", ns=(1, 10**18))

    made: Output = changed(change, "without etc")
    return made


def test_clean_up_does_not_follow_what_the_program_left(run, bare: Output, outside: Path) -> None:
    """CVE-2024-23652's class: /etc/hosts is a mount point that was made for the run."""
    (outside / "hosts").touch()
    (outside / "resolv.conf").touch()
    os.utime(outside, ns=(1, 10**18))
    run(f"mv /etc /gone && busybox ln -s {outside} /etc", rootfs=bare)
    assert sorted(path.name for path in outside.iterdir()) == ["hosts", "resolv.conf"]
    assert outside.stat().st_mtime_ns == 10**18


def test_pruning_does_not_follow_what_the_program_left(run, bare: Output, outside: Path) -> None:
    """An empty directory of the host that looks as the copied one did would be removed."""
    (outside / "q").mkdir()
    os.utime(outside / "q", ns=(1, 10**18))
    line = f"busybox umount /p/q/m && rm -r /p && busybox ln -s {outside} /p"
    run(line, rootfs=bare, mounts=(TmpfsMount("/p/q/m"),), insecure=True)
    assert (outside / "q").is_dir()


@pytest.mark.parametrize("kind", [pytest.param("c 1 3", marks=alone.DEVICES), "p"])
def test_a_redirect_is_not_written_to_what_is_no_file(run, kind: str) -> None:
    """A device that the program made, but may not open, would have been opened by the engine, which may."""
    with pytest.raises(UserError, match="redirect: /out cannot be written in the container: it is not a regular file"):
        run(f"busybox mknod /out {kind}; echo x", redirect_stdout="/out")


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # zeros without end


def _socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o666)


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


@pytest.mark.parametrize("name", ["passwd", "group"])
@pytest.mark.parametrize("make", [_fifo, pytest.param(_device, marks=alone.DEVICES), _socket, _large])
def test_a_table_of_users_that_is_none(run, changed, name: str, make: Callable[[Path], None]) -> None:
    def exchange(root: Path) -> None:
        (root / "etc" / name).unlink()
        make(root / "etc" / name)

    rootfs = changed(exchange, f"{make.__name__} {name}")
    with pytest.raises(UserError, match=f"/etc/{name}: (not a regular file|has more than 16 MiB)"):
        run("true", rootfs=rootfs, user="builder")
