"""``python -m baselard.cli``, which the launcher runs."""

import sys

from baselard.cli import streams

streams.prepare()

from baselard.cli.main import main  # noqa: E402 -- files may be opened from here on

sys.exit(main(sys.argv[1:]))
