"""git's advisories: a repository of a stranger runs nothing here and brings nothing of this machine along.

What was wrong is told by git's release notes (2.37.4, 2.45.1, 2.50.1) and the advisories that they name; the
repositories are made after git's own tests (t7406, t0411, t0033, t5510, t7450).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import checkout
from baselard.engine.host import git as host_git
from baselard.engine.host.git_command import Access
from baselard.engine.modules import remote
from baselard.engine.ops import git as git_tree
from tests.security.canary import SECRET, Canary
from tests.security.servers import git, git_daemon, repository


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A directory whose repositories are served, and the address of it."""
    root = tmp_path_factory.mktemp("served")
    with git_daemon(root) as address:
        yield root, address


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Where to check out."""
    path = tmp_path / "into"
    path.mkdir()
    return path


def _checked_out(url: str | Path, into: Path) -> None:
    """Check out main as ``GitTree`` does; git may refuse, in a sentence."""
    with suppress(UserError):
        host_git.check_out(Access(str(url)), "main", into=into, depth=1, tags=False)


def _hook(canary: Canary) -> str:
    return f"#!/bin/sh\ntouch {canary.path}/ran-a-hook\n"


def _executable(path: Path, name: str) -> None:
    git(path, "update-index", "--chmod=+x", name)
    git(path, "commit", "--quiet", "-m", "executable")


def _index(path: Path, mode: str, content: str, name: str) -> None:
    """Put an entry into the index that no file system need be able to hold."""
    source = path / ".git/content"
    source.write_text(content)
    made = content if mode == "160000" else git(path, "hash-object", "-w", str(source))
    git(path, "update-index", "--add", "--cacheinfo", f"{mode},{made},{name}")


@pytest.mark.advisory("CVE-2022-39253", "a submodule's address, a path, had this machine's repositories copied")
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_served_repositorys_submodule_is_no_path_of_this_machine(served, tmp_path, into, scheme: str) -> None:
    root, address = served
    private = repository(tmp_path / "private", {"key": SECRET})
    path = repository(root / f"steals{len(scheme)}", {"file": "x"})
    (path / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {scheme}{private}\n')
    git(path, "add", ".gitmodules")
    _index(path, "160000", git(private, "rev-parse", "HEAD"), "sub")
    git(path, "commit", "--quiet", "-m", "submodule")
    _checked_out(f"{address}/{path.name}", into)
    found = [entry for entry in into.rglob("*") if entry.is_file() and SECRET.encode() in entry.read_bytes()]
    assert found == []


@pytest.mark.advisory("CVE-2024-32002", "a submodule was written into .git through a link, and its hook was run")
def test_a_submodule_behind_a_link_to_git_runs_no_hook(served, into, canary: Canary) -> None:
    """On a file system that tells A from a, which ours have to, both are there; the hook is not run."""
    root, address = served
    hook = repository(root / "hook", {"y/hooks/post-checkout": _hook(canary)})
    _executable(hook, "y/hooks/post-checkout")
    path = repository(root / "captain", {"file": "x"})
    (path / ".gitmodules").write_text(f'[submodule "x/y"]\n\tpath = A/modules/x\n\turl = {address}/hook\n')
    git(path, "add", ".gitmodules")
    _index(path, "160000", git(hook, "rev-parse", "HEAD"), "A/modules/x")
    _index(path, "120000", ".git", "a")
    git(path, "commit", "--quiet", "-m", "append")
    _checked_out(f"{address}/captain", into)


def _lazy(path: Path, command: str) -> Path:
    """A repository that lacks an object and says which command brings it (a partial clone's promisor remote)."""
    repository(path, {"file": "missing"})
    settings = {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": ".",
        "remote.origin.uploadpack": command,
        "uploadpack.packObjectsHook": command,
        "core.fsmonitor": command,
        "core.sshCommand": command,
        "core.gitProxy": command,
        "core.alternateRefsCommand": command,
        "core.hooksPath": str(path / "hooks"),
    }
    for name, value in settings.items():
        git(path, "config", name, value)
    (path / "hooks").mkdir()
    for name in ("post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"):
        (path / "hooks" / name).write_text(f"#!/bin/sh\n{command}\n")
        (path / "hooks" / name).chmod(0o755)
    blob = git(path, "rev-parse", "HEAD:file")
    (path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    return path


@pytest.mark.advisory("CVE-2024-32004", "a local repository's own settings ran a command in whoever cloned it")
@pytest.mark.advisory("CVE-2024-32465", "hooks and settings of a repository out of an archive ran when it was cloned")
@pytest.mark.root  # to whom the repository is a stranger's
@pytest.mark.parametrize("what", ["refs", "checkout", "ancestor"])
def test_a_repositorys_own_settings_and_hooks_run_nothing(tmp_path, into, canary: Canary, what: str) -> None:
    """A directory that came with a stranger's archive is one of these (Directory.asGit)."""
    path = _lazy(tmp_path / "lazy", f"touch {canary.path}/ran; false")
    os.chown(path, 12345, 12345)
    access = Access(str(path))
    with suppress(UserError):
        if what == "refs":
            assert host_git.refs(access, cwd=into).commits
        elif what == "checkout":
            host_git.check_out(access, "main", into=into, depth=1, tags=True)
        else:
            host_git.common_ancestor([(access, "main"), (access, "main")], cwd=into)


@pytest.mark.advisory("CVE-2024-32020", "a local clone's objects stayed the files of whoever owns the original")
def test_a_checkouts_objects_are_files_of_its_own(tmp_path: Path, into: Path) -> None:
    path = repository(tmp_path / "original", {f"file{number}": str(number) for number in range(20)})
    _checked_out(path, into)
    objects = [entry for entry in (into / ".git/objects").rglob("*") if entry.is_file()]
    assert objects
    assert {entry.stat().st_nlink for entry in objects} == {1}
    assert not (into / ".git/objects/info/alternates").exists()
    assert (into / "file7").read_text() == "7"


@pytest.mark.advisory("CVE-2024-32021", "links among a local repository's objects had other files copied along")
def test_links_among_the_objects_bring_nothing_along(tmp_path: Path, into: Path, canary: Canary) -> None:
    path = repository(tmp_path / "linked", {"file": "x"})
    objects = path / ".git/objects"
    (objects / "secret").symlink_to(canary.path / "data")
    (objects / "etc").symlink_to(canary.path / "etc")
    (objects / "info/alternates").write_text(f"{canary.path}/etc\n")
    _checked_out(path, into)
    for entry in into.rglob("*"):
        assert not entry.is_symlink()
        assert not entry.is_file() or SECRET.encode() not in entry.read_bytes()


@pytest.mark.advisory("CVE-2025-48384", "a carriage return at a submodule path's end had it written elsewhere")
def test_a_submodules_path_with_a_carriage_return_writes_no_hook(served, into, canary: Canary) -> None:
    root, address = served
    hook = repository(root / "carriage-hook", {"post-checkout": _hook(canary)})
    _executable(hook, "post-checkout")
    path = repository(root / "carriage", {"file": "x"})
    (path / ".gitmodules").write_bytes(
        b'[submodule "sub"]\n\tpath = "sub\r"\n\turl = %s/carriage-hook\n' % address.encode()
    )
    git(path, "add", ".gitmodules")
    _index(path, "160000", git(hook, "rev-parse", "HEAD"), "sub\r")
    _index(path, "120000", ".git/modules/sub/hooks", "sub")
    git(path, "commit", "--quiet", "-m", "append")
    _checked_out(f"{address}/carriage", into)
    assert not (into / ".git/modules/sub/hooks/post-checkout").exists()


@pytest.mark.advisory("CVE-2024-32002", "a submodule was written into .git through a link, and its hook was run")
def test_taking_the_repository_away_follows_no_link(tmp_path: Path, canary: Canary) -> None:
    """What is left of checkouts without their repository (GitTree, keep=False)."""
    root = tmp_path / "root"
    (root / "sub/.git").mkdir(parents=True)
    (root / "out").symlink_to(canary.path)
    (root / "file").mkdir()
    (root / "file/.git").symlink_to(canary.path / "data")
    git_tree._discard(root)
    assert sorted(entry.name for entry in root.iterdir()) == ["file", "out", "sub"]
    assert not (root / "sub/.git").exists()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canary: Canary) -> Path:
    """A user's own git settings, in which everything that runs a program leaves a trace."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc", "fsmonitor"):
        (hooks / name).write_text(_hook(canary))
        (hooks / name).chmod(0o755)
    shutil.copytree(hooks, tmp_path / "template/hooks")
    lines = {
        "core.hooksPath": hooks,
        "core.fsmonitor": hooks / "fsmonitor",
        "core.attributesFile": tmp_path / "attributes",
        "init.templateDir": tmp_path / "template",
        "filter.x.smudge": f"touch {canary.path}/ran-a-filter",
        "filter.x.process": f"touch {canary.path}/ran-a-filter",
        "submodule.recurse": "true",
        "fetch.recurseSubmodules": "true",
        "protocol.allow": "always",
    }
    (tmp_path / "attributes").write_text("* filter=x\n")
    for name, value in lines.items():
        git(tmp_path, "config", "--file", str(tmp_path / "gitconfig"), name, str(value))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return tmp_path / "gitconfig"


def _module(root: Path, name: str, private: Path) -> Path:
    """A repository that names a filter, and this machine's repository as its submodule."""
    path = repository(root / name, {"dagger.json": "{}", ".gitattributes": "* filter=x\n"})
    (path / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {private}\n')
    git(path, "add", ".gitmodules")
    _index(path, "160000", git(private, "rev-parse", "HEAD"), "sub")
    git(path, "commit", "--quiet", "-m", "submodule")
    return path


def test_a_modules_repository_sets_off_nothing_of_its_users_settings(served, settings, tmp_path, canary) -> None:
    """Filters that its attributes name, hooks, submodules; what only tells how to fetch holds."""
    root, address = served
    private = repository(tmp_path / "private", {"key": SECRET})
    path = _module(root, "module", private)
    git(tmp_path, "config", "--file", str(settings), f"url.{address}/.insteadOf", "https://example.invalid/")
    found = remote.fetch(f"https://example.invalid/{path.name}", tmp_path / "cache")
    assert (found / "dagger.json").read_text() == "{}"
    assert not list((found / "sub").iterdir())
    assert not (found / ".git/hooks").exists()


@pytest.mark.parametrize("ref", ["--upload-pack=touch x", "+refs/heads/main", "a b", "^main", "a\nb"])
def test_a_modules_ref_is_a_name(served, tmp_path, ref: str) -> None:
    root, address = served
    if not (root / "named").exists():
        repository(root / "named", {"dagger.json": "{}"})
    with pytest.raises(UserError, match="is not a name of a branch, tag or commit"):
        remote.fetch(f"{address}/named#{ref}", tmp_path / "cache")


@pytest.mark.root
def test_a_module_is_fetched_as_who_called_sudo(served, monkeypatch: pytest.MonkeyPatch) -> None:
    root, address = served
    path = repository(root / "sudo", {"dagger.json": "{}"})
    monkeypatch.setenv("SUDO_UID", "1234")
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        found = remote.fetch(f"{address}/{path.name}", Path(place))
        assert {entry.lstat().st_uid for entry in (found, *found.rglob("*"))} == {1234}


def test_a_checkout_that_is_asked_what_it_tracks_runs_nothing(tmp_path: Path, canary: Canary) -> None:
    """Somebody else's repository around the place that ``-o`` names; git ls-files would ask its monitor."""
    path = repository(tmp_path / "theirs", {"file": "x"})
    (tmp_path / "monitor").write_text(_hook(canary))
    (tmp_path / "monitor").chmod(0o755)
    git(path, "config", "core.fsmonitor", str(tmp_path / "monitor"))
    assert checkout.is_tracked(str(path / "file"))
    assert not checkout.is_tracked(str(path / "other"))
    assert checkout.outer_rules(str(path)) is not None
