"""What the measurements were made on: the machine, and the versions of everything that took part."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

_VERSIONS = {
    "runc": ("runc", "--version"),
    "crun": ("crun", "--version"),
    "skopeo": ("skopeo", "--version"),
    "tar": ("tar", "--version"),
    "pigz": ("pigz", "--version"),
    "docker-registry": ("docker-registry", "--version"),
}


def described(place: Path) -> dict[str, object]:
    """The machine as JSON: cores, memory, kernel, the file system of ``place``, load and programs' versions."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(_memory() / 1024**2, 1),
        "kernel": platform.release(),
        "system": _system(),
        "file_system": _file_system(place),
        "load": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        **{name: version(argv) for name, argv in _VERSIONS.items() if shutil.which(argv[0])},
    }


def version(argv: tuple[str, ...]) -> str:
    """The first version number that a program prints."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[\w.+~-]*", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _memory() -> int:
    return int(Path("/proc/meminfo").read_text().split()[1])


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _file_system(place: Path) -> str:
    rows = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    here = str(place.resolve())
    holding = [row for row in rows if here == row[1] or here.startswith(row[1].rstrip("/") + "/")]
    return max(holding, key=lambda row: len(row[1]))[2] if holding else "unknown"
