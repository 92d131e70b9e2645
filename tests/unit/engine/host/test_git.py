"""What a repository of a stranger makes git do on this machine; git's own daemon serves it, as a remote would."""

import http.server
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import git_directory
from baselard.engine.host import git
from baselard.engine.host.git_command import Access
from baselard.engine.ops import patch
from tests.workers import free_port

_COMMIT = ("-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "--quiet", "--message", "x")


def _git(*words: str | Path, cwd: Path) -> str:
    argv = ("git", "-c", "protocol.file.allow=always", *map(str, words))
    return subprocess.run(argv, cwd=cwd, check=True, capture_output=True, text=True).stdout


def _repository(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    _git("init", "--quiet", "--initial-branch=main", cwd=path)
    for name, text in files.items():
        (path / name).write_text(text)
    _git("add", ".", cwd=path)
    _git(*_COMMIT, "--allow-empty", cwd=path)
    return path


def _with_submodule(path: Path, source: str, url: str) -> Path:
    """A repository with the submodule ``inner``, made of ``source``, whose URL is then said to be ``url``."""
    _repository(path)
    _git("submodule", "--quiet", "add", "--", source, "inner", cwd=path)
    _git("config", "--file", ".gitmodules", "submodule.inner.url", url, cwd=path)
    _git("add", ".", cwd=path)
    _git(*_COMMIT, cwd=path)
    return path


@dataclass(frozen=True)
class Served:
    """A directory of repositories, and where git's daemon serves it."""

    root: Path
    url: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    port = free_port()
    where = (f"--port={port}", "--listen=127.0.0.1", f"--base-path={root}", str(root))
    daemon = subprocess.Popen(
        ("git", "daemon", "--export-all", "--reuseaddr", "--informative-errors", *where), process_group=0
    )
    try:
        _wait_for(port, daemon)
        yield Served(root, f"git://127.0.0.1:{port}")
    finally:
        os.killpg(daemon.pid, 15)
        daemon.wait()


def _wait_for(port: int, daemon: "subprocess.Popen[bytes]") -> None:
    while daemon.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("git daemon has ended")


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A repository of this machine that nobody outside may read."""
    return _repository(tmp_path / "private", key="secret")


@pytest.fixture
def into(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def _checked_out(url: str, into: Path, ref: str = "HEAD") -> list[str]:
    git.check_out(Access(url), ref, into=into, depth=1, tags=False)
    return sorted(str(path.relative_to(into)) for path in into.rglob("*") if ".git" not in path.parts)


@pytest.mark.parametrize("form", ["{path}", "file://{path}"])
def test_a_remote_s_submodule_cannot_be_a_repository_of_this_machine(
    served: Served, private: Path, into: Path, form: str
) -> None:
    """CVE-2022-39253's class; git's documentation (git-config, protocol.allow) has the policy for what others name."""
    name = f"outer-{form[0:4].strip('{')}"
    _with_submodule(served.root / name, str(private), form.format(path=private))
    with pytest.raises(UserError, match=r"transport 'file' not allowed"):
        _checked_out(f"{served.url}/{name}", into)
    assert not list(into.rglob("key"))


def test_nor_one_deeper_down_below_a_repository_of_this_machine(
    served: Served, private: Path, tmp_path: Path, into: Path
) -> None:
    middle = _with_submodule(served.root / "middle", str(private), str(private))
    outer = _with_submodule(tmp_path / "outer", str(middle), f"{served.url}/middle")
    with pytest.raises(UserError, match=r"transport 'file' not allowed"):
        _checked_out(str(outer), into)
    assert not list(into.rglob("key"))


@pytest.mark.parametrize("form", ["{path}", "file://{path}", "../private"])
def test_a_repository_of_this_machine_may_have_others_of_it_within(
    private: Path, tmp_path: Path, into: Path, form: str
) -> None:
    middle = _with_submodule(tmp_path / "middle", str(private), form.format(path=private))
    outer = _with_submodule(tmp_path / "outer", str(middle), "../middle")
    assert "inner/inner/key" in _checked_out(str(outer), into)


@pytest.mark.parametrize("ups", ["..", "../..", "../../..", "../../../..", "../../../../.."])
def test_a_relative_url_stays_with_the_remote(served: Served, private: Path, into: Path, ups: str) -> None:
    """git makes it absolute against the remote's own URL (git-submodule(1), add)."""
    name, near = f"ups-{len(ups)}", served.root / "near"
    if not near.exists():
        _repository(near, a="near")
    _with_submodule(served.root / name, str(near), f"{ups}/near" if ups == ".." else f"{ups}{private}")
    if ups == "..":
        assert "inner/a" in _checked_out(f"{served.url}/{name}", into)
        return
    with pytest.raises(UserError, match="git error: "):
        _checked_out(f"{served.url}/{name}", into)
    assert not list(into.rglob("key"))


@pytest.mark.parametrize("url", ["ext::sh -c touch% {}", "fd::3", "foo::{}"])
def test_no_url_starts_a_program(served: Served, tmp_path: Path, into: Path, url: str) -> None:
    witness, name = tmp_path / "started", f"program-{url[:3]}"
    with pytest.raises(UserError, match=r"transport '[a-z]+' not allowed"):
        git.refs(Access(url.format(witness)), cwd=into)
    _with_submodule(served.root / name, str(_repository(tmp_path / "inner")), url.format(witness))
    with pytest.raises(UserError, match=r"transport '[a-z]+' not allowed"):
        _checked_out(f"{served.url}/{name}", into)
    assert not witness.exists()


def test_submodules_in_submodules_come_to_an_end(
    private: Path, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "_DEEPEST", 1)
    middle = _with_submodule(tmp_path / "middle", str(private), str(private))
    outer = _with_submodule(tmp_path / "outer", str(middle), str(middle))
    with pytest.raises(UserError, match="submodules lie more than 1 deep"):
        _checked_out(str(outer), into)


class _Redirect(http.server.BaseHTTPRequestHandler):
    """Sends whoever asks to ``target``."""

    target = ""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.target)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_a_redirect_does_not_lead_to_this_machine_s_files(private: Path, into: Path) -> None:
    handler = type("Handler", (_Redirect,), {"target": f"file://{private}/.git/info/refs"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(UserError, match=r"git error: .*http"):
            git.refs(Access(f"http://127.0.0.1:{server.server_port}/x"), cwd=into)
        server.shutdown()


def test_what_has_a_name_of_the_session_s_is_asked_without_a_proxy(
    private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy that curl's variables (curl(1), "Environment") name does not exist; Python's server has the files."""
    _git("update-server-info", cwd=private)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(private))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "example.com")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://repos:{server.server_port}/.git"
        assert "HEAD" in git.refs(Access(url, names={"repos": "127.0.0.1"}), cwd=tmp_path).commits
        server.shutdown()


def test_a_patch_is_not_applied_by_the_tree_s_own_settings(tmp_path: Path) -> None:
    """core.symlinks makes git write links as files (git-config(1))."""
    _repository(tmp_path / "tree")
    _git("config", "core.symlinks", "false", cwd=tmp_path / "tree")
    new = "diff --git a/link b/link\nnew file mode 120000\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+target\n"
    (tmp_path / "patch").write_text(f"{new}\\ No newline at end of file\n")
    with (tmp_path / "patch").open("rb") as text:
        patch._apply(text, tmp_path / "tree")
    assert os.readlink(tmp_path / "tree/link") == "target"


def test_the_caller_s_git_has_no_say(
    private: Path, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables and files as git-config(1), git(1) and git-init(1) list them."""
    other = _repository(tmp_path / "other", other="")
    hooks = tmp_path / "home/template/hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    (hooks / "post-checkout").chmod(0o755)
    (tmp_path / "home/.gitconfig").write_text(
        f"[init]\ntemplateDir = {hooks.parent}\n[url {str(other)!r}]\ninsteadOf = {private}\n".replace("'", '"')
    )
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks.parent))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "9")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'url.{other}.insteadOf={private}'")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:file")
    assert _checked_out(str(private), into) == ["key"]
    assert not (tmp_path / "hooked").exists()


@pytest.mark.parametrize("ref", ["--upload-pack=touch {}", "-q", "", "a b", "+main", "main:x", "a\0b", "refs/heads/*"])
def test_a_ref_is_never_an_option(private: Path, tmp_path: Path, into: Path, ref: str) -> None:
    """BuildKit's refs that look like options (its fixes of 0.31); names as git-check-ref-format(1) allows them."""
    with pytest.raises(UserError, match="is not a name of a branch, tag or commit"):
        _checked_out(str(private), into, ref.format(tmp_path / "started"))
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("url", ["--upload-pack=touch {}", "-q", "", "/x\n/y", "/x\0"])
def test_a_url_is_never_an_option(tmp_path: Path, into: Path, url: str) -> None:
    for ask in (lambda access: git.refs(access, cwd=into), lambda access: _checked_out(access.url, into)):
        with pytest.raises(UserError, match="is not the URL of a repository"):
            ask(Access(url.format(tmp_path / "started")))
    assert not (tmp_path / "started").exists()


def test_known_hosts_are_not_written_into_the_checkout(private: Path, tmp_path: Path, into: Path) -> None:
    outer = _with_submodule(tmp_path / "outer", str(private), str(private))
    (tmp_path / "canary").write_text("sings")
    (outer / ".known_hosts").symlink_to(tmp_path / "canary")
    _git("add", ".", cwd=outer)
    _git(*_COMMIT, cwd=outer)
    git.check_out(Access(str(outer), known_hosts="host key"), "HEAD", into=into, depth=1, tags=False)
    assert (tmp_path / "canary").read_text() == "sings"
    assert (into / ".known_hosts").is_symlink()


def _elsewhere(path: Path, private: Path, way: str) -> None:
    """A repository of a stranger that reaches for ``private`` by ``way``."""
    if way == "git file":
        path.mkdir()
        (path / ".git").write_text(f"gitdir: {private}/.git\n")
        return
    if way == "linked .git":
        path.mkdir()
        (path / ".git").symlink_to(private / ".git")
        return
    own = _repository(path) / ".git"
    match way:
        case "alternates":
            (own / "objects/info/alternates").write_text(f"{private}/.git/objects\n")
            (own / "refs/heads/main").write_text(_git("rev-parse", "HEAD", cwd=private))
        case "commondir":
            (own / "commondir").write_text(f"{private}/.git\n")
        case ".git within":
            (own / ".git").write_text(f"gitdir: {private}/.git\n")
        case "linked HEAD" | "linked objects" | "linked refs/heads":
            name = way.partition(" ")[2]
            (own / name).rename(own / "old")
            (own / name).symlink_to(private / ".git" / name)
        case "fifo":
            (own / "packed-refs").unlink(missing_ok=True)
            os.mkfifo(own / "packed-refs")


@pytest.mark.parametrize(
    "way",
    [
        "git file",
        "linked .git",
        "alternates",
        "commondir",
        ".git within",
        "linked HEAD",
        "linked objects",
        "linked refs/heads",
        "fifo",
    ],
)
def test_a_directory_that_is_a_repository_reaches_no_other(private: Path, tmp_path: Path, way: str) -> None:
    """What gitrepository-layout(5) lets a repository keep elsewhere."""
    _elsewhere(tmp_path / "strange", private, way)
    with pytest.raises(UserError, match=r"^/sub: |^/sub is no"):
        git_directory.of(str(tmp_path / "strange"), "/sub")


@pytest.mark.parametrize("bare", [False, True])
def test_a_directory_that_is_a_repository_is_read(private: Path, into: Path, bare: bool) -> None:
    place = git_directory.of(f"{private}/.git" if bare else str(private), "/")
    assert place == f"{private}/.git"
    git.check_out(Access(place, strange=True), "HEAD", into=into, depth=1, tags=False)
    assert (into / "key").read_text() == "secret"
    assert set(git.refs(Access(place, strange=True), cwd=into).commits) == {"HEAD", "refs/heads/main"}


def test_its_submodules_are_none_of_this_machine(private: Path, tmp_path: Path, into: Path) -> None:
    outer = _with_submodule(tmp_path / "outer", str(private), str(private))
    with pytest.raises(UserError, match=r"transport 'file' not allowed"):
        git.check_out(Access(f"{outer}/.git", strange=True), "HEAD", into=into, depth=1, tags=False)
