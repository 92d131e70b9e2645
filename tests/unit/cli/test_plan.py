"""`baselard plan` on a directory: what it prints and its exit code."""

import json

import pytest

from baselard.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    return write


def test_a_plan_is_printed(here, capsys):
    here({"Dockerfile": "FROM debian\n", "examples/web/Dockerfile": "FROM acme/base\n"})
    assert main(["plan"]) == 0
    assert capsys.readouterr().out.endswith("└── web  examples/web/Dockerfile\n        test basic\n1 base, 1 example\n")


def test_as_json(here, capsys):
    here({"Dockerfile": "FROM debian\n"})
    assert main(["plan", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["bases"]) == ["base"]


def test_what_cannot_be_built_is_printed_and_fails(here, capsys):
    here({"Dockerfile": "FROM debian\n", "examples/web/Dockerfile": "FORM x\n"})
    assert main(["plan"]) == 1
    assert "cannot be built: examples/web/Dockerfile:1: " in capsys.readouterr().out


def test_a_configuration_that_cannot_be_is_wrong_use(here, capsys):
    here({"Dockerfile": "FROM debian\n", "baselard.yaml": "bases:\n- {name: a}\n- {name: a}\n"})
    assert main(["plan"]) == 2
    said = "baselard.yaml:3: two bases are called a (the other one: baselard.yaml:2); give each its `tags`\n"
    assert capsys.readouterr().err == said
