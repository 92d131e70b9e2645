"""What the documents show is what the last full run measured."""

from pathlib import Path

import pytest

from bench import chart, results
from bench.job import table

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "docs/reference/benchmarks.json"


@pytest.fixture(scope="module")
def run() -> results.Run:
    return results.load(RESULTS)


def test_a_full_run_is_committed(run: results.Run) -> None:
    assert not run.quick
    assert {"job-cold", "job-registry", "job-archive", "job-warm", "job-one", "job-base"} <= {
        one.name for one in run.measured
    }


def test_the_readmes_table_is_made_of_it(run: results.Run) -> None:
    text = (ROOT / "README.md").read_text()
    assert table.placed(text, run) == text, "bench --table docs/reference/benchmarks.json --into README.md"


def test_the_chart_is_made_of_it(run: results.Run) -> None:
    assert RESULTS.with_suffix(".svg").read_text() == chart.svg(run)
