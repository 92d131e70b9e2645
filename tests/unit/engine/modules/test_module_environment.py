"""Which interpreter a module runs with, and what of the host it sees."""

import sys
from pathlib import Path

import pytest

from baselard.engine.api.objects.typedef import Function, Module, TypeDef
from baselard.engine.host.caller import Caller, invoking_user
from baselard.engine.modules import environment, known, running
from baselard.engine.modules.source import PythonModule


def module(root: Path, *dependencies: str, requires: str = ">=3.11") -> PythonModule:
    project = {"project": {"name": "m", "dependencies": list(dependencies), "requires-python": requires}}
    return PythonModule(root, "m", root, project=project)


def test_the_sdk_alone_needs_no_environment(tmp_path: Path) -> None:
    source = module(tmp_path, "dagger-io", "Dagger_IO>=0.1")
    assert environment.requirements(source) == []
    assert environment.interpreter(source, tmp_path / "cache", Caller()) == Path(sys.executable)
    assert not (tmp_path / "cache").exists()


def test_other_dependencies_count(tmp_path: Path) -> None:
    assert environment.requirements(module(tmp_path, "dagger-io", "pyyaml>=6")) == ["pyyaml>=6"]


@pytest.mark.parametrize(
    ("requires", "too_new"), [(">=3.99", True), (">3.98,<4", True), (">=3.11", False), ("", False)]
)
def test_a_python_yet_to_come_is_noticed(tmp_path: Path, requires: str, too_new: bool) -> None:
    assert bool(environment.too_new(module(tmp_path, requires=requires))) is too_new


def test_module_code_sees_no_token_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    host = {"GITHUB_TOKEN": "t", "HTTPS_PROXY": "http://p", "no_proxy": "x.org", "TZ": "UTC", "PATH": "/evil"}
    env = running.environment(module(tmp_path), Path("/venv/bin/python"), Caller(home="/home/u"), host)
    assert "GITHUB_TOKEN" not in env
    assert env["https_proxy"] == "http://p"
    assert env["no_proxy"] == "x.org,127.0.0.1,localhost"
    assert env["PATH"].startswith("/venv/bin:") and "/evil" not in env["PATH"]
    assert env["PYTHONPATH"] == f"{tmp_path}/src:{tmp_path}"
    assert (env["HOME"], env["TZ"], env["DAGGER_MAIN_OBJECT"]) == ("/home/u", "UTC", "M")


def test_code_runs_as_whoever_called_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    user = invoking_user({"SUDO_UID": "54321", "SUDO_GID": "54322"})
    assert (user.uid, user.gid) == (54321, 54322)
    assert {"--reuid=54321", "--regid=54322", "--clear-groups"} <= set(user.argv())
    assert invoking_user({}).argv() == ()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert invoking_user({"SUDO_UID": "54321"}).argv() == ()


def test_types_are_known_until_the_module_changes(tmp_path: Path) -> None:
    root = tmp_path / "m"
    root.mkdir()
    (root / "main.py").write_text("one")
    module_types = Module("m", objects=(TypeDef("OBJECT_KIND", name="M", constructor=Function("", TypeDef())),))
    known.write(module(root), tmp_path, module_types)
    assert known.read(module(root), tmp_path) == module_types
    (root / "main.py").write_text("two")
    assert known.read(module(root), tmp_path) is None


def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path) -> None:
    root = tmp_path / "m"
    root.mkdir()
    known.write(module(root), tmp_path, Module("m"))
    (kept,) = (tmp_path / "types").iterdir()
    kept.write_text("{")
    assert known.read(module(root), tmp_path) is None
