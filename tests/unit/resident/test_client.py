"""What a call loads before an engine takes it. Judge: Python's own `sys.modules`."""

import subprocess
import sys

LARGE = {"typing", "dataclasses", "re", "inspect", "asyncio", "pathlib", "json", "argparse"}
SEEN = """
import sys
known = {*sys.modules}
from baselard.cli import entry
from baselard.resident import client
print(*{*sys.modules} - known)
"""


def test_the_client_loads_nothing_large() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", SEEN], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert {"baselard.cli.entry", "baselard.resident.client", "baselard.resident.words"} <= loaded
    assert loaded & LARGE == set()
