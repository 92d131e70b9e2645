"""What the user signs in to a git server with: by git itself, whose credential helpers are asked, and by .netrc."""

import subprocess
from pathlib import Path

import pytest

from baselard.engine.host import git_credentials
from baselard.engine.host.git_credentials import Login

URL = "https://git.example.com:8443/team/repo.git"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_ASKPASS", "/bin/false")
    monkeypatch.delenv("SUDO_UID", raising=False)
    return tmp_path


def _helper(home: Path, words: str, site: str = "https://git.example.com:8443") -> None:
    (home / "gitconfig").write_text(f'[credential "{site}"]\n\thelper = "!f() {{ {words}; }}; f"\n')


def test_git_s_helper_is_asked(home: Path) -> None:
    _helper(home, "test $1 = get && echo username=me && echo password=hunter2")
    assert git_credentials.of_url(URL) == Login("me", "hunter2")
    assert git_credentials.of_url("https://me@git.example.com:8443/team/repo.git") == Login("me", "hunter2")
    assert git_credentials.of_url("https://elsewhere.example.com/team/repo.git") is None


@pytest.mark.parametrize("words", ["exit 1", "echo username=me", "echo nothing at all"])
def test_a_helper_that_does_not_know_is_no_error(home: Path, words: str) -> None:
    _helper(home, words)
    assert git_credentials.of_url(URL) is None


def test_netrc_is_asked_after_the_helpers(home: Path) -> None:
    (home / ".netrc").write_text("machine git.example.com:8443 login me password hunter2\n")
    assert git_credentials.of_url(URL) == Login("me", "hunter2")
    _helper(home, "echo username=other && echo password=secret")
    assert git_credentials.of_url(URL) == Login("other", "secret")


@pytest.mark.parametrize("text", ["machine git.example.com:8443 login", "nonsense", "machine x login y password z"])
def test_a_netrc_that_does_not_know_is_no_error(home: Path, text: str) -> None:
    (home / ".netrc").write_text(text)
    assert git_credentials.of_url(URL) is None


@pytest.mark.parametrize("url", ["git://h/x", "git@h:x", "/x", "https:///x", "https://h/x\nhost=other", ""])
def test_nobody_is_asked_about_what_is_no_url_of_a_web_server(home: Path, url: str) -> None:
    _helper(home, "echo username=me && echo password=hunter2", "https://h")
    assert git_credentials.of_url(url) is None


def test_a_repository_s_own_settings_name_no_program(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "repo").mkdir()
    monkeypatch.chdir(home / "repo")
    subprocess.run(["git", "init", "--quiet", "."], check=True)
    subprocess.run(["git", "config", "credential.helper", f"!touch {home}/ran;:"], check=True)
    assert git_credentials.of_url(URL) is None
    assert not (home / "ran").exists()
    subprocess.run(["git", "credential", "fill"], input=b"protocol=https\nhost=h\n\n", check=False)
    assert (home / "ran").exists()  # git itself would have run it here
