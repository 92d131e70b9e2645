"""What is installed from a wheel works in a stranger's repository. Judges: the wheel's own listing, pip's metadata."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.network
MODULE = '''"""Says hello."""
from dagger import function, object_type


@object_type
class Greeter:
    @function
    def hello(self) -> str:
        """Say it."""
        return "hello"
'''


@pytest.fixture
def run(installed: Path, tmp_path: Path):
    """Runs the installed program in an empty directory, with a home of its own."""

    def call(*words: str, cwd: Path = tmp_path) -> str:
        home = tmp_path / "home"
        environment = {
            "PATH": f"{installed}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "BASELARD_NO_DAEMON": "1",
        }
        done = subprocess.run(
            ["baselard", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_no_other_names_are_global(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in tops if not name.endswith((".dist-info", ".data"))} == {"baselard", "pipeline"}


def test_the_manual_page_is_found_beside_the_program(run, installed: Path) -> None:
    """Where pipx looks for pages, and man where the program's directory is in PATH. Judge: man itself."""
    found = subprocess.run(
        ["man", "--where", "baselard"],
        env={"PATH": f"{installed}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    page = installed.parent / "share/man/man1/baselard.1"
    assert found.stdout.strip() == str(page), found.stderr
    assert page.read_text() == run("man")


def test_what_is_no_python_comes_along(wheel: Path, tree: Path) -> None:
    listed = ["git", "-C", str(tree), "ls-files", "--cached", "--others", "pipeline", "src/baselard"]
    here = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    wanted = {name.removeprefix("src/") for name in here if (tree / name).is_file()}
    assert {"baselard/py.typed", "pipeline/py.typed", "pipeline/baselard.schema.json", "pipeline/goss/run.sh"} <= wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_the_module_that_comes_along_is_what_an_engine_gets_of_a_checkout(wheel: Path, tree: Path) -> None:
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("baselard/module/")}
    included = [name for name in json.loads((tree / "dagger.json").read_text())["include"] if not name.startswith("!")]
    files = {path for name in included for path in (tree / name, *(tree / name).rglob("*")) if path.is_file()}
    assert {f"baselard/module/{path.relative_to(tree)}" for path in files} == carried - {"baselard/module/COMMIT"}


def test_the_version_and_the_commit_are_known(run, built: Path, tree: Path, tmp_path: Path) -> None:
    """The wheel was built from the sdist, where there is no git. Judge: git."""
    commit = subprocess.run(["git", "-C", tree, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert f"commit {commit[:12]}, " in run("version")
    subprocess.run(["tar", "-C", tmp_path, "-xf", next(built.glob("*.tar.gz"))], check=True)
    (unpacked,) = tmp_path.glob("baselard-*")
    assert (unpacked / "COMMIT").read_text() == commit
    assert (unpacked / "baselard").stat().st_mode & 0o111


def test_its_own_functions_are_there_in_any_directory(run) -> None:
    assert "test-examples" in run("functions")


def test_another_module_is_not_mistaken_for_its_own(run, tmp_path: Path) -> None:
    """The SDK asks the environment for entry points, and Baselard's own is installed there."""
    (tmp_path / "src/greeter").mkdir(parents=True)
    (tmp_path / "src/greeter/__init__.py").write_text(MODULE)
    (tmp_path / "dagger.json").write_text('{"name": "greeter", "sdk": "python"}')
    assert [line.split()[0] for line in run("functions").splitlines()] == ["Name", "hello"]


def test_an_older_python_is_refused(wheel: Path, tmp_path: Path) -> None:
    """Judge: the pip of that Python."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    old = next(iter(sorted(pyenv.glob("versions/3.10.*/bin/python3.10"))), None)
    if not old:
        pytest.skip("there is no Python 3.10 here")
    pip: list[str | Path] = [old, "-m", "pip", "install", "--no-index", "--no-deps", "--target", tmp_path, wheel]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "requires a different Python" in done.stderr and "'>=3.11'" in done.stderr
