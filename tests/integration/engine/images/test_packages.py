"""Debian packages from the real archive, only unpacked. Judges: apt, which verifies, and the programs themselves."""

import subprocess
from pathlib import Path

import pytest

from baselard.engine.errors import EngineError, HostError, ProcessError, UserError
from baselard.engine.host import platforms
from baselard.engine.images import bootstrap, packages
from baselard.engine.images.packages import DebianPackages

pytestmark = [pytest.mark.root, pytest.mark.network]


@pytest.fixture
def unpacked(tmp_path: Path):
    """Unpack the packages; the tree comes back."""

    def run(*names: str, suite: str = "trixie", platform: str = "") -> Path:
        target, work = tmp_path / "tree", tmp_path / "work"
        target.mkdir()
        work.mkdir()
        packages.unpack(target, work, DebianPackages(suite, names, platforms.parse(platform or "linux/amd64")))
        return target

    return run


def test_a_program_runs_and_nothing_is_installed_around_it(unpacked) -> None:
    tree = unpacked("busybox-static")
    said = subprocess.run([tree / "usr/bin/busybox", "echo", "here"], check=True, capture_output=True, text=True)
    assert said.stdout == "here\n"
    assert not (tree / "var/lib/dpkg").exists() and not (tree / "etc/apt").exists()


def test_a_foreign_platforms_packages_need_no_emulation(unpacked) -> None:
    program = unpacked("busybox-static", platform="linux/arm64") / "usr/bin/busybox"
    assert program.read_bytes()[18:20] == b"\xb7\x00"  # ELF's e_machine: EM_AARCH64


def test_a_package_that_there_is_not_is_the_users_mistake(unpacked) -> None:
    with pytest.raises(UserError, match="suite trixie has no package no-such-thing for linux/amd64"):
        unpacked("busybox-static", "no-such-thing")


def test_the_first_package_of_the_index_is_found(unpacked, tmp_path: Path) -> None:
    """Nothing stands before it. Judge: the index itself."""
    with pytest.raises(UserError):
        unpacked("no-such-thing")
    (index,) = (tmp_path / "work/lists").glob("*_Packages")
    with index.open() as file:
        first = file.readline().split()[1]
    ((path, _),) = packages._described(index.parent, DebianPackages("trixie", (first,), platforms.parse("linux/amd64")))
    assert f"/{first}_" in path


def test_a_package_that_is_not_the_index_s_is_refused_in_apts_words(unpacked, tmp_path, monkeypatch) -> None:
    right = packages._described

    def forged(*given):
        return [(path, "0" * 64) for path, _ in right(*given)]

    monkeypatch.setattr(packages, "_described", forged)
    with pytest.raises(ProcessError, match="Hash Sum mismatch"):
        unpacked("busybox-static")
    assert list((tmp_path / "tree").iterdir()) == []


def test_a_suite_that_there_is_not_is_the_users_mistake(unpacked) -> None:
    with pytest.raises(UserError, match="no suite 'potato-chips'"):
        unpacked("busybox-static", suite="potato-chips")


def test_an_archive_that_is_signed_by_somebody_else_is_refused(unpacked, tmp_path, monkeypatch) -> None:
    (tmp_path / "others.gpg").touch()
    monkeypatch.setattr(bootstrap, "KEYRINGS", (str(tmp_path / "others.gpg"),))
    with pytest.raises(EngineError, match=r"signature|signed"):
        unpacked("busybox-static")
    assert list((tmp_path / "tree").iterdir()) == []


def test_an_archive_that_is_away_names_the_variable(unpacked, monkeypatch) -> None:
    monkeypatch.setenv("BASELARD_DEBIAN_MIRROR", "http://localhost:1/debian")
    with pytest.raises(HostError, match="BASELARD_DEBIAN_MIRROR"):
        unpacked("busybox-static")
