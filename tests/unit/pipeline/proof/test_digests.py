"""Digests come into an SPDX document afterwards. Judge: what syft 1.18.1 wrote when it took them itself.

syft.json has its two documents of FILES, two packages of dpkg: `bare` with SYFT_FILE_METADATA_DIGESTS="", and `whole`.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.proof import digests

RECORDED = json.loads(Path(__file__).with_name("syft.json").read_text())
NAMES = ("usr/bin/one", "usr/share/one/a b", "usr/share/one/back\\slash", "usr/share/one/empty", "usr/share/both")
ELSEWHERE = ("usr/share/both", "usr/share/gone", "usr/share/ü")


def of_dpkg(names: tuple[str, ...]) -> str:
    return "".join(f"{'0' * 32}  {name}\n" for name in names)


def status(name: str, version: str) -> str:
    lines = ("Status: install ok installed", f"Version: {version}", "Architecture: amd64")
    return "\n".join([f"Package: {name}", *lines, "Maintainer: A <a@example.org>", "Description: none", "", ""])


FILES = {
    "var/lib/dpkg/status": status("one", "1.0-1") + status("two", "2.0"),
    "var/lib/dpkg/info/one.md5sums": of_dpkg(NAMES),
    "var/lib/dpkg/info/two.md5sums": of_dpkg(ELSEWHERE),
    **dict(zip(NAMES, ("#!/bin/sh\n", "space\n", "back\n", "", "both\n"), strict=True)),
    "usr/share/ü": "umlaut\n",
    "usr/share/alone": "nobody's\n",
}


@pytest.fixture
def run(tmp_path: Path):
    """The shell's text, in a container of its own but for the root; what the programs wrote."""
    for name, content in FILES.items():
        (tmp_path / "image" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "image" / name).write_text(content)
    (tmp_path / "image/usr/share/one/link").symlink_to("../both")
    (tmp_path / "tmp").mkdir()

    def done(command: str) -> dict[str, dict[str, str]]:
        text = digests.meanwhile(command).replace("/tmp/", f"{tmp_path}/tmp/").replace("cd /image", "cd image")
        env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
        subprocess.run(["sh", "-c", text], check=True, cwd=tmp_path, env=env)
        files = {name: Path(f"{tmp_path}{digests.path(name)}") for name in digests.ALGORITHMS}
        return {name: digests.read(file.read_text()) for name, file in files.items()}

    return done


def test_the_document_is_the_one_that_syft_makes_alone(run) -> None:
    taken = run("echo done >said")
    filled = digests.filled(RECORDED["bare"], taken)
    assert {**filled, **own(RECORDED["whole"])} == RECORDED["whole"]
    assert filled["packages"] != RECORDED["bare"]["packages"]


def test_an_image_without_packages_has_no_files(run) -> None:
    """syft writes no ``files`` of an empty directory."""
    bare = {"packages": [], "relationships": []}
    assert digests.filled(bare, run("true")) == bare


def own(document: dict[str, Any]) -> dict[str, Any]:
    """What no two runs of syft have alike."""
    return {name: document[name] for name in ("documentNamespace", "creationInfo")}


def test_the_command_that_fails_fails(run) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 7"):
        run("exit 7")


def test_a_digest_that_cannot_be_taken_fails(run, tmp_path: Path) -> None:
    program = tmp_path / "bin/sha256sum"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError, match="exit status 123"):
        run("true")
