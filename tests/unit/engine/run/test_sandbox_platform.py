"""Programs of other machines: only where the kernel knows their emulator, also inside containers."""

import pytest

from baselard.engine.errors import HostError
from baselard.engine.host import platforms
from baselard.engine.host.platforms import Platform
from baselard.engine.run import sandbox

REGISTERED = "enabled\ninterpreter /usr/libexec/qemu-binfmt/riscv64\nflags: {}\noffset 0\nmagic 7f454c46\n"
FOREIGN = Platform("linux", "riscv64")


@pytest.fixture
def binfmt(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "_BINFMT", tmp_path)
    monkeypatch.setattr(platforms, "default", lambda: Platform("linux", "amd64"))
    return tmp_path / "qemu-riscv64"


def test_ones_own_and_its_32_bit_sister(binfmt):
    sandbox.check_platform(Platform("linux", "amd64", "v3"))
    sandbox.check_platform(Platform("linux", "386"))


@pytest.mark.parametrize("flags", ["F", "POCF"])
def test_a_registered_emulator(binfmt, flags):
    binfmt.write_text(REGISTERED.format(flags))
    sandbox.check_platform(FOREIGN)


@pytest.mark.parametrize("text", [None, REGISTERED.format("PO"), REGISTERED.format("F").replace("enabled", "disabled")])
def test_none_that_would_start_there(binfmt, text):
    if text:
        binfmt.write_text(text)
    with pytest.raises(HostError, match=r"linux/riscv64 programs do not run.*qemu-user-static"):
        sandbox.check_platform(FOREIGN)
