"""``baselard bench``: run the scenarios, print the table, write JSON and SVG."""

import signal
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from baselard.cli.parser import Parser
from baselard.engine.errors import UserError
from baselard.engine.store import snapshots
from bench import chart, growth, job, machine, micro, resident, results, rootless, table, ways
from bench.job import table as job_table
from bench.lab import QUICK, Lab, Sizes
from bench.method import Scenario, measure
from bench.results import Run


def run(argv: Sequence[str]) -> int:
    """Measure what ``argv`` names; 0, or 1 when a scenario could not be run. Raises UserError for an unknown name."""
    asked = _parser().read(argv)
    if asked.table:
        return _show(_read(asked.table), asked.into)
    files = (micro, ways, growth, resident, rootless, job)
    chosen = choose([scenario for file in files for scenario in file.SCENARIOS], asked.only)
    if asked.list:
        sys.stdout.writelines(f"{scenario.name:<16}{scenario.title}\n" for scenario in chosen)
        return 0
    earlier = _earlier(asked)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way out puts everything away
    snapshots.private_namespace()
    with tempfile.TemporaryDirectory(prefix="baselard-bench-", dir=asked.dir) as root:
        Path(root).chmod(0o755)
        lab = Lab(Path(root), QUICK if asked.quick else Sizes())
        done = replace(earlier, machine=machine.described(lab.root), quick=asked.quick)
        with lab.until_end:
            for scenario in chosen:
                done = add(done, scenario, lab, once=asked.once or asked.quick)
                if asked.output:
                    write(done, asked.output)
    sys.stdout.write(f"{job_table.markdown(done)}\n\n{table.plain(done)}".lstrip())
    return 1 if done.skipped else 0


def _earlier(asked: Namespace) -> Run:
    """What there is already of a run that is made in parts. Raises UserError for parts that do not fit."""
    if not (asked.keep and asked.output and asked.output.exists()):
        return Run({}, asked.quick, (), {}, {})
    earlier = _read(asked.output)
    if earlier.quick != asked.quick:
        raise UserError(f"bench: {asked.output} is of a {'quick' if earlier.quick else 'full'} run; write another file")
    return earlier


def _show(done: Run, into: Path | None) -> int:
    """Print the tables of an earlier run, or put the job's into a document."""
    if into is None:
        sys.stdout.write(f"{job_table.markdown(done)}\n\n{table.markdown(done)}".lstrip())
        return 0
    try:
        into.write_text(job_table.placed(into.read_text(), done))
    except (OSError, ValueError) as error:
        raise UserError(f"bench: {into}: {error}") from error
    return 0


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


def add(done: Run, scenario: Scenario, lab: Lab, *, once: bool) -> Run:
    """``done`` with one scenario more: what it measured or, since that must not cost the others, why it could not."""
    lab.scenario = scenario.name
    done = _without(done, scenario.name)
    sys.stderr.write(f"bench: {scenario.title}\n")
    try:
        measured = measure(scenario, lab, once=once)
    except Exception as error:  # whatever it is, the next scenario is another one
        reason = f"{type(error).__name__}: {error}"
        sys.stderr.write(f"bench: {scenario.name} failed: {reason}\n")
        return replace(done, skipped={**done.skipped, scenario.name: reason})
    return replace(
        done, measured=(*done.measured, measured), peaks={**done.peaks, **lab.peaks}, notes={**done.notes, **lab.notes}
    )


def _without(done: Run, name: str) -> Run:
    skipped = {other: reason for other, reason in done.skipped.items() if other != name}
    return replace(done, measured=tuple(one for one in done.measured if one.name != name), skipped=skipped)


def _parser() -> Parser:
    parser = Parser("bench", "[SCENARIO …]", "Measures Baselard beside limits and peers.\n")
    parser.add_argument("only", nargs="*", metavar="SCENARIO", help="only these; all without any")
    parser.add_argument("--quick", action="store_true", help="everything once on a small base, to see that it runs")
    parser.add_argument("--once", action="store_true", help="one round of each, in full size")
    parser.add_argument("--list", action="store_true", help="only list the scenarios")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write FILE (JSON) and its chart (.svg)")
    parser.add_argument("--keep", action="store_true", help="keep what FILE has of other scenarios")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="only print the table of an earlier run, as Markdown"
    )
    parser.add_argument("--into", type=Path, metavar="DOCUMENT", help="with --table: put the job's table into it")
    parser.add_argument("--dir", type=Path, help="work there instead of in the temporary directory")
    return parser
