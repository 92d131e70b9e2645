"""The published SDKs, unchanged, with this engine behind them: found by the session variables or started by them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagger
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXPECTED = {
    "stdout": "***\n",
    "entries": ["page"],
    "page": "served\n",
    "variables": ["A"],
    "exported": "exported",
    "failed": "3 why",
}
pytestmark = pytest.mark.root


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """The client's working directory, with a root file system made of this machine's busybox."""
    busybox = Path("/bin/busybox")
    if not busybox.exists():
        pytest.skip("there is no /bin/busybox: apt-get install busybox-static")
    rootfs = tmp_path / "work" / "busybox"
    for name in ("bin", "etc", "tmp"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy2(busybox, rootfs / "bin/busybox")
    for applet in ("sh", "wget", "httpd", "echo"):
        (rootfs / "bin" / applet).symlink_to("busybox")
    return tmp_path / "work"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where a client finds the program that starts the engine."""
    program = tmp_path / "baselard"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m baselard.cli "$@"\n')
    program.chmod(0o755)
    own = {"PYTHONPATH": str(ROOT), "BASELARD_STORE": str(tmp_path / "store")}
    return {**os.environ, **own, "_EXPERIMENTAL_DAGGER_CLI_BIN": str(program)}


@pytest.fixture
def session(workdir: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The variables of a session that is served already."""
    argv = [environment["_EXPERIMENTAL_DAGGER_CLI_BIN"], "session"]
    with subprocess.Popen(argv, cwd=workdir, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdout
        assert engine.stdin
        started = json.loads(engine.stdout.readline())
        yield {"DAGGER_SESSION_PORT": str(started["port"]), "DAGGER_SESSION_TOKEN": started["session_token"]}
        engine.stdin.close()
    assert engine.returncode == 0


def answer(argv: list[str], workdir: Path, environment: dict[str, str]) -> Any:
    done = subprocess.run(argv, cwd=workdir, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_python_in_a_session(workdir: Path, environment: dict[str, str], session: dict[str, str]) -> None:
    assert answer([sys.executable, str(HERE / "pipeline.py")], workdir, {**environment, **session}) == EXPECTED


def test_python_starts_the_engine(workdir: Path, environment: dict[str, str]) -> None:
    assert answer([sys.executable, str(HERE / "pipeline.py")], workdir, environment) == EXPECTED


@pytest.mark.network
@pytest.mark.full
@pytest.mark.parametrize("version", ["0.20.8", "1.0.0b21"])
def test_python_of_other_versions(
    version: str, tmp_path: Path, workdir: Path, environment: dict[str, str], session: dict[str, str]
) -> None:
    """The release that still loaded objects by FooID, and the beta of the next one, which asks for nothing else yet."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"dagger-io=={version}"], check=True)
    environment = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    assert answer([str(python), str(HERE / "pipeline.py")], workdir, {**environment, **session}) == EXPECTED


@pytest.mark.network
@pytest.mark.full
def test_what_the_beta_dropped_is_what_the_documentation_says(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path),
        "dagger-io==1.0.0b21",
    ]
    subprocess.run(argv, check=True)
    known, beta = types(Path(dagger.__file__).parent), types(tmp_path / "dagger")
    assert {"Container", "Directory", "Artifacts"} <= beta
    page = " ".join((ROOT / "docs/reference/compatibility.md").read_text().split())
    *names, last = sorted(known - beta)
    assert f"It dropped the types {', '.join(names)} and {last}:" in page


def types(package: Path) -> set[str]:
    """The API's object types that a generated client has."""
    return set(re.findall(r"^class ([A-Z]\w+)\(Type\):", (package / "client" / "gen.py").read_text(), re.MULTILINE))


@pytest.fixture
def typescript(tmp_path: Path) -> list[str]:
    """The TypeScript SDK installed from npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("there is no node or npm here")
    package = tmp_path / "ts"
    package.mkdir()
    (package / "package.json").write_text('{"type": "module", "dependencies": {"@dagger.io/dagger": "0.21.8"}}')
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--silent"], cwd=package, check=True, timeout=300)
    shutil.copy2(HERE / "pipeline.mjs", package)
    return [node, str(package / "pipeline.mjs")]


@pytest.mark.network
@pytest.mark.full
def test_typescript_in_a_session(
    typescript: list[str], workdir: Path, environment: dict[str, str], session: dict[str, str]
) -> None:
    assert answer(typescript, workdir, {**environment, **session}) == EXPECTED


@pytest.mark.network
@pytest.mark.full
def test_typescript_starts_the_engine(typescript: list[str], workdir: Path, environment: dict[str, str]) -> None:
    assert answer(typescript, workdir, environment) == EXPECTED


@pytest.fixture
def go(tmp_path: Path) -> list[str]:
    """The pipeline compiled with the Go SDK."""
    program = shutil.which("go")
    if not program:
        pytest.skip("there is no go here")
    module = tmp_path / "go"
    module.mkdir()
    shutil.copy2(HERE / "pipeline.go", module / "main.go")
    for step in (["mod", "init", "pipeline"], ["get", "dagger.io/dagger@v0.21.8"], ["mod", "tidy"]):
        subprocess.run([program, *step], cwd=module, check=True, timeout=300, capture_output=True)
    subprocess.run([program, "build", "-o", "pipeline", "."], cwd=module, check=True, timeout=300)
    return [str(module / "pipeline")]


@pytest.mark.network
@pytest.mark.full
def test_go_in_a_session(go: list[str], workdir: Path, environment: dict[str, str], session: dict[str, str]) -> None:
    assert answer(go, workdir, {**environment, **session}) == EXPECTED


@pytest.mark.network
@pytest.mark.full
def test_go_starts_the_engine(go: list[str], workdir: Path, environment: dict[str, str]) -> None:
    assert answer(go, workdir, environment) == EXPECTED
