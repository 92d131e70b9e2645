"""Mount points made for a run go; everything else stays."""

import os

import pytest

from baselard.engine.errors import UserError
from baselard.engine.run.containers import stubs


def tree(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def make_stub(root, path, directory=False):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    if directory:
        (root / path).mkdir(exist_ok=True)
    else:
        (root / path).touch()


def test_what_was_made_goes_and_times_are_put_back(tmp_path):
    (tmp_path / "etc").mkdir()
    os.utime(tmp_path / "etc", ns=(1, 10**18))
    with stubs.cleaned(tmp_path, ["/etc/hosts", "/run/deep/er/mount", "/proc"]):
        make_stub(tmp_path, "etc/hosts")
        make_stub(tmp_path, "run/deep/er/mount", directory=True)
        make_stub(tmp_path, "proc", directory=True)
    assert tree(tmp_path) == ["etc"]
    assert (tmp_path / "etc").stat().st_mtime_ns == 10**18


def test_what_was_there_stays(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").touch()
    (tmp_path / "proc").mkdir()
    with stubs.cleaned(tmp_path, ["/etc/hosts", "/proc"]):
        pass
    assert tree(tmp_path) == ["etc", "etc/hosts", "proc"]


def test_what_the_program_put_there_stays(tmp_path):
    with stubs.cleaned(tmp_path, ["/data", "/etc/hosts", "/opt/tool"]):
        make_stub(tmp_path, "data/file")
        make_stub(tmp_path, "etc/hosts")
        (tmp_path / "etc/hosts").write_text("written before the mount")
        make_stub(tmp_path, "opt/tool", directory=True)
        make_stub(tmp_path, "opt/other")
    assert tree(tmp_path) == ["data", "data/file", "etc", "etc/hosts", "opt", "opt/other"]


def test_a_directory_the_program_changed_has_the_time_of_that(tmp_path):
    (tmp_path / "etc").mkdir()
    os.utime(tmp_path / "etc", ns=(1, 10**18))
    with stubs.cleaned(tmp_path, ["/etc/hosts"]):
        make_stub(tmp_path, "etc/hosts")
        make_stub(tmp_path, "etc/new")
        os.utime(tmp_path / "etc", ns=(1, 2 * 10**18))
    assert (tmp_path / "etc").stat().st_mtime_ns == 2 * 10**18


def test_links_lead_inside_the_tree(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("/real")
    with stubs.cleaned(tmp_path, ["/var/run/mount"]):
        make_stub(tmp_path, "real/mount")
    assert tree(tmp_path) == ["real", "var", "var/run"]


def test_pruning_takes_empty_copies_alone(tmp_path):
    merged, upper = tmp_path / "m", tmp_path / "u"
    for name in ("plain", "changed", "full", "nested/deep"):
        (merged / name).mkdir(parents=True)
        (upper / name).mkdir(parents=True)
    (upper / "full/file").touch()
    touched = {}
    for name in ("plain", "changed", "full", "nested", "nested/deep"):
        os.utime(upper / name, ns=(1, 10**18))
        touched[str(merged / name)] = os.stat(upper / name)
    (upper / "changed").chmod(0o700)
    before = os.stat(upper)
    stubs.prune(merged, upper, touched)
    assert tree(upper) == ["changed", "full", "full/file"]
    assert stubs.unchanged(before, os.stat(upper))


def test_a_file_in_the_way_of_a_mount_is_named(tmp_path):
    (tmp_path / "etc").touch()
    named = pytest.raises(UserError, match="/etc is not a directory, and /etc/hosts is mounted there")
    with named, stubs.cleaned(tmp_path, ["/etc/hosts"]):
        pass


def test_directories_on_the_way_are_made_as_runc_makes_them(tmp_path):
    with stubs.cleaned(tmp_path, ["/opt/deep/er/mount"]):
        assert [(tmp_path / name).stat().st_mode & 0o7777 for name in ("opt", "opt/deep", "opt/deep/er")] == [0o755] * 3
        assert not (tmp_path / "opt/deep/er/mount").exists()
    assert list(tmp_path.iterdir()) == []
