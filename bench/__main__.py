"""The benches as a program: ``baselard bench`` becomes it."""

import sys

from baselard.cli.main import guarded
from bench import command

if __name__ == "__main__":
    sys.exit(guarded(command.run, sys.argv[1:]))
