"""A runner of GitHub's workflows that somebody else wrote (nektos/act), and a stranger's repository it runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.registry_servers import Server, running_registry
from tests.workers import free_port

ACT = "github.com/nektos/act@v0.2.89"
ACTIONS = ("actions/checkout", "actions/cache", "actions/upload-artifact")
FILES = {
    "Dockerfile": "FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\n"
    'RUN ["/bin/busybox", "--install", "-s", "/bin"]\nCOPY passwd /etc/passwd\nCMD ["sh"]\n',
    "passwd": "root:x:0:0:root:/:/bin/sh\n",
    "examples/greeter/Dockerfile": "FROM {host}/acme/images:latest\nRUN echo hello >/greeting\n",
    "examples/greeter/goss.yaml": "file:\n  /greeting:\n    exists: true\n    contents: [hello]\n",
    "baselard.yaml": "bases: [{{name: {host}/acme/images}}]\npublish: {{platforms: [linux/{own}]}}\n",
}
OWN = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


@dataclass(frozen=True)
class Ran:
    """What came of one run of the workflow; ``artifacts`` are those it kept, by name."""

    code: int
    log: str
    artifacts: dict[str, zipfile.ZipFile]

    def step(self, name: str) -> str:
        """The lines of a step, without what the runner puts before them."""
        part = self.log.partition(f"Run Main {name}\n")[2].partition(" ⭐ Run ")[0]
        return re.sub(r"^\[[^]]*\]\s+(\|\s)?", "", part, flags=re.MULTILINE)


@pytest.fixture(scope="session")
def act(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner, built from its module; the first time it takes minutes."""
    if not (go := shutil.which("go")):
        pytest.skip("there is no go here")
    place = tmp_path_factory.mktemp("act")
    done = subprocess.run(
        [go, "install", ACT], check=False, env={**os.environ, "GOBIN": str(place)}, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"act cannot be built here: {done.stderr.strip().splitlines()[-1]}")
    return place / "act"


@pytest.fixture(scope="session")
def sources() -> Path:
    """Where the actions that ours uses are: GitHub's own code, which this project does not carry."""
    place = Path(os.environ.get("BASELARD_ACTIONS", "/nowhere"))
    missing = [name for name in ACTIONS if not (place / name / "action.yml").is_file()]
    if missing:
        pytest.skip(f"BASELARD_ACTIONS names no directory with {', '.join(missing)}")
    return place


@dataclass(frozen=True)
class Runner:
    """The repository with its origin, the registry it publishes to, and the runner."""

    root: Path
    act: Path
    sources: Path
    action: Path
    registry: Server

    @property
    def repository(self) -> Path:
        return self.root / "repository"

    def git(self, *words: str) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *author, *words], cwd=self.repository, check=True, capture_output=True)

    def run(self, event: str, document: dict[str, Any], store: str) -> Ran:
        """Run the workflow on this machine, as a runner without anything of an earlier run but its cache."""
        (self.root / "event.json").write_text(json.dumps(document))
        kept = self.root / f"artifacts-{event}"
        argv = [str(self.act), event, "--eventpath", str(self.root / "event.json"), *self._options(kept)]
        environment = {**os.environ, "HOME": str(self.root), "XDG_CACHE_HOME": str(self.root / "cache")}
        environment["BASELARD_STORE"] = str(self.root / store)
        done = subprocess.run(
            argv,
            check=False,
            cwd=self.repository,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        (self.root / f"log-{event}").write_text(done.stdout)
        archives = {path.stem: zipfile.ZipFile(path) for path in kept.rglob("*.zip")}
        return Ran(done.returncode, done.stdout, archives)

    def _options(self, artifacts: Path) -> Iterator[str]:
        yield from ("--platform", "ubuntu-24.04=-self-hosted", "--no-skip-checkout", "--pull=false")
        yield from ("--secret", "GITHUB_TOKEN=not-a-real-token")
        yield from ("--artifact-server-path", str(artifacts), "--artifact-server-addr", "127.0.0.1")
        yield from ("--artifact-server-port", str(free_port()))
        yield from ("--cache-server-path", str(self.root / "caches"), "--cache-server-addr", "127.0.0.1")
        yield from ("--action-cache-path", str(self.root / "actions"))
        yield from ("--local-repository", f"baselard/baselard@v0={self.action}")
        for name, commit in sorted(self._used()):
            place = self.sources / name if name in ACTIONS else self.root / "unused"
            yield from ("--local-repository", f"{name}@{commit}={place}")

    def _used(self) -> set[tuple[str, str]]:
        """The actions of others that the workflow and ours name, each with its commit."""
        files = (self.action / "action.yml", *self.repository.glob(".github/workflows/*.yml"))
        named = re.compile(r"uses: ([\w-]+/[\w-]+)[\w/-]*@([0-9a-f]{40})")
        return {use for path in files for use in named.findall(path.read_text())}


@pytest.fixture(scope="module")
def runner(act: Path, sources: Path, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A repository at its first commit, with the workflow that `init` writes; what GitHub has is beside it."""
    root = tmp_path_factory.mktemp("runner")
    with running_registry(root / "registry") as registry:
        made = Runner(root, act, sources, tree, registry)
        for name, text in FILES.items():
            (made.repository / name).parent.mkdir(parents=True, exist_ok=True)
            (made.repository / name).write_text(text.format(host=registry.host, own=OWN))
        shutil.copy("/bin/busybox", made.repository)
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("remote", "add", "origin", "https://github.com/acme/images")
        init = [sys.executable, "-m", "baselard.cli", "init", "--github"]
        subprocess.run(init, cwd=made.repository, check=True, capture_output=True)
        subprocess.run(["git", "init", "--quiet", "--bare", root / "origin.git"], check=True)
        url = f'[url "file://{root}/origin.git"]\n\tinsteadOf = https://github.com/acme/images\n'
        (root / ".gitconfig").write_text(f"{url}[safe]\n\tdirectory = *\n")
        (root / "unused/upload-sarif").mkdir(
            parents=True
        )  # a step that is skipped, whose action is looked at all the same
        (root / "unused/upload-sarif/action.yml").write_text("name: n\nruns: {using: composite, steps: []}\n")
        made.git("add", "--all")
        made.git("commit", "--quiet", "--message=one")
        made.git("push", "--quiet", str(root / "origin.git"), "main")
        yield made
