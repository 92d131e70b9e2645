"""The shapes that Python's tarfile filters let through in 2025, put to both of our ways to unpack: layers, and ADD.

After CPython's own regression tests (Lib/test/test_tarfile.py, TestExtractionFilters, of gh-135034).
"""

import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.host import process
from baselard.engine.images.layers.extract import unpack
from baselard.engine.ops import unpack as add
from tests.security.archives import DIRECTORY, HARD_LINK, REGULAR, SYMLINK, tar
from tests.security.canary import SECRET, Canary

pytestmark = pytest.mark.root


class _Source(io.BytesIO):
    """A tar in memory."""

    def skip(self, size: int) -> int:
        return len(self.read(size))


def as_layer(data: bytes, target: Path) -> None:
    unpack(_Source(data), target)


def by_add(data: bytes, target: Path) -> None:
    archive = target.parent / "archive.tar"
    archive.write_bytes(data)
    add._extract(archive, target, "archive.tar")


@pytest.fixture(params=[as_layer, by_add], ids=["layer", "ADD"])
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], Path]:
    """Unpack an archive beside the canary; what it refuses, it refuses with a sentence."""
    target = tmp_path / "place" / "target"
    target.mkdir(parents=True)

    def into(data: bytes) -> Path:
        with suppress(UserError):
            request.param(data, target)
        return target

    return into


def _holds_no_secret(root: Path) -> None:
    for path in root.rglob("*"):
        assert path.is_symlink() or not path.is_file() or SECRET not in path.read_text(errors="replace")


UP = "../.."  # from the target to the canary's parent


@pytest.mark.advisory("CVE-2024-12718", "tarfile changed modes and times outside by what it does last of all")
def test_a_directorys_late_mode_and_time_reach_no_links_target(unpacked, canary: Canary) -> None:
    for target in (str(canary.path), f"{UP}/canary", "."):
        for name in ("x", "x/"):
            unpacked(
                tar(
                    (name, DIRECTORY, ""),
                    ("x/y", DIRECTORY, ""),
                    ("x", SYMLINK, target),
                    ("x/etc", DIRECTORY, ""),
                    ("x/data", REGULAR, "overwritten"),
                    mode=0o777,
                )
            )


@pytest.mark.advisory("CVE-2025-4138", "tarfile made links that led outside once another link was there")
def test_a_link_that_leads_outside_by_another_link_shows_nothing(unpacked, canary: Canary) -> None:
    root = unpacked(
        tar(
            ("escape", SYMLINK, "link/link/../../../../canary/data"),
            ("link", SYMLINK, "./"),
            ("read", HARD_LINK, "escape"),
            ("link/link/../../../../canary/data", REGULAR, "overwritten"),
            ("escape", REGULAR, "overwritten"),
        )
    )
    assert not (root / "read").is_file() or (root / "read").is_symlink() or SECRET not in (root / "read").read_text()


@pytest.mark.advisory("CVE-2025-4330", "tarfile took a hard link's member from the archive without looking at it again")
def test_a_hard_link_to_a_link_brings_nothing_from_outside(unpacked, canary: Canary) -> None:
    root = unpacked(
        tar(
            ("a/", DIRECTORY, ""),
            ("a/b/", DIRECTORY, ""),
            ("a/b/escape", SYMLINK, f"../../{UP}/canary/data"),
            ("escape", HARD_LINK, "a/b/escape"),
            ("boom", HARD_LINK, "a/b/escape"),
            ("boom", REGULAR, "overwritten"),
            ("deep", SYMLINK, str(canary.path)),
            ("stolen", HARD_LINK, "deep/data"),
            ("stolen2", HARD_LINK, f"{UP}/canary/data"),
        )
    )
    for name in ("stolen", "stolen2"):
        if os.path.lexists(root / name) and not (root / name).is_symlink():
            assert SECRET not in (root / name).read_text()


@pytest.mark.advisory("CVE-2025-4517", "tarfile wrote anywhere by links too long to be followed to their end")
def test_links_longer_than_a_path_may_be_write_nothing_outside(unpacked, tmp_path: Path, canary: Canary) -> None:
    """Sixteen directories whose links' names are short and whose own are as long as a whole path may be."""
    steps = "abcdefghijklmnop"
    component = "d" * min(247, (4096 - len(str(tmp_path)) - 40) // (len(steps) + 1))
    members, path = [], ""
    for step in steps:
        members += [(f"{path}{component}", DIRECTORY, ""), (f"{path}{step}", SYMLINK, component)]
        path += f"{component}/"
    long = "/".join(steps) + "/" + "l" * 254
    members += [
        (long, SYMLINK, "../" * len(steps)),
        ("escape", SYMLINK, f"{long}/{UP}/canary"),
        ("flaglink", HARD_LINK, "escape/data"),
        ("flaglink", REGULAR, "overwritten"),
        ("escape/newfile", REGULAR, "new"),
    ]
    unpacked(tar(*members))
    process.run(("rm", "-rf", tmp_path / "place"))
