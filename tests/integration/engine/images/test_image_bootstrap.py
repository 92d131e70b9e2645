"""A real Debian from the real archive."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from baselard.engine.errors import HostError, UserError
from baselard.engine.host import platforms
from baselard.engine.images import bootstrap
from baselard.engine.images.bootstrap import Recipe
from baselard.engine.images.layers import generate

pytestmark = [pytest.mark.root, pytest.mark.network]


@pytest.mark.full
def test_a_slim_system_runs_and_holds_no_trace_of_this_machine(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    date = bootstrap.debian(root, Recipe("trixie", True, platforms.wanted("")), on_output=lambda *_: None)
    listed = subprocess.run(["chroot", root, "dpkg-query", "--show"], check=True, capture_output=True, text=True).stdout
    assert {"apt", "bash", "coreutils", "dpkg"} <= {
        line.split("\t")[0].partition(":")[0] for line in listed.splitlines()
    }
    sources = (root / "etc/apt/sources.list.d/debian.sources").read_text()
    assert "URIs: http://deb.debian.org/debian\nSuites: trixie trixie-updates\n" in sources
    assert "URIs: http://deb.debian.org/debian-security\nSuites: trixie-security\n" in sources
    for trace in ("etc/apt/sources.list", "etc/hostname", "etc/resolv.conf", "etc/machine-id", "var/log/dpkg.log"):
        assert not (root / trace).exists(), trace
    assert not any((root / "var/lib/apt/lists").glob("*Packages*"))
    assert [path.name for path in (root / "usr/share/doc/bash").iterdir()] == ["copyright"]
    assert "path-exclude=/usr/share/man/*" in (root / "etc/dpkg/dpkg.cfg.d/docker").read_text()
    newest = max(os.lstat(os.path.join(top, name)).st_mtime for top, _, names in os.walk(root) for name in names)
    assert newest <= date


@pytest.mark.full
def test_two_of_them_are_the_same_to_the_byte(tmp_path: Path) -> None:
    """From one state of the archive: names, owners, modes, times, contents and their order in a layer."""
    digests = set()
    for name in ("one", "other"):
        root = tmp_path / name
        root.mkdir()
        bootstrap.debian(root, Recipe("trixie", True, platforms.wanted("")), on_output=lambda *_: None)
        packed = hashlib.sha256()
        for chunk in generate.tar([str(root)], root=True):
            packed.update(chunk)
        digests.add(packed.hexdigest())
    assert len(digests) == 1


def test_a_suite_the_archive_does_not_have_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no suite 'potato-chips'"):
        bootstrap.debian(tmp_path, Recipe("potato-chips", True, platforms.wanted("")))
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_away_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASELARD_DEBIAN_MIRROR", "http://localhost:1/debian")
    with pytest.raises(HostError, match="BASELARD_DEBIAN_MIRROR"):
        bootstrap.debian(tmp_path, Recipe("trixie", True, platforms.wanted("")))


def test_a_foreign_machine_without_qemu_names_the_package(tmp_path: Path) -> None:
    platform = platforms.parse("linux/s390x")
    with pytest.raises(HostError, match="install qemu-user-static"):
        bootstrap.debian(tmp_path, Recipe("trixie", True, platform))
