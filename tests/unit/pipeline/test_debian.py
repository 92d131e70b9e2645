"""Installing leaves the programs alone behind. Judge: a shell with a package manager's names in its PATH."""

import subprocess
from pathlib import Path

import pytest

from pipeline import debian

STUB = '#!/bin/sh\necho "$(basename "$0") $*" >>"$NOTED"\n'


@pytest.fixture
def ran(tmp_path: Path):
    def run(command: str) -> list[str]:
        for name in ("apt-get", "pip", "mv", "rm"):
            (tmp_path / name).write_text(STUB)
            (tmp_path / name).chmod(0o755)
        noted = tmp_path / "noted"
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "NOTED": str(noted)}
        subprocess.run(["sh", "-euc", command], env=env, check=True)
        return noted.read_text().splitlines()

    return run


def test_the_lists_of_packages_go(ran) -> None:
    done = ran(debian.install("git", "openssl"))
    assert done[1] == "apt-get install -y -qq --no-install-recommends git openssl"
    assert done[-1].startswith("rm -rf /var/lib/apt/lists/")


def test_of_wheels_only_the_programs_stay(ran) -> None:
    done = ran(debian.install_wheels(["a==1", "b==2"], ["bin/a", "b/bin/b"], ["shellcheck"]))
    assert done[1].endswith("python3-pip shellcheck")
    assert done[2].endswith("--target=/wheels a==1 b==2")
    assert done[3] == "mv /wheels/bin/a /wheels/b/bin/b /usr/local/bin"
    assert done[4] == "apt-get purge -y -qq --autoremove python3-pip"
    assert done[5].startswith("rm -rf /var/lib/apt/lists/") and done[5].endswith(" /wheels")
