"""A module with dependencies of its own: installed once, for whoever asks for the same, and said when it cannot be."""

import json
from pathlib import Path

import pytest

from baselard.cli.main import main
from baselard.engine.modules import environment

pytestmark = [pytest.mark.network]

CODE = """"Reads settings."
import iniconfig
from dagger import function, object_type


@object_type
class Reader:
    @function
    def read(self) -> str:
        return iniconfig.__name__
"""


def write_module(root: Path, *dependencies: str, code: str = CODE) -> Path:
    (root / "src" / "reader").mkdir(parents=True)
    (root / "src" / "reader" / "__init__.py").write_text(code)
    (root / "dagger.json").write_text(json.dumps({"name": "reader", "sdk": "python"}))
    declared = json.dumps(["dagger-io", *dependencies])
    text = f'[project]\nname = "reader"\ndependencies = {declared}\n[tool.uv.sources]\ndagger-io = {{ path = "sdk" }}\n'
    (root / "pyproject.toml").write_text(text)
    return root


def test_dependencies_are_installed_once_by_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BASELARD_CACHE", str(tmp_path / "cache"))
    made: list[Path] = []
    really = environment._make
    monkeypatch.setattr(environment, "_make", lambda home, *rest: (made.append(home), really(home, *rest)))
    first = write_module(tmp_path / "first", "iniconfig>=2")
    assert main(["functions", "-m", str(first)]) == 0, capsys.readouterr().err
    assert "read" in capsys.readouterr().out
    second = write_module(tmp_path / "second", "iniconfig>=2", code=CODE.replace("def read", "def anew"))
    assert main(["functions", "-m", str(second)]) == 0
    assert "anew" in capsys.readouterr().out
    assert len(made) == 1 and not (made[0] / "bin" / "pip").exists()


def test_a_dependency_that_cannot_be_had_is_said_with_pips_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BASELARD_CACHE", str(tmp_path / "cache"))
    module = write_module(tmp_path / "module", "iniconfig==0.0.9999")
    assert main(["functions", "-m", str(module)]) == 2
    said = capsys.readouterr().err
    assert "pyproject.toml: its dependencies cannot be installed" in said
    assert "No matching distribution found for iniconfig==0.0.9999" in said
    assert not list((tmp_path / "cache").glob("module-*/.complete"))
