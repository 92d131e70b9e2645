"""Where registries.conf has images asked for (containers-registries.conf(5)); skopeo, which reads it too, judges."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from baselard.oci import reference
from baselard.oci.errors import SettingsError
from baselard.oci.reference import Reference
from baselard.oci.registry import mirrors, registries_conf
from baselard.oci.registry.mirrors import Endpoint

DIGEST = "@sha256:" + "a" * 64


def has_mirror(address: str, environ: Mapping[str, str]) -> bool:
    return mirrors.has_mirror(reference.parse(address), registries_conf.read(environ))


def endpoints(address: str, environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    return mirrors.endpoints(reference.parse(address), registries_conf.read(environ))


def written(place: Path, text: str) -> dict[str, str]:
    """An environment whose main file holds ``text`` and whose home has nothing."""
    (place / "registries.conf").write_text(text)
    return {"CONTAINERS_REGISTRIES_CONF": str(place / "registries.conf"), "HOME": str(place / "home")}


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
[[registry]]
location = "open.example"
insecure = true
"""


@pytest.mark.parametrize(
    ("address", "elsewhere"),
    [
        ("debian", True),
        ("docker.io/team/app", False),
        ("plain.example/x", False),
        ("moved.example/x", True),
        ("ghcr.io/x/y", False),
        ("open.example/x", True),
    ],
)
def test_mirrors_by_prefix(tmp_path: Path, address: str, elsewhere: bool) -> None:
    (tmp_path / "registries.conf").write_text(MIRRORS)
    env = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "registries.conf")}
    assert has_mirror(address, env) is elsewhere


# Nobody listens at these addresses, so skopeo tells of every place that it tried.
RULES = """
unqualified-search-registries = ["127.0.0.1:1"]
credential-helpers = ["containers-auth.json"]
[[registry]]
prefix = "docker.io/library"
location = "127.0.0.1:1/hub"
[[registry.mirror]]
location = "127.0.0.1:1/pinned"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "127.0.0.1:1/tagged"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "127.0.0.1:1/any"
pull-from-mirror = "all"
insecure = true
[[registry]]
prefix = "docker.io/library/debian"
location = "127.0.0.1:1/longer"
mirror-by-digest-only = true
[[registry.mirror]]
location = "127.0.0.1:1/by-digest"
[[registry]]
prefix = "docker.io/library/debian"
location = "127.0.0.1:1/second-of-its-prefix"
[[registry]]
prefix = "*.wild.invalid"
[[registry.mirror]]
location = "127.0.0.1:1/wild"
[[registry]]
prefix = "*.longer.wild.invalid"
location = "127.0.0.1:1/longer-wild"
[[registry]]
location = "127.0.0.1:1"
[[registry.mirror]]
location = "127.0.0.1:1/own"
"""


@pytest.mark.parametrize("ending", [":1", DIGEST])
@pytest.mark.parametrize(
    "name",
    [
        "docker.io/library/alpine",
        "docker.io/library/debian",
        "docker.io/library/debian-slim",
        "sub.wild.invalid/team/app",
        "deep.sub.wild.invalid/app",
        "sub.longer.wild.invalid/app",
        "127.0.0.1:1/app",
    ],
)
def test_skopeo_tries_the_same_places_in_the_same_order(tmp_path: Path, name: str, ending: str) -> None:
    skopeo = shutil.which("skopeo") or pytest.skip("skopeo is not installed")
    env = written(tmp_path, RULES)
    argv = [skopeo, "--debug", "--registries-conf", env["CONTAINERS_REGISTRIES_CONF"], "inspect", "--raw"]
    words = subprocess.run([*argv, f"docker://{name}{ending}"], capture_output=True, text=True, check=False, env=env)
    tried = re.findall(r'Trying to access \\"(.*?)\\"', words.stderr)
    assert tried, words.stderr
    assert [str(endpoint.reference) for endpoint in endpoints(name + ending, env)] == tried


def test_insecure_is_a_place_s_own(tmp_path: Path) -> None:
    found = endpoints("alpine:1", written(tmp_path, RULES))
    assert [(endpoint.reference.repository, endpoint.insecure) for endpoint in found] == [
        ("tagged/alpine", False),
        ("any/alpine", True),
        ("hub/alpine", False),
    ]


def test_a_port_is_no_part_of_a_host_s_prefix(tmp_path: Path) -> None:
    env = written(tmp_path, '[[registry]]\nprefix = "moved.invalid"\nlocation = "new.invalid"\n')
    assert endpoints("moved.invalid/x:1", env)[0].reference == Reference("new.invalid", "x", "1")
    assert not has_mirror("moved.invalid:5000/x:1", env)
    assert not has_mirror("moved.invalid.example/x:1", env)


def test_files_beside_the_main_one_replace_entries_by_prefix_in_order(tmp_path: Path) -> None:
    place = tmp_path / "home/.config/containers"
    (place / "registries.conf.d").mkdir(parents=True)
    entry = '[[registry]]\nprefix = "{}"\nlocation = "{}"\n'
    (place / "registries.conf").write_text(entry.format("a.invalid", "main.invalid"))
    (place / "registries.conf.d/10.conf").write_text(entry.format("a.invalid", "ten.invalid"))
    (place / "registries.conf.d/20.conf").write_text(entry.format("b.invalid", "twenty.invalid"))
    (place / "registries.conf.d/30.txt").write_text(entry.format("a.invalid", "no.invalid"))
    env = {"HOME": str(tmp_path / "home")}
    assert endpoints("a.invalid/x:1", env)[0].reference.registry == "ten.invalid"
    assert endpoints("b.invalid/x:1", env)[0].reference.registry == "twenty.invalid"


def test_the_first_version_s_format_is_read_in_the_main_file(tmp_path: Path) -> None:
    """As skopeo converts it: a search list says nothing of full names, the others make entries."""
    old = (
        '[registries.search]\nregistries = ["docker.io"]\n[registries.insecure]\nregistries = ["open.invalid"]\n'
        '[registries.block]\nregistries = ["bad.invalid"]\n'
    )
    env = written(tmp_path, old)
    assert endpoints("open.invalid/x:1", env) == (Endpoint(reference.parse("open.invalid/x:1"), insecure=True),)
    with pytest.raises(SettingsError, match=r"registries\.conf blocks bad\.invalid"):
        endpoints("bad.invalid/x:1", env)
    with pytest.raises(SettingsError, match="mixes"):
        endpoints("x:1", written(tmp_path, old + '[[registry]]\nlocation = "a.invalid"\n'))


def test_what_is_blocked_is_neither_read_nor_written(tmp_path: Path) -> None:
    settings = registries_conf.read(written(tmp_path, '[[registry]]\nlocation = "bad.invalid/team"\nblocked = true\n'))
    for ask in (mirrors.endpoints, mirrors.target):
        with pytest.raises(SettingsError, match=r"bad\.invalid/team/app:1: .*blocks bad\.invalid/team"):
            ask(reference.parse("bad.invalid/team/app:1"), settings)
        ask(reference.parse("bad.invalid/other/app:1"), settings)


def test_writing_goes_to_the_registry_itself(tmp_path: Path) -> None:
    settings = registries_conf.read(written(tmp_path, MIRRORS))
    moved, opened = (reference.parse(name) for name in ("moved.example/x:1", "open.example/x:1"))
    assert mirrors.target(moved, settings) == Endpoint(moved)
    assert mirrors.target(opened, settings) == Endpoint(opened, insecure=True)


REGISTRY = '[[registry]]\nlocation = "a.invalid"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[registry", "cannot be read"),
        ('[[registry]]\nprefix = "a.invalid"\n', "needs a location"),
        ("[[registry]]\nblocked = true\n", "needs a location"),
        ('[[registry]]\nlocation = "https://a.invalid"\n', "without https://"),
        ('[[registry]]\nprefix = "*.a.invalid/x"\n', "more than a wildcard"),
        (REGISTRY + 'pull-from-mirror = "all"\n', "belongs to a"),
        (REGISTRY + 'insecure = "yes"\n', "true or false"),
        (REGISTRY + 'mirror = "b.invalid"\n', "not a list of tables"),
        (REGISTRY + "[[registry.mirror]]\ninsecure = true\n", "needs a location"),
        (REGISTRY + '[[registry.mirror]]\nlocation = "b"\npull-from-mirror = "never"\n', "not 'never'"),
        (
            REGISTRY
            + 'mirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "b"\npull-from-mirror = "tag-only"\n',
            "not both",
        ),
        ("registry = 1\n", "not a list of tables"),
        ("registries = 1\n", "none of the first version's format"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path: Path, text: str, said: str) -> None:
    """skopeo refuses each of them, too."""
    env = written(tmp_path, text)
    with pytest.raises(SettingsError, match=said) as caught:
        endpoints("debian:12", env)
    assert str(tmp_path / "registries.conf") in str(caught.value)
    skopeo = shutil.which("skopeo") or pytest.skip("skopeo is not installed")
    argv = [skopeo, "--registries-conf", env["CONTAINERS_REGISTRIES_CONF"], "inspect", "docker://127.0.0.1:1/x:1"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "loading registries" in ended.stderr or "registries.conf" in ended.stderr, ended.stderr


def test_a_location_that_makes_no_reference_is_named(tmp_path: Path) -> None:
    env = written(tmp_path, '[[registry]]\nprefix = "a.invalid"\nlocation = "UPPER.invalid/Team"\n')
    with pytest.raises(SettingsError, match=r"registries\.conf: the location 'UPPER\.invalid/Team'"):
        endpoints("a.invalid/x:1", env)


def test_a_broken_list_of_mirrors_is_named(tmp_path: Path) -> None:
    (tmp_path / "registries.conf").write_text("[[registry")
    with pytest.raises(SettingsError, match=r"registries\.conf cannot be read"):
        has_mirror("debian", {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "registries.conf")})


def test_a_file_that_the_variable_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.conf cannot be read"):
        has_mirror("debian", {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "absent.conf")})


def test_credential_helpers_are_those_of_the_last_file_that_names_some(tmp_path: Path) -> None:
    assert registries_conf.read(written(tmp_path, "")).helpers == (registries_conf.CREDENTIAL_FILES,)
    env = written(tmp_path, 'credential-helpers = ["containers-auth.json", "pass"]\n')
    assert registries_conf.read(env).helpers == (registries_conf.CREDENTIAL_FILES, "pass")
