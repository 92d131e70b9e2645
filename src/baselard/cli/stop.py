"""``baselard stop``: end the resident engine."""

import sys

from baselard.resident import engines


def run() -> int:
    """End this user's resident engines, and say so."""
    ended, ending = engines.stop()
    lines = [*(f"stopped process {number}\n" for number in ended)]
    lines += [f"process {number} stops when its calls have ended\n" for number in ending]
    sys.stdout.write("".join(lines) or "no resident engine runs\n")
    return 0
