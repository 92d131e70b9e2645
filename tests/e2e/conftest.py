"""A wheel and an sdist of this tree, and an environment with the wheel, as `uv tool install` and pipx make one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with what is changed in this checkout, so that nothing untracked gets into a build."""
    place = tmp_path_factory.mktemp("tree") / "baselard"
    subprocess.run(["git", "clone", "--quiet", "--shared", CHECKOUT, place], check=True)
    listed = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = set(subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0")) - {""}
    for name in filter(lambda name: (CHECKOUT / name).is_file(), names):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, place / name)
    return place


@pytest.fixture(scope="session")
def built(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist, and the wheel that was built from it."""
    place = tmp_path_factory.mktemp("dist")
    subprocess.run([find_uv_bin(), "build", "--quiet", "--out-dir", place, tree], check=True, cwd=place)
    return place


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the programs of an environment with the wheel."""
    place = tmp_path_factory.mktemp("tool")
    uv = [find_uv_bin(), "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, "venv"], check=True, cwd=place)
    subprocess.run([*uv, "pip", "install", "--python", "venv", wheel], check=True, cwd=place)
    return place / "venv/bin"
