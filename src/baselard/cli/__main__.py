"""``python -m baselard.cli``, which the launcher runs."""

import sys

from baselard.cli.main import main

sys.exit(main(sys.argv[1:]))
