"""A home that cannot be written, and a store and a cache that another version has used. Judge: the kernel, SQLite."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from baselard.engine.store.database import Store

pytestmark = pytest.mark.root

CODE = '''"""Says hello."""
from dagger import function, object_type


@object_type
class Greeter:
    @function
    def hello(self) -> str:
        """Say it."""
        return "hello"
'''
LATER = 99  # a version of the store's tables that is not made yet


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module without dependencies."""
    root = tmp_path / "module"
    (root / "src/greeter").mkdir(parents=True)
    (root / "src/greeter/__init__.py").write_text(CODE)
    (root / "dagger.json").write_text('{"name": "greeter", "sdk": "python"}')
    return root


def _call(cwd: Path, *words: str, home: Path | None = None, **places: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line; with ``home``, one that is there and cannot be written, not even by root."""
    argv = [sys.executable, "-I", "-m", "baselard.cli", *words]
    environment = {**os.environ, **places}
    if home:
        read_only = ['mount -t tmpfs -o ro none "$HOME" && exec "$@"', "read-only"]
        argv = argv if os.geteuid() else ["unshare", "--mount", "sh", "-c", *read_only, *argv]
        home.chmod(0o555)
        environment |= {"HOME": str(home)}
        del environment["BASELARD_CACHE"]
        environment.pop("XDG_CACHE_HOME", None)
    return subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_home_that_cannot_be_written_is_not_needed(module: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    done = _call(module, "call", "hello", home=tmp_path / "home")
    assert (done.returncode, done.stdout) == (0, "hello"), done.stderr


def test_what_does_need_one_says_so(module: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (module / "pyproject.toml").write_text('[project]\nname = "greeter"\nversion = "0"\ndependencies = ["six"]\n')
    done = _call(module, "call", "hello", home=tmp_path / "home")
    assert (done.returncode, done.stdout) == (2, "")
    root = " is on a file system that cannot be written: set BASELARD_STORE, BASELARD_CACHE"
    user = "/baselard: Permission denied: set BASELARD_CACHE to a directory of your own"
    assert f"{tmp_path}/home/.cache{user if os.geteuid() else root}" in done.stderr


def _of_a_later_version(store: Path) -> None:
    with sqlite3.connect(store / "store.db") as db:
        db.execute(f"PRAGMA user_version = {LATER}")
    db.close()


def test_two_versions_share_a_cache(module: Path, tmp_path: Path) -> None:
    """Whatever a later one left there, as what registers modules once had a store of its own in it."""
    Store.open(tmp_path / "cache" / "registration").close()
    _of_a_later_version(tmp_path / "cache" / "registration")
    done = _call(module, "functions", BASELARD_CACHE=str(tmp_path / "cache"))
    assert (done.returncode, "hello" in done.stdout) == (0, True), done.stderr


def test_two_versions_do_not_share_a_store(module: Path, tmp_path: Path) -> None:
    assert _call(module, "call", "hello", BASELARD_STORE=str(tmp_path / "store")).returncode == 0
    _of_a_later_version(tmp_path / "store")
    done = _call(module, "call", "hello", BASELARD_STORE=str(tmp_path / "store"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "of a later Baselard" in done.stderr and "set BASELARD_STORE to another directory" in done.stderr
