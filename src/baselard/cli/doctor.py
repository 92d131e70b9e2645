"""``baselard doctor``: what this machine lends the engine, and what is missing."""

import json
import sys
from collections.abc import Iterator

from baselard.cli import places
from baselard.engine.errors import HostError
from baselard.engine.host import doctor
from baselard.resident import engines


def run(*, deep: bool, as_json: bool = False) -> int:
    """Print the findings, with ``deep`` of each blob too; 2 when the engine cannot work as things are."""
    findings = [*doctor.examine(places.store_root(), deep=deep), *_runtime(), *_residents()]
    told = json.dumps(doctor.entries(findings), indent=2) + "\n" if as_json else doctor.summary(findings)
    sys.stdout.write(told)
    return 2 if any(finding.mark == "missing" for finding in findings) else 0


def _runtime() -> Iterator[doctor.Diagnosis]:
    from baselard.engine.run.containers import runtimes

    try:
        name, why = runtimes.wanted()
    except HostError as error:
        yield doctor.Diagnosis("runtime", str(error), "unset it", fatal=True)
        return
    yield doctor.Diagnosis("runtime", f"{name} runs containers{f': {why}' if why else ''}")


def _residents() -> Iterator[doctor.Diagnosis]:
    for number in engines.processes():
        yield doctor.Diagnosis("resident engine", f"process {number}; `baselard stop` ends it")
