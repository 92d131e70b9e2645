"""The generated repositories, and what each change changes."""

from pathlib import Path

import pytest

from bench import project


def files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_repository_has_as_many_examples_as_asked_for(tmp_path: Path) -> None:
    made = files(project.small(tmp_path, 3).root)
    assert sum(name.endswith("goss.yaml") for name in made) == 3
    assert "image/Dockerfile" in made


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (project.nothing, set()),
        (project.one_example, {"examples/example-00/salt"}),
        (project.every_example, {"examples/example-00/salt", "examples/example-01/salt"}),
        (project.the_base, {"image/salt"}),
    ],
)
def test_a_change_changes_what_it_says(tmp_path: Path, change: project.Change, changed: set[str]) -> None:
    of = project.small(tmp_path, 2)
    before = files(of.root)
    change(of, "second")
    after = files(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} == changed
