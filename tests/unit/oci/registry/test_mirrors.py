"""Where registries.conf has images asked for: containers-registries.conf(5), its rules and its examples."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from baselard.oci import reference
from baselard.oci.errors import SettingsError
from baselard.oci.registry import mirrors, registries_conf


def has_mirror(address: str, environ: Mapping[str, str]) -> bool:
    return mirrors.has_mirror(reference.parse(address), registries_conf.read(environ))


MIRRORS = """
[[registry]]
prefix = "docker.io/library"
location = "docker.io/library"
[[registry.mirror]]
location = "mirror.example/library"
[[registry]]
location = "plain.example"
[[registry]]
prefix = "moved.example"
location = "new.example/moved"
"""


@pytest.mark.parametrize(
    ("address", "elsewhere"),
    [
        ("debian", True),
        ("docker.io/team/app", False),
        ("plain.example/x", False),
        ("moved.example/x", True),
        ("ghcr.io/x/y", False),
    ],
)
def test_mirrors_by_prefix(tmp_path: Path, address: str, elsewhere: bool) -> None:
    (tmp_path / "registries.conf").write_text(MIRRORS)
    env = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "registries.conf")}
    assert has_mirror(address, env) is elsewhere


def test_a_broken_list_of_mirrors_is_named(tmp_path: Path) -> None:
    (tmp_path / "registries.conf").write_text("[[registry")
    with pytest.raises(SettingsError, match=r"registries\.conf cannot be read"):
        has_mirror("debian", {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "registries.conf")})
