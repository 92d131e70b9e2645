"""Tables, charts and files of results."""

import contextlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from bench import chart, command, results, table
from bench.lab import QUICK, Lab
from bench.method import Goal, Measured, Scenario, Side
from bench.results import Run

SVG = "{http://www.w3.org/2000/svg}"
RUN = Run(
    {"cores": 2},
    False,
    (
        Measured(
            "fast",
            "a <fast> thing",
            "s",
            {"baselard": [0.01, 0.02, 0.03], "limit": [0.04, 0.04, 0.04]},
            Goal("ratio", 1),
        ),
        Measured("slow", "a slow thing", "s", {"baselard": [3.0], "limit": [1.0], "mount": [2.0]}, Goal("ratio", 2)),
        Measured("alone", "a thing", "MB", {"baselard": [7.0]}, Goal("value", 10)),
        Measured("more", "more of it", "s", {"two": [2.0], "one": [1.0]}, itself=True),
    ),
    {"missing": "no program"},
    {"fast": 61.4},
)


def test_the_table_says_medians_ratios_goals_memory_and_what_is_missing() -> None:
    text = table.plain(RUN)
    fast, slow, mount, alone = text.splitlines()[1:5]
    assert fast.split("  ")[0] == "a <fast> thing"
    assert "20.0 ms" in fast and "0.50 (0.25 to 0.75)" in fast and "≤ 1 x reached" in fast and "61 MB" in fast
    assert "3.00 s" in slow and "≤ 2 x MISSED" in slow
    assert "mount" in mount and "1.50 (1.50 to 1.50)" in mount
    assert "7.00 MB" in alone and "≤ 10 MB reached" in alone
    assert "Not measured: missing: no program" in text


def test_a_quick_run_is_not_judged() -> None:
    text = table.plain(replace(RUN, quick=True))
    assert "≤ 1 x" in text
    assert "reached" not in text
    assert "MISSED" not in text


def test_markdown_has_as_many_cells_in_every_row() -> None:
    lines = [line for line in table.markdown(RUN).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 5
    assert len({line.count("|") for line in lines}) == 1


def test_a_file_of_results_reads_as_it_was_written(tmp_path: Path) -> None:
    results.save(RUN, tmp_path / "r.json")
    assert results.load(tmp_path / "r.json") == RUN
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"format": 0}')
    with pytest.raises(ValueError, match="not a results file"):
        results.load(tmp_path / "r.json")


def test_the_chart_is_xml_with_a_bar_for_each_comparison_with_another_program() -> None:
    root = ET.fromstring(chart.svg(RUN))  # our own text
    bars = [(float(bar.get("d", "")[1:].split()[0]), bar.get("fill")) for bar in root.iter(f"{SVG}path")]
    texts = [one.text or "" for one in root.iter(f"{SVG}text")]
    middle = next(float(one.get("x", "")) for one in root.iter(f"{SVG}text") if one.text == "equal")
    assert [(x < middle, fill) for x, fill in bars] == [(True, "#2a7"), (False, "#c83")]
    assert "Baselard 20.0 ms, limit 40.0 ms" in texts and "more of it" not in texts


def scenario(name: str, side: Side) -> Scenario:
    @contextlib.contextmanager
    def sides(lab: object) -> Iterator[Mapping[str, Side]]:
        yield {"baselard": side}

    return Scenario(name, name, sides)


def test_one_scenario_that_fails_does_not_cost_the_others(tmp_path: Path) -> None:
    lab = Lab(tmp_path, QUICK, peaks={"good": 5.0})
    done = Run({}, True, (), {}, {})
    for each in (scenario("bad", lambda number: 1 / number), scenario("good", lambda number: 2.0)):
        done = command.add(done, each, lab, once=True)
    assert [measured.samples for measured in done.measured] == [{"baselard": [2.0]}]
    assert done.skipped == {"bad": "ZeroDivisionError: division by zero"}
    assert done.peaks == {"good": 5.0}


def test_a_run_in_parts_renews_what_is_measured_again(tmp_path: Path) -> None:
    lab = Lab(tmp_path, QUICK)
    done = command.add(RUN, scenario("alone", lambda number: 2.0), lab, once=True)
    done = command.add(done, scenario("missing", lambda number: 3.0), lab, once=True)
    assert [measured.name for measured in done.measured] == ["fast", "slow", "more", "alone", "missing"]
    assert done.measured[3].samples == {"baselard": [2.0]}
    assert (done.skipped, done.peaks) == ({}, RUN.peaks)


def test_parts_of_a_quick_and_of_a_full_run_are_not_mixed(tmp_path: Path) -> None:
    results.save(RUN, tmp_path / "r.json")
    with pytest.raises(UserError, match="of a full run"):
        command.run(["--quick", "--keep", "--output", str(tmp_path / "r.json"), "exec"])


def test_an_unknown_scenario_is_named() -> None:
    with pytest.raises(UserError, match="unknown scenario wrong; there is "):
        command.run(["wrong"])


def test_the_table_of_an_earlier_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.write(RUN, tmp_path / "out/r.json")
    assert command.run(["--table", str(tmp_path / "out/r.json")]) == 0
    assert capsys.readouterr().out == table.markdown(RUN)
    assert (tmp_path / "out/r.svg").read_text() == chart.svg(RUN)


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_what_is_no_run_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(UserError, match="bench: "):
        command.run(["--table", str(tmp_path / "r.json")])


def test_the_list_names_every_scenario_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["--list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert len(names) == len(set(names)) > 15
