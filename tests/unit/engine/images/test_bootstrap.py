"""Which references may be made from the Debian archive, and where its packages come from."""

import os
import subprocess
from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.host import platforms
from baselard.engine.images import bootstrap, debian_mirror, packages, reference
from baselard.engine.store import ids

AMD64 = platforms.parse("linux/amd64")


@pytest.mark.parametrize(
    ("address", "made"),
    [
        ("debian", "debian:stable (linux/amd64)"),
        ("debian:trixie-slim", "debian:trixie-slim (linux/amd64)"),
        ("docker.io/library/debian:12", "debian:bookworm (linux/amd64)"),
        ("docker.io/library/debian:sid", "debian:sid (linux/amd64)"),
        ("debian:13.1-slim", None),
        ("debian:trixie-20250407-slim", None),
        ("debian:trixie-backports", None),
        ("debian@sha256:" + "a" * 64, None),
        ("debian:trixie@sha256:" + "a" * 64, None),
        ("someone/debian:trixie", None),
        ("ghcr.io/library/debian:trixie", None),
        ("ubuntu:24.04", None),
    ],
)
def test_only_an_official_tag_that_moves_has_a_recipe(address: str, made: str | None) -> None:
    recipe = bootstrap.recipe(reference.parse(address), AMD64)
    assert (str(recipe) if recipe else None) == made


@pytest.mark.parametrize("address", ["debian:trixie", "packages.debian.example/trixie/goss", "packages/trixie/goss"])
def test_packages_are_asked_for_at_one_host_alone(address: str) -> None:
    assert packages.asked_for(reference.parse(address), AMD64) is None


def test_packages_are_named_by_the_parts_of_a_path() -> None:
    asked = packages.asked_for(reference.parse(f"{packages.HOST}/trixie/busybox-static/goss"), AMD64)
    assert asked == packages.DebianPackages("trixie", ("busybox-static", "goss"), AMD64)


def test_rolling_suites_have_one_source() -> None:
    assert [suite for _, suite in bootstrap.Recipe("sid", True, AMD64).sources] == ["sid"]
    suites = [suite for _, suite in bootstrap.Recipe("trixie", True, AMD64).sources]
    assert suites == ["trixie", "trixie-updates", "trixie-security"]


def test_a_mirror_given_by_the_variable_comes_first(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://near.example/debian trixie main\n")
    given = debian_mirror.stand_ins({"BASELARD_DEBIAN_MIRROR": "http://m.example/debian/"}, tmp_path)
    assert list(given.values()) == ["http://m.example/debian", "http://m.example/debian-security"]


def test_this_machines_own_mirror_is_found_in_both_formats(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://no.example/debian x main\ndeb [signed-by=/k.gpg] https://a.example/pub/debian/ trixie main\n"
    )
    (tmp_path / "sources.list.d" / "s.sources").write_text("URIs: http://s.example/debian-security\nSuites: x\n")
    found = debian_mirror.stand_ins({}, tmp_path)
    assert list(found.values()) == ["https://a.example/pub/debian", "http://s.example/debian-security"]


def test_the_archive_itself_when_nothing_is_said(tmp_path: Path) -> None:
    assert debian_mirror.stand_ins({}, tmp_path) == {
        url: url for url in (debian_mirror.ARCHIVE, debian_mirror.SECURITY)
    }


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ("deb http://deb.debian.org/debian x main\ndeb http://security.debian.org/debian-security x main", None),
        (
            "deb http://m.example/debian x main\ndeb http://deb.debian.org/debian-security x main",
            ["http://m.example/debian", "http://security.debian.org/debian-security"],
        ),
    ],
)
def test_both_archives_of_a_host_have_a_stand_in_or_neither(
    tmp_path: Path, sources: str, found: list[str] | None
) -> None:
    (tmp_path / "sources.list").write_text(sources)
    official = [debian_mirror.ARCHIVE, debian_mirror.SECURITY]
    assert list(debian_mirror.stand_ins({}, tmp_path).values()) == (found or official)


def test_debians_own_keys_are_named_since_other_distributions_do_not_trust_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "debian.gpg").touch()
    monkeypatch.setattr(bootstrap, "KEYRINGS", (str(tmp_path / "debian.gpg"), str(tmp_path / "not-there.gpg")))
    made = bootstrap.recipe(reference.parse("debian:trixie"), platforms.wanted(""))
    assert made
    given = [word for word in bootstrap._command(tmp_path, made, ()) if word.startswith("--keyring")]
    assert given == [f"--keyring={tmp_path}/debian.gpg"]


def test_one_user_alone_is_told_before_work_that_a_debian_has_several(tmp_path: Path, monkeypatch) -> None:
    """Nothing is asked of the archive, nor is mmdebstrap started, which would fail at a package's chown(2)."""
    monkeypatch.setattr(ids, "are_one", lambda: True)
    wanted = bootstrap.recipe(reference.parse("debian:trixie-slim"), AMD64)
    assert wanted
    with pytest.raises(HostError, match=r"cannot be made where all files belong to one user.*install uidmap"):
        bootstrap.debian(tmp_path, wanted)


def test_a_finished_tree_holds_no_devices_as_the_official_images(tmp_path: Path) -> None:
    """Judge: debuerreotype-tar, which makes them, leaves out ./dev/** unless it is asked for it."""
    _finished(tmp_path, "debian:trixie")
    assert not list((tmp_path / "dev").iterdir())


@pytest.mark.root
def test_where_apt_downloads_to_is_its_users(tmp_path: Path) -> None:
    """Below a home that others may not enter, apt works as root and leaves them root's. Judge: Debian's own images."""
    for name in bootstrap._PARTIAL:
        (tmp_path / name).mkdir(parents=True)
    _finished(tmp_path, "debian:trixie")
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in map(tmp_path.joinpath, bootstrap._PARTIAL)}
    assert owners == {(42, 0)}


@pytest.mark.parametrize("tag", ["trixie", "trixie-slim"])
def test_nothing_tells_that_dpkg_synced_no_file_but_what_the_official_images_say(tmp_path: Path, tag: str) -> None:
    """Theirs have it in docker-apt-speedup, and in docker the paths that slim ones leave out."""
    _finished(tmp_path, f"debian:{tag}")
    settings = {path.name: path.read_text() for path in (tmp_path / "etc/dpkg/dpkg.cfg.d").iterdir()}
    assert settings.pop("docker-apt-speedup") == "force-unsafe-io\n"
    left_out = "".join(f"{line}\n" for line in bootstrap._SLIM)
    assert settings == ({"docker": left_out} if tag.endswith("slim") else {})


def test_what_lay_there_before_dpkg_ran_is_taken_away_as_if_it_never_was(tmp_path: Path) -> None:
    """dpkg leaves a directory's time as its package has it; judge: sh, which mmdebstrap has run the hook."""
    wanted = bootstrap.recipe(reference.parse("debian:trixie-slim"), AMD64)
    assert wanted
    for name in ("tmp", "usr/share/man/man1", "usr/share/perl"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/share/man/man1/ls.1").touch()
    os.utime(tmp_path / "usr/share/man", (1e9, 1e9))
    hooks = [word for word in bootstrap._command(tmp_path, wanted, ()) if word.startswith("--extract-hook=")]
    subprocess.run(["sh", "-c", hooks[0].partition("=")[2], "exec", tmp_path], check=True)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["tmp", "usr", "usr/share", "usr/share/man", "usr/share/perl"]
    assert (tmp_path / "usr/share/man").stat().st_mtime == 1e9


def _finished(root: Path, image: str) -> None:
    """A tree as mmdebstrap leaves it, with its file of the options for dpkg, made into an image's."""
    for name in ("dev/pts", "usr/sbin", "etc/dpkg/dpkg.cfg.d", "etc/apt/apt.conf.d", "etc/apt/sources.list.d"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n")
    (root / "dev/null").touch()
    (root / "dev/stdin").symlink_to("/proc/self/fd/0")
    wanted = bootstrap.recipe(reference.parse(image), AMD64)
    assert wanted
    for word in bootstrap._command(root, wanted, ()):
        option, _, value = word.partition("=")
        if option == "--dpkgopt":
            assert value == "force-unsafe-io"
            (root / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").write_text(f"{value}\n")
        elif option == "--setup-hook":  # run as mmdebstrap does
            subprocess.run(["sh", "-c", value, "exec", root], check=True)
    bootstrap._finish(root, wanted)
