"""The page about repositories of others: its configurations can be read, and its table is what the bench prints."""

from types import SimpleNamespace

import pytest

from bench import repositories
from pipeline.config import config

PAGE = repositories.PAGE.read_text()
CONFIGURATIONS = repositories.configurations(PAGE)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_each_configuration_is_short_and_can_be_read(name):
    assert CONFIGURATIONS[name].count("\n") <= 10
    assert config.parse(CONFIGURATIONS[name]).bases


@pytest.mark.parametrize(("name", "files"), repositories.builds(PAGE).items())
def test_each_build_is_given_a_short_configuration_and_a_stand_in(name, files):
    assert name in CONFIGURATIONS
    assert files["baselard.yaml"].count("\n") <= 10
    standin, repository = config.parse(files["baselard.yaml"]).bases
    assert standin.dockerfile == "standin/Dockerfile" and files["standin/Dockerfile"].startswith("FROM ")
    assert [test.tester for test in repository.tests] == ["basic", "script"]


def test_a_build_s_files_are_there_while_it_runs(tmp_path, capsys, monkeypatch):
    clone = tmp_path / "baseimage-docker"
    clone.mkdir()
    seen = []

    def ran(argv, cwd, check):
        seen.extend(sorted(str(path.relative_to(cwd)) for path in cwd.rglob("*") if path.is_file()))
        return SimpleNamespace(code=1, stdout=b"base: 1 of 2 failed")

    monkeypatch.setattr(repositories.process, "run", ran)
    assert repositories.run(["--build", str(tmp_path)]) == 1
    assert seen == ["baselard.yaml", "standin/Dockerfile"]
    assert capsys.readouterr().out == "baseimage-docker\nbase: 1 of 2 failed\n"
    assert not [path for path in clone.rglob("*") if path.is_file()]


def test_the_table_has_a_row_for_each():
    table = PAGE.partition(f"{repositories.HEAD}\n{repositories.LINE}\n")[2].partition("\n\n")[0]
    rows = [line.split(" | ") for line in table.splitlines()]
    assert [row[0].removeprefix("| ") for row in rows] == list(CONFIGURATIONS)
    assert [int(row[2]) for row in rows] == [text.count("\n") for text in CONFIGURATIONS.values()]


def test_a_clone_is_planned_and_left_as_it_was(tmp_path, capsys):
    clone = tmp_path / "docker-debian12-ansible"
    clone.mkdir()
    (clone / "Dockerfile").write_text("FROM debian:bookworm\n")
    assert repositories.run([str(tmp_path)]) == 0
    assert "| docker-debian12-ansible | 1 | 1 | 1 | 0 | 1 | " in capsys.readouterr().out
    assert [path.name for path in clone.iterdir()] == ["Dockerfile"]


def test_the_deepest_chain_counts_its_images():
    bases = {"a": {"sources": [{"reference": "x"}]}, "b": {"sources": [{"reference": "a", "base": "a"}]}}
    examples = {"e": {"sources": [{"reference": "b", "base": "b"}, {"reference": "a", "base": "a"}]}}
    assert repositories.deepest({"bases": bases, "examples": examples}) == 3
