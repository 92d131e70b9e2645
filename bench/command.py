"""``baselard bench``: run the scenarios, print the table, write JSON and SVG."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import chart, growth, machine, micro, results, table, ways
from bench.lab import QUICK, Lab, Sizes
from bench.method import Measured, Scenario, measure
from bench.results import Run
from engine import snapshot
from engine.errors import UserError


def run(argv: Sequence[str]) -> int:
    """Measure what ``argv`` names; 0, or 1 when a scenario could not be run. Raises UserError for an unknown name."""
    asked = _parser().parse_args(argv)
    if asked.table:
        sys.stdout.write(table.markdown(_read(asked.table)))
        return 0
    chosen = choose((*micro.SCENARIOS, *ways.SCENARIOS, *growth.SCENARIOS), asked.only)
    if asked.list:
        sys.stdout.writelines(f"{scenario.name:<16}{scenario.title}\n" for scenario in chosen)
        return 0
    snapshot.private_namespace()
    with tempfile.TemporaryDirectory(prefix="baselard-bench-", dir=asked.dir) as root:
        Path(root).chmod(0o755)
        lab = Lab(Path(root), QUICK if asked.quick else Sizes())
        done = _measured(lab, chosen, quick=asked.quick, once=asked.once or asked.quick)
    if asked.output:
        write(done, asked.output)
    sys.stdout.write(table.plain(done))
    return 1 if done.skipped else 0


def choose(scenarios: Sequence[Scenario], names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names, all without any. Raises UserError for a name that there is not."""
    known = {scenario.name for scenario in scenarios}
    if unknown := sorted(set(names) - known):
        raise UserError(f"bench: unknown scenario {unknown[0]}; there is {', '.join(sorted(known))}")
    return [scenario for scenario in scenarios if not names or scenario.name in names]


def write(done: Run, output: Path) -> None:
    """Write the run to ``output`` as JSON, and its chart beside it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    results.save(done, output)
    output.with_suffix(".svg").write_text(chart.svg(done))


def _read(path: Path) -> Run:
    try:
        return results.load(path)
    except (OSError, ValueError) as error:
        raise UserError(f"bench: {error}") from error


def _measured(lab: Lab, chosen: Sequence[Scenario], *, quick: bool, once: bool) -> Run:
    found: list[Measured] = []
    skipped: dict[str, str] = {}
    for scenario in chosen:
        lab.scenario = scenario.name
        sys.stderr.write(f"bench: {scenario.title}\n")
        try:
            found.append(measure(scenario, lab, once=once))
        except Exception as error:  # one that fails must not cost the others
            skipped[scenario.name] = f"{type(error).__name__}: {error}"
            sys.stderr.write(f"bench: {scenario.name} failed: {skipped[scenario.name]}\n")
    return Run(machine.described(lab.root), quick, found, skipped, lab.peaks)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("baselard bench", description="Measure Baselard beside limits and peers.")
    parser.add_argument("only", nargs="*", metavar="SCENARIO", help="only these; all without any")
    parser.add_argument("--quick", action="store_true", help="everything once on a small base, to see that it runs")
    parser.add_argument("--once", action="store_true", help="one round of each, in full size")
    parser.add_argument("--list", action="store_true", help="only list the scenarios")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write FILE (JSON) and its chart (.svg)")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="only print the table of an earlier run, as Markdown"
    )
    parser.add_argument("--dir", type=Path, help="work there instead of in the temporary directory")
    return parser
