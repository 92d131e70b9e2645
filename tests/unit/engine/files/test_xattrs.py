import errno
import os
from pathlib import Path

import pytest

from baselard.engine.files import xattrs
from tests import alone

CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    for name in ("source", "target"):
        (tmp_path / name).touch()
    os.setxattr(tmp_path / "source", "user.b", b"\0two")
    os.setxattr(tmp_path / "source", "user.a", b"one")
    return str(tmp_path / "source"), str(tmp_path / "target")


def test_attributes_are_copied_in_the_order_of_names(files: tuple[str, str]) -> None:
    xattrs.copy(*files)
    assert list(xattrs.read(files[1]).items()) == [("user.a", b"one"), ("user.b", b"\0two")]


@alone.ATTRIBUTES
def test_capabilities_count_overlayfs_marks_do_not(files: tuple[str, str]) -> None:
    os.setxattr(files[0], "security.capability", CAPABILITY)
    os.setxattr(files[0], "trusted.overlay.origin", b"x")
    assert list(xattrs.read(files[0])) == ["security.capability", "user.a", "user.b"]


def test_a_link_has_its_own(files: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("source")
    assert xattrs.read(f"{tmp_path}/link") == {}


@pytest.mark.root
def test_only_users_attributes_may_be_left_out(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    setxattr = os.setxattr

    def without_user(path: str, name: str, *rest: object, **options: object) -> None:
        if name.startswith(refused):
            raise OSError(errno.ENOTSUP, "not supported")
        setxattr(path, name, *rest, **options)  # type: ignore[arg-type]

    setxattr(files[0], "security.capability", CAPABILITY)
    monkeypatch.setattr(os, "setxattr", without_user)
    refused = "user."
    xattrs.copy(*files)
    assert list(xattrs.read(files[1])) == ["security.capability"]
    refused = "security."
    with pytest.raises(OSError, match="not supported"):
        xattrs.copy(*files)
