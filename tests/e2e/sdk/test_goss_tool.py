"""goss as a directory: unpacked by the embedded engine, downloaded in a Debian by any other. Judge: goss itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.goss import tool

pytestmark = [pytest.mark.root, pytest.mark.network]
ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """\
import asyncio, json
import dagger
from dagger import dag
from pipeline.goss import tool

async def main():
    async with dagger.connection():
        made = tool.directory()
        image = dag.container().with_rootfs(dag.directory()).with_mounted_directory("/.goss", made)
        said = await image.with_exec(["/.goss/goss", "help"]).stdout()
        shell = await image.with_exec(["/.goss/bin/sh", "-c", "echo fine"]).stdout()
        print(json.dumps([sorted(await made.entries()), shell, said.split()[1:7]]))

asyncio.run(main())
"""


@pytest.mark.parametrize("place", ["packages.debian.invalid", pytest.param("", marks=pytest.mark.full)])
def test_both_ways_lead_to_one_directory(tmp_path: Path, place: str) -> None:
    program = tmp_path / "baselard"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m baselard.cli "$@"\n')
    program.chmod(0o755)
    own = {"PYTHONPATH": str(ROOT), "BASELARD_STORE": str(tmp_path / "store"), "BASELARD_PACKAGES": place}
    environment = {**os.environ, **own, "_EXPERIMENTAL_DAGGER_CLI_BIN": str(program)}
    argv = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    top, shell, said = json.loads(done.stdout.splitlines()[-1])
    assert {*tool.SCRIPTS, "bats", "bin", "busybox", "usr"} <= {name.rstrip("/") for name in top}
    assert (shell, " ".join(said)) == ("fine\n", "goss - Quick and Easy server")
