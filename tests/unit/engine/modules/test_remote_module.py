"""Modules in git repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.modules import remote
from baselard.engine.modules.remote import RemoteModule


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("github.com/o/r", RemoteModule("https://github.com/o/r")),
        ("github.com/o/r/sub/dir@v1.2", RemoteModule("https://github.com/o/r", "v1.2", "sub/dir")),
        ("https://example.com/r.git#main:sub", RemoteModule("https://example.com/r.git", "main", "sub")),
        ("git@example.com:o/r.git", RemoteModule("git@example.com:o/r.git")),
    ],
)
def test_names_of_repositories(text: str, parts: RemoteModule) -> None:
    assert remote.is_remote(text)
    assert remote.parse(text) == parts


@pytest.mark.parametrize("text", [".", "../module", "/abs/path", "module"])
def test_names_of_directories(text: str) -> None:
    assert not remote.is_remote(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "dagger.json").write_text("{}")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=root, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    return root


def test_a_branch_is_fetched_into_the_cache(repository: Path, tmp_path: Path) -> None:
    found = remote.fetch(f"file://{repository}#main:sub", tmp_path / "cache")
    assert (found / "dagger.json").read_text() == "{}"


def test_what_is_not_there_is_said(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no directory other"):
        remote.fetch(f"file://{repository}#main:other", tmp_path / "cache")
    with pytest.raises(UserError, match="cannot be fetched"):
        remote.fetch(f"file://{repository}#missing", tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "git").iterdir())) == 1
