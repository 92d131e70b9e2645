"""Everything that Baselard writes may lie inside the repository it works on: none of it is read as a source."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root
CODE = '''
"""Tells what it is given."""
from typing import Annotated

import dagger
from dagger import DefaultPath, dag, function, object_type


@object_type
class Teller:
    @function(cache="never")
    async def names(self, source: Annotated[dagger.Directory, DefaultPath("/")]) -> dagger.Directory:
        """A directory with one file: every path of the source."""
        return dag.directory().with_new_file("names", "\\n".join(await source.glob("**")))
'''
FILES = ["dagger.json", "src/", "src/teller/", "src/teller/__init__.py"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "src/teller").mkdir(parents=True)
    (root / "src/teller/__init__.py").write_text(CODE)
    (root / "dagger.json").write_text(json.dumps({"name": "teller", "sdk": "python"}))
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def _call(root: Path, output: str) -> list[str]:
    """What the source is made of, as the function saw it; everything the engine keeps is in the repository."""
    kept = {"BASELARD_STORE": "store", "BASELARD_CACHE": ".cache/own", "BASELARD_RUN": "run"}
    environment = {**os.environ, **{variable: str(root / name) for variable, name in kept.items()}}
    argv = [sys.executable, "-I", "-m", "baselard.cli", "call", "--progress", "plain", "names", "-o", output]
    done = subprocess.run(argv, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = (root / output / "names").read_text().splitlines()
    return [name for name in found if not name.startswith(".git/")]


def test_a_second_call_reads_what_the_first_one_read(repository: Path) -> None:
    first = _call(repository, "report")
    assert first == [".cache/", *FILES]
    assert {"store", "run", "report", ".cache"} <= set(os.listdir(repository))
    assert _call(repository, "report") == first


def test_what_git_tracks_is_read_though_it_will_be_written(repository: Path) -> None:
    """As a README is that `update-docs -o README.md` brings up to date."""
    (repository / "kept").mkdir()
    (repository / "kept/names").write_text("old")
    subprocess.run(["git", "-C", repository, "add", "kept"], check=True)
    assert _call(repository, "kept") == [".cache/", "dagger.json", "kept/", "kept/names", *FILES[1:]]
