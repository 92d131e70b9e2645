"""Installs programs into a Debian, in one step that leaves them alone there: a cache that travels carries them.

Lists of packages and a Python that only installs would be more than half of it.
"""

from __future__ import annotations

from collections.abc import Sequence

_FORGET = "rm -rf /var/lib/apt/lists/* /var/cache/apt/*"


def install(*packages: str) -> str:
    """The command that installs Debian's packages."""
    return f"{_installed(packages)} && {_FORGET}"


def install_wheels(wheels: Sequence[str], programs: Sequence[str], packages: Sequence[str] = ()) -> str:
    """The command that takes programs out of wheels, which need no Python; ``programs`` are paths in these."""
    paths = " ".join(f"/wheels/{name}" for name in programs)
    return " && ".join(
        (
            _installed(["python3-pip", *packages]),
            f"pip install --quiet --no-cache-dir --root-user-action=ignore --target=/wheels {' '.join(wheels)}",
            f"mv {paths} /usr/local/bin",
            "apt-get purge -y -qq --autoremove python3-pip >/dev/null",
            f"{_FORGET} /wheels",
        )
    )


def _installed(packages: Sequence[str]) -> str:
    return f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {' '.join(packages)} >/dev/null"
