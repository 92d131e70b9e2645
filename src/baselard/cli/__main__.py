"""``python -m baselard.cli``, which the launcher runs."""

import sys

from baselard.cli import entry

sys.exit(entry.main())
