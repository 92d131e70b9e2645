"""What ``init`` writes, and that it writes over nothing."""

import re
from pathlib import Path

import pytest
import yaml

from engine.cli import init
from engine.errors import UserError
from pipeline import config


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "Images"
    (root / "image").mkdir(parents=True)
    (root / "image" / "Dockerfile").write_text("FROM debian:trixie-slim\n")
    monkeypatch.chdir(root)
    return root


def test_the_configuration_is_one_the_pipeline_reads(repository: Path) -> None:
    assert init.run([]) == 0
    (base,) = config.parse((repository / "baselard.yaml").read_text()).bases
    assert (base.name, base.dockerfile) == ("", "image/Dockerfile")


def test_the_workflow_makes_one_call(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init.run(["--github"]) == 0
    assert capsys.readouterr().out == ".github/workflows/baselard.yml\n"
    workflow = yaml.safe_load((repository / ".github/workflows/baselard.yml").read_text())
    checkout, call = (step["uses"] for step in workflow["jobs"]["images"]["steps"])
    assert re.fullmatch("actions/checkout@[0-9a-f]{40}", checkout)
    assert call.startswith("baselard/baselard@")


def test_nothing_is_overwritten(repository: Path) -> None:
    (repository / "baselard.yaml").write_text("mine\n")
    with pytest.raises(UserError, match=r"baselard\.yaml is there already"):
        init.run([])
    assert (repository / "baselard.yaml").read_text() == "mine\n"


def test_without_a_base_there_is_nothing_to_configure(repository: Path) -> None:
    (repository / "image" / "Dockerfile").unlink()
    with pytest.raises(UserError, match="there is no base image here"):
        init.run([])


def test_other_words_are_mistakes() -> None:
    with pytest.raises(UserError, match="unknown option --git; did you mean --github"):
        init.run(["--git"])
