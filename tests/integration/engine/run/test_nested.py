"""Mounts below a cache volume that others may use too, as a program in the container sees them: the kernel judges.

That nothing gets out while somebody exchanges names there is tests/security/test_races.py's.
"""

from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.run import sandbox
from baselard.engine.run.containers.command import BindMount, CacheMount, CacheSharing, Command, TmpfsMount
from baselard.engine.solver.graph import Value

pytestmark = pytest.mark.root

CACHE = CacheMount("/c", "nested", CacheSharing.SHARED)


def test_each_kind_of_mount_is_as_it_was_asked_for(run: Any, output: Any, busybox: Value) -> None:
    mounts = (
        CACHE,
        TmpfsMount("/c/memory/deep", size=1 << 20),
        BindMount("/c/fixed", output(busybox), "/etc", readonly=True),
        BindMount("/c/passwd", output(busybox), "/etc/passwd"),
        CacheMount("/c/other", "nested, another", CacheSharing.SHARED),
        TmpfsMount("/c/other/below"),
    )
    ran = run(
        "stat -f -c %T /c/memory/deep /c/other/below; df /c/memory/deep | tail -n 1;"
        "touch /c/fixed/no 2>&1; echo more >> /c/passwd; echo x > /c/other/kept; echo y > /c/other/below/lost; ls /c",
        mounts=mounts,
    )
    assert ran.stdout.splitlines() == [
        "tmpfs",
        "tmpfs",
        "tmpfs                     1024         0      1024   0% /c/memory/deep",
        "touch: /c/fixed/no: Read-only file system",
        "fixed",
        "memory",
        "other",
        "passwd",
    ]
    assert ran.files(1)["etc/passwd"].endswith(b"more\n")
    alone = run("cat /o/kept; ls /o/below", mounts=(CacheMount("/o", "nested, another"),))
    assert alone.stdout == "x\n"


def test_the_runtime_is_asked_for_nothing_below_the_volume(worker: Any, output: Any, busybox: Value) -> None:
    """It would look for the place by a path that somebody changes, which tests/security/test_races.py sees by luck."""
    mounts = (
        TmpfsMount("/b"),
        CACHE,
        TmpfsMount("/c/memory"),
        TmpfsMount("/d"),
        TmpfsMount("/c"),
        TmpfsMount("/c/later"),
    )
    command = Command(rootfs=output(busybox), args=("true",), mounts=mounts)
    with sandbox.prepared(worker, command, [busybox]) as box:
        asked = [mount.target for mount in box.spec.mounts]
    assert [target for target in asked if target[:2] in ("/b", "/c", "/d")] == ["/b", "/c", "/d", "/c", "/c/later"]


def test_what_is_below_another_mount_leaves_no_mount_point_there(run: Any, output: Any) -> None:
    mounts = (CACHE, BindMount("/c/tree", output(Value("empty"))), TmpfsMount("/c/tree/deep/tmp"))
    assert run("echo x > /c/tree/x", mounts=mounts).files(1) == {"x": b"x\n"}


def test_a_volume_that_cannot_be_written_holds_one_that_can(run: Any) -> None:
    mounts = (CacheMount("/c", "nested", CacheSharing.SHARED, readonly=True), TmpfsMount("/c/memory"))
    assert run("echo x > /c/memory/x; touch /c/no 2>&1; true", mounts=mounts).stdout.endswith("Read-only file system\n")


def test_a_later_mount_over_the_volume_hides_it(run: Any, output: Any, busybox: Value) -> None:
    cache = CacheMount("/a/c", "nested, hidden", CacheSharing.SHARED)
    mounts = (cache, BindMount("/a", output(busybox), "/etc", readonly=False), TmpfsMount("/a/c/x"))
    assert run("ls /a; ls /a/c", mounts=mounts).stdout == "c\ngroup\npasswd\nx\n"


@pytest.mark.parametrize("mount", [TmpfsMount("/c/out/new"), TmpfsMount("/c/out")])
def test_a_link_in_the_volume_is_not_followed(run: Any, tmp_path: Path, mount: TmpfsMount) -> None:
    cache = CacheMount("/c", "nested, linked", CacheSharing.SHARED)
    run(f"ln -sfn {tmp_path} /c/out", mounts=(cache,))
    with pytest.raises(UserError, match=r"nothing can be mounted at /out.* of a cache volume: a file or link is in"):
        run("true", mounts=(cache, mount))
    assert not list(tmp_path.iterdir())


def test_the_same_place_by_a_link_of_the_image_is_below_too(run: Any, output: Any) -> None:
    made = run("ln -s /c /l").result.values[0]
    assert run("echo x > /c/m/x; ls /l/m", rootfs=output(made), mounts=(CACHE, TmpfsMount("/l/m"))).stdout == "x\n"


@pytest.mark.parametrize("line", ["ln -s /c /src/link", "ln -s ../c /src/link"])
def test_a_link_in_another_mount_that_leads_elsewhere_is_refused(run: Any, output: Any, line: str) -> None:
    made = run(f"mkdir /src; {line}").result.values[0]
    mounts = (BindMount("/src", output(made), "/src"), CACHE, TmpfsMount("/src/link/x"))
    with pytest.raises(UserError, match=r"/src/link/x cannot be mounted .* a link in what is mounted at /src"):
        run("true", mounts=mounts)


def test_an_init_that_is_a_link_into_the_volume_is_refused(run: Any, output: Any, worker: Any, busybox: Value) -> None:
    with worker.snapshots.draft(busybox.tree) as draft:
        (draft.path / ".init").symlink_to("/c/init")
        made = Value("linked", draft.commit())
    with pytest.raises(UserError, match=r"image's /\.init is a link into a cache volume"):
        run("true", rootfs=output(made), mounts=(CACHE,))


@pytest.mark.parametrize("name", ["file", "link"])
def test_a_file_in_the_way_is_named(run: Any, output: Any, busybox: Value, name: str) -> None:
    cache = CacheMount("/c", "nested, in the way", CacheSharing.SHARED)
    run("echo x > /c/file; ln -sfn file /c/link", mounts=(cache,))
    for mount in (TmpfsMount(f"/c/{name}/x"), TmpfsMount(f"/c/{name}")):
        with pytest.raises(UserError, match="a file or link is in the way"):
            run("true", mounts=(cache, mount))
    bound = BindMount(f"/c/{name}", output(busybox), "/etc/group")
    if name == "file":
        assert "builder" in run("cat /c/file", mounts=(cache, bound)).stdout
    else:
        with pytest.raises(UserError, match="a file or link is in the way"):
            run("true", mounts=(cache, bound))
