"""The program ``baselard``. Older Pythons read this file too, if only to say that they are too old."""

import sys

TYPE_CHECKING = False  # see baselard.resident.client

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> int:
    """Run the command line that this process was started with; the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 -- installers may be told not to look
        version = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write(f"baselard: Python 3.11 or later is needed, and {sys.executable} is {version}\n")
        return 2
    from baselard.resident import client

    try:
        code = client.call(sys.argv[1:])
    except KeyboardInterrupt:
        return 130
    return run(sys.argv[1:]) if code is None else code


def run(argv: "Sequence[str]") -> int:
    """Run a command line in this process; the exit code."""
    from baselard.cli import streams

    streams.prepare()
    from baselard.cli import main  # files may be opened from here on

    return main.main(argv)
