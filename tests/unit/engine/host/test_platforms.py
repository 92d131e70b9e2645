"""Platforms that callers write, and programs of other machines.

The latter run only where the kernel knows their emulator, also inside containers (flag F of binfmt_misc; judge: the
kernel's Documentation/admin-guide/binfmt-misc.rst).
"""

import pytest

from baselard.engine.errors import HostError, UserError
from baselard.engine.host import doctor, platforms
from baselard.oci.platforms import ARCHITECTURES, Platform

REGISTERED = "enabled\ninterpreter /usr/libexec/qemu-binfmt/riscv64\nflags: {}\noffset 0\nmagic 7f454c46\n"
FOREIGN = Platform("linux", "riscv64")


@pytest.mark.parametrize(
    "text", ["", "linux/", "plan9/amd64", "foo", "linux/amd65", "linux/amd64/v1/x", "linux/am d64", "../x"]
)
def test_what_is_no_platform_is_refused_with_an_example(text):
    with pytest.raises(
        UserError, match="unknown operating system or architecture: write the platform like linux/amd64"
    ):
        platforms.parse(text)


@pytest.fixture
def binfmt(tmp_path, monkeypatch):
    monkeypatch.setattr(platforms, "_BINFMT", tmp_path)
    for module in (platforms.platforms, doctor):
        monkeypatch.setattr(module, "this_machine", lambda: Platform("linux", "amd64"))
    return tmp_path / "qemu-riscv64"


def test_ones_own_and_its_32_bit_sister(binfmt):
    platforms.require(Platform("linux", "amd64", "v3"))
    platforms.require(Platform("linux", "386"))


@pytest.mark.parametrize("flags", ["F", "POCF"])
def test_a_registered_emulator(binfmt, flags):
    binfmt.write_text(REGISTERED.format(flags))
    platforms.require(FOREIGN)


@pytest.mark.parametrize("text", [None, REGISTERED.format("PO"), REGISTERED.format("F").replace("enabled", "disabled")])
def test_none_that_would_start_there(binfmt, text):
    if text:
        binfmt.write_text(text)
    with pytest.raises(HostError, match=r"linux/riscv64 programs do not run.*qemu-user-static"):
        platforms.require(FOREIGN)


@pytest.mark.parametrize(("flags", "says"), [("F", "can be run here"), ("PO", "cannot be run here; to build for it:")])
def test_the_doctor_says_what_the_sandbox_does(binfmt, flags, says):
    binfmt.with_name("qemu-aarch64").write_text(REGISTERED.format(flags))
    (finding,) = doctor._foreign()
    assert finding.subject == "linux/arm64"
    assert finding.detail.startswith(says)


QEMU = (
    "aarch64 alpha arm armeb cris hexagon hppa i386 loongarch64 m68k microblaze mips mips64 mips64el mipsel mipsn32 "
    "mipsn32el ppc ppc64 ppc64le riscv32 riscv64 s390x sh4 sh4eb sparc sparc32plus sparc64 x86_64 xtensa xtensaeb"
)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_emulator_has_the_name_that_it_is_registered_by(architecture):
    """Judge: the files of Debian 12's qemu-user-static in /usr/lib/binfmt.d, on amd64 and arm64."""
    assert platforms._emulator(Platform("linux", architecture)).removeprefix("qemu-") in QEMU.split()
