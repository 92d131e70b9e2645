"""``baselard version``: the version of this checkout and of the API it serves."""

import platform
import sys
import tomllib

from baselard.engine.host import checkout


def run() -> int:
    """Print one line."""
    sys.stdout.write(f"baselard v{number()} (Dagger API v0.21, {platform.system().lower()}/{platform.machine()})\n")
    return 0


def number() -> str:
    """The version pyproject.toml states."""
    project = tomllib.loads((checkout.ROOT / "pyproject.toml").read_text())
    return str(project["project"]["version"])
