"""Installing leaves the programs alone behind. Judge: a shell with a package manager's names in its PATH."""

import subprocess
from pathlib import Path

import pytest

from pipeline import debian
from pipeline.proof import keyless, sbom

STUB = '#!/bin/sh\necho "$(basename "$0") $*" >>"$NOTED"\ncase $0 in */pip) cat >"$NOTED.read" ;; esac\n'
LOCKS = Path(debian.__file__).with_name("locks")


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
    done = ran(debian.install_wheels("linters", ["bin/a", "b/bin/b"], ["shellcheck"]))
    assert done[1].endswith("python3-pip shellcheck")
    assert done[2].endswith("--target=/wheels --require-hashes -r /dev/stdin")
    assert done[3] == "mv /wheels/bin/a /wheels/b/bin/b /usr/local/bin"
    assert done[4] == "apt-get purge -y -qq --autoremove python3-pip"
    assert done[5].startswith("rm -rf /var/lib/apt/lists/") and done[5].endswith(" /wheels")


def test_pip_reads_the_lock_and_nothing_else(ran, tmp_path: Path) -> None:
    done = ran(debian.install_locked("sigstore", ["ca-certificates"]))
    assert done[2].endswith("--break-system-packages --require-hashes -r /dev/stdin")
    assert (tmp_path / "noted.read").read_text() == (LOCKS / "sigstore.txt").read_text()


@pytest.mark.parametrize(("lock", "package"), [("sigstore", keyless.PACKAGE), ("syft", sbom.PACKAGE)])
def test_a_tool_is_the_one_that_is_named_in_messages(lock: str, package: str) -> None:
    assert f"\n{package} " in "\n" + (LOCKS / f"{lock}.txt").read_text()


@pytest.mark.parametrize("path", sorted(LOCKS.glob("*.txt")), ids=lambda path: path.stem)
def test_each_package_has_hashes(path: Path) -> None:
    entries = path.read_text().replace("\\\n", "").splitlines()
    assert entries and all("--hash=sha256:" in entry for entry in entries)
