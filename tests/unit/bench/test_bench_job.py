"""The job's table, and what is measured on."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import project
from bench.job import peers, table
from bench.method import Measured
from bench.results import Run

COLD = Measured("job-cold", "", "s", {"baselard object": [1.0, 3.0]})
REGISTRY = Measured("job-registry", "", "s", {"docker registry": [60.0, 62.0]})
WARM = Measured("job-warm", "", "s", {"baselard object": [1.0], "dagger call": [4.0]})
NOTES = {
    "job-cold": {"baselard object": {"moved": 0, "disk": 1}},
    "job-registry": {"docker registry": {"moved": 426.4, "disk": 2000.0}},
}
RUN = Run({}, False, (COLD, REGISTRY, WARM), {}, {}, NOTES)  # type: ignore[arg-type]


def test_a_row_for_each_way_and_a_column_for_each_condition() -> None:
    here, there = (part.splitlines() for part in table.markdown(RUN).split("\n\n"))
    assert here[2] == "| **Baselard** | 2.0 s | 1.0 s | - | - | 1 MB |"
    assert here[3] == "| the same functions on Dagger's engine | - | 4.0 s | - | - | - |"
    assert there[2] == "| docker push, docker pull | 61 s | 426 MB | 2.0 GB |"


def test_a_run_on_one_machine_alone_has_one_table() -> None:
    assert "sent" not in table.markdown(replace(RUN, measured=(COLD, WARM)))


def test_no_table_of_a_run_without_the_job() -> None:
    assert table.markdown(replace(RUN, measured=(WARM,))) == ""


def test_the_table_goes_between_its_markers() -> None:
    text = f"before\n{table.BEGIN}\nstale\n{table.END}\nafter\n"
    placed = table.placed(text, RUN)
    assert "stale" not in placed and "docker push" in placed
    assert placed.startswith("before\n") and placed.endswith("\nafter\n")
    assert table.placed(placed, RUN) == placed


@pytest.mark.parametrize("text", ["", table.BEGIN, f"{table.END}{table.BEGIN}"])
def test_a_document_without_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="followed by"):
        table.placed(text, RUN)


def test_the_job_is_done_on_the_six_examples_with_gossfiles(tmp_path: Path) -> None:
    own = project.real(tmp_path / "own")
    assert len(own.examples) == 6
    assert own.serves("nodejs-backend") and not own.serves("python-cli")


@pytest.mark.parametrize("change", [project.one_example, project.the_base])
@pytest.mark.parametrize("generated", [True, False])
def test_changes_change_something_each_time(tmp_path: Path, change: project.Change, generated: bool) -> None:
    of = project.small(tmp_path / "p", 2) if generated else project.real(tmp_path / "p")
    seen = {_content(of)}
    for number in range(2):
        change(of, f"round {number}")
        seen.add(_content(of))
    assert len(seen) == 3


def _content(of: project.Project) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(of.root.rglob("*")) if path.is_file())


def test_bake_is_told_what_from_means(tmp_path: Path) -> None:
    of = project.small(tmp_path / "p", 2)
    assert peers.bake_files(of, "/srv/p", "target:base") == [
        "--file",
        "/srv/p/compose.yaml",
        "--file",
        "/srv/p/bake.json",
    ]
    assert '"contexts": {"ghcr.io/bench/base": "target:base"}' in (of.root / "bake.json").read_text()
