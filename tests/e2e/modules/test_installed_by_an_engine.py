"""The module installs as a Dagger engine installs it: beside an SDK of the engine's own, which has the version 0.0.0.

Judge: uv, by the command lines that the engine's Python runtime uses.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

CHECKOUT = Path(__file__).resolve().parents[3]
SDK = """
[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"
[project]
name = "dagger-io"
version = "0.0.0"
[tool.setuptools]
packages = ["dagger"]
"""


def _python(version: str) -> str:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    python = str(installed[-1]) if installed else shutil.which(f"python{version}")
    return python or pytest.skip(f"there is no Python {version} here")


def _included(to: Path) -> None:
    """Copy what dagger.json says an engine gets to see of the module."""
    for name in json.loads((CHECKOUT / "dagger.json").read_text())["include"]:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to / name)


@pytest.mark.network
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_the_module_installs_beside_an_engines_own_sdk(version: str, tmp_path: Path) -> None:
    python = _python(version)
    _included(tmp_path)
    (tmp_path / "sdk/dagger").mkdir(parents=True)
    (tmp_path / "sdk/dagger/__init__.py").touch()
    (tmp_path / "sdk/pyproject.toml").write_text(SDK)
    uv = [find_uv_bin(), "--quiet"]  # as a program: by `python -m uv` it installs into that python's environment
    subprocess.run([*uv, "venv", "--python", python, ".venv"], cwd=tmp_path, check=True)
    installing = [*uv, "pip", "install", "--python", ".venv", "-e", "./sdk", "-e", "."]
    installed = subprocess.run(installing, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    checking = [*uv, "pip", "check", "--python", ".venv"]
    checked = subprocess.run(checking, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr  # the engine asks, too
    code = (
        "from importlib.metadata import entry_points as e, version as v; print(v('dagger-io'), *e(group='dagger.mod'))"
    )
    found = subprocess.run(
        [tmp_path / ".venv/bin/python", "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert found.startswith("0.0.0 EntryPoint(name='main_object', value='pipeline.main:Baselard'")
    listed = subprocess.run([*uv, "pip", "list", "--python", ".venv"], cwd=tmp_path, check=True, capture_output=True)
    names = {line.split()[0] for line in listed.stdout.decode().splitlines()}
    assert {"baselard", "httpx"} <= names
    assert not names & {"deflate", "isal", "zstandard", "pip"}, "what is only the embedded engine's makes it heavy"
