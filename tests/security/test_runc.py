"""The runtime's advisories: whatever an image holds, starting its container touches and shows nothing of the host.

What was wrong is told by runc's own CHANGELOG.md, "Security", and the advisories that it links. crun runs them too.
"""

import os
import pty
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.errors import ExecError, UserError
from baselard.engine.run import sandbox
from baselard.engine.run.containers.command import CacheMount, CacheSharing, Command, TmpfsMount
from baselard.engine.run.mounts import cache_path

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("either_runtime")]


@pytest.mark.advisory("CVE-2024-21626", "a descriptor of the host leaked into the container, WORKDIR led through it")
def test_no_working_directory_leads_through_a_leaked_descriptor(run, canary, monkeypatch):
    """The engine stands in the canary, so that a descriptor of its own directory would lead there."""
    monkeypatch.chdir(canary.path)
    shown = []
    for number in range(3, 13):
        try:
            shown.append(run("pwd; ls -a . .. ../..; cat etc/passwd data", cwd=f"/proc/self/fd/{number}").stdout)
        except (ExecError, UserError) as error:
            shown.append(f"{error} {getattr(error, 'stdout', '')}")
    assert all("canary" not in text and "ptmx" not in text for text in shown), shown


@pytest.mark.advisory("CVE-2024-21626", "a descriptor of the host leaked into the container, WORKDIR led through it")
def test_a_program_holds_no_descriptor_but_its_streams(run, tmp_path):
    kept = os.open(tmp_path, os.O_PATH)
    os.set_inheritable(kept, True)  # the worst case: a library of the engine's forgot to
    try:
        ran = run("for one in /proc/1/fd/* /proc/$$/fd/*; do echo $one; done; readlink /proc/$$/fd/* ; true")
    finally:
        os.close(kept)
    numbers = {int(line.rpartition("/")[2]) for line in ran.stdout.splitlines() if line.startswith("/proc/1/fd/")}
    assert {0, 1, 2} <= numbers
    assert str(tmp_path) not in ran.stdout


@pytest.mark.advisory("CVE-2024-45310", "mount points were made on the host through links that led there")
@pytest.mark.parametrize("link", ["absolute", "climbing"])
def test_mount_points_are_made_inside_whatever_links_a_volume_holds(run, worker, canary, link, either_runtime):
    """A cache volume that a first step left a link in; a second one has something mounted behind it."""
    volume = f"links-{link}-{either_runtime}"
    target = str(canary.path) if link == "absolute" else "../" * 12 + str(canary.path).lstrip("/")
    cache = CacheMount("/cache", volume, CacheSharing.SHARED)
    run(("sh", "-c", f"ln -s {target} /cache/out"), mounts=(cache,))
    assert os.readlink(cache_path(worker.store.root, volume) / "data/out") == target
    try:
        ran = run("ls /cache/out/", mounts=(cache, TmpfsMount("/cache/out/new/deeper")))
        assert ran.stdout == "new\n"
    except UserError as error:
        assert str(error)


@pytest.mark.advisory("CVE-2025-31133", "masked files were covered by the image's /dev/null, which may be a link")
def test_masked_files_stay_masked_whatever_the_images_dev_null_is(run, image):
    def hostile(root: Path) -> None:
        (root / "dev").mkdir()
        (root / "dev/null").symlink_to("/proc/sysrq-trigger")
        (root / "dev/zero").symlink_to("/proc/sys/kernel/core_pattern")

    ran = run(
        "for one in kcore keys timer_list interrupts; do [ -e /proc/$one ] && head -c 16 /proc/$one; done;"
        "for one in sysrq-trigger sys/kernel/core_pattern sys/kernel/hostname; do"
        '  sh -c "echo x > /proc/$one" 2>/dev/null && echo wrote $one; done; stat -c %F:%t:%T /dev/null /dev/zero',
        rootfs=image(hostile),
    )
    assert ran.stdout == "character special file:1:3\ncharacter special file:1:5\n"


@pytest.mark.advisory("CVE-2025-52565", "/dev/console was bound to /dev/pts/N, which may be a link")
def test_a_terminals_container_gets_a_console_of_its_own(worker, image, canary):
    def hostile(root: Path) -> None:
        (root / "dev/pts").mkdir(parents=True)
        for name in ("console", "pts/0", "ptmx"):
            (root / "dev" / name).symlink_to(canary.path / "data")

    shown = _at_terminal(worker, image(hostile), "stat -c %F /dev/console; ls -l /dev /dev/pts")
    assert shown.startswith("character special file\r\n")
    assert "canary" not in shown


def _at_terminal(worker, rootfs, line: str) -> str:
    """What a shell line in a container with a terminal writes there."""
    ours, theirs = pty.openpty()
    try:
        command = Command(rootfs=rootfs, args=("sh", "-c", line))
        with sandbox.prepared(worker, command, [rootfs.node.made]) as box, box.stubs_removed():
            worker.runtime.attach(replace(box.spec, terminal=True), theirs, on_start=box.inside.started)
        os.set_blocking(ours, False)
        return os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.advisory("CVE-2025-52881", "writes to /proc were redirected by what was mounted inside it")
@pytest.mark.parametrize("target", ["/proc", "/proc/self/attr", "/proc/sys", "/link/self/attr", "/attr/exec"])
def test_nothing_is_mounted_inside_proc(run, image, target):
    def linked(root: Path) -> None:
        (root / "link").symlink_to("proc")
        (root / "attr").symlink_to("/proc/self/attr")

    with pytest.raises(UserError, match=f"{target} leads into /proc"):
        run("true", rootfs=image(linked), mounts=(TmpfsMount(target),))


@pytest.mark.advisory("CVE-2025-52881", "writes to /proc were redirected by what was mounted inside it")
def test_proc_as_a_link_starts_nothing(run, image, canary):
    with pytest.raises(UserError, match="image's /proc is not a directory"):
        run("true", rootfs=image(lambda root: (root / "proc").symlink_to(canary.path)))


@pytest.mark.advisory("CVE-2026-41579", "/dev as a link in the image had files made and removed on the host")
@pytest.mark.advisory("CVE-2026-47766", "crun made devices through the image's /dev, which may be a link")
@pytest.mark.parametrize("name", ["dev", "sys"])
@pytest.mark.parametrize("way", ["absolute", "climbing", "inside"])
def test_dev_as_a_link_reaches_nothing_outside(run, image, canary, name, way):
    target = {
        "absolute": canary.path,
        "climbing": Path("../" * 12) / canary.path.relative_to("/"),
        "inside": Path("/tmp"),
    }[way]

    def hostile(root: Path) -> None:
        (root / "tmp").mkdir()
        (root / name).symlink_to(target)

    with pytest.raises(UserError, match=f"image's /{name} is not a directory"):
        run("true", rootfs=image(hostile))
