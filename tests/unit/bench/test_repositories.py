"""The page about repositories of others: its configurations can be read, and its table is what the bench prints."""

import pytest

from bench import repositories
from pipeline import config

PAGE = repositories.PAGE.read_text()
CONFIGURATIONS = repositories.configurations(PAGE)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_each_configuration_is_short_and_can_be_read(name):
    assert CONFIGURATIONS[name].count("\n") <= 10
    assert config.parse(CONFIGURATIONS[name]).bases


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
