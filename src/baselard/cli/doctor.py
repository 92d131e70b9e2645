"""``baselard doctor``: what this machine lends the engine, and what is missing."""

import sys

from baselard.cli import places
from baselard.cli.options import unknown
from baselard.engine.errors import UserError
from baselard.engine.host import doctor


def run(argv: list[str]) -> int:
    """Print the findings; 2 when the engine cannot work as things are."""
    if argv and argv[0] in ("-h", "--help"):
        sys.stdout.write("Usage: baselard doctor [--deep]\n\n  --deep   also read every blob against its digest\n")
        return 0
    if others := [word for word in argv if word != "--deep"]:
        raise UserError(unknown("option", others[0], ["--deep", "--help"]))
    findings = doctor.examine(places.store_root(), deep="--deep" in argv)
    sys.stdout.write(doctor.summary(findings))
    return 2 if any(finding.mark == "missing" for finding in findings) else 0
