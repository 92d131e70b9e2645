"""``baselard version``: the version and the commit of what runs, and the API it serves."""

import platform
import sys
import tomllib

from baselard.engine.errors import EngineError
from baselard.engine.host import checkout, process


def run() -> int:
    """Print one line."""
    shown = f"commit {made_from}, " if (made_from := commit()[:12]) else ""
    machine = f"{platform.system().lower()}/{platform.machine()}"
    sys.stdout.write(f"baselard v{number()} ({shown}Dagger API v0.21, {machine})\n")
    return 0


def number() -> str:
    """The version pyproject.toml states."""
    project = tomllib.loads((checkout.MODULE / "pyproject.toml").read_text())
    return str(project["project"]["version"])


def commit() -> str:
    """The commit that this is: git's answer in a checkout, what was written down in a build; empty if nobody knows."""
    if (written := checkout.MODULE / "COMMIT").is_file():
        return written.read_text().strip()
    if checkout.INSTALLED or not (checkout.ROOT / ".git").exists():
        return ""
    try:
        return process.run(("git", "-C", checkout.ROOT, "rev-parse", "HEAD")).stdout.decode().strip()
    except EngineError:
        return ""
