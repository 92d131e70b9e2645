"""What the peers' jobs share: the Dockerfiles and gossfiles that ours has, and the same goss, mounted the same way."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from bench.project import Project

GOSS = "/opt/goss"
_AT_ONCE = 6
_PATIENCE = ("--retry-timeout", "60s", "--sleep", "100ms")
_COLLECT = """set -eu
mkdir -p "$1/lib"
cp -L /usr/bin/goss "$1/goss"
ldd /usr/bin/goss | while read -r name arrow path rest; do
  case "$name$arrow" in /*) cp -L "$name" "$1/ld.so" ;; *'=>') cp -L "$path" "$1/lib/" ;; esac
done
"""


class Command(Protocol):
    """One command of ``docker`` or ``podman``: what it printed, or RuntimeError."""

    def __call__(self, *args: str) -> str: ...


def image(project: Project, example: str = "base") -> str:
    """The name of an example's image, or of the base."""
    return f"localhost/bench/{project.name}/{example}"


def goss(tree: Path) -> None:
    """Put goss with its loader and libc into a Debian tree at GOSS: it runs in images with another libc or none."""
    if not (tree / GOSS.lstrip("/") / "ld.so").exists():
        argv = ["chroot", str(tree), "sh", "-c", _COLLECT, "collect", GOSS]
        subprocess.run(argv, check=True, capture_output=True)


def placed(project: Project, tree: Path, peer: str) -> tuple[Project, str]:
    """A peer's copy of the project inside ``tree``, and its path as seen from there."""
    there = f"/srv/{peer}-{project.name}"
    path = tree / there.lstrip("/")
    shutil.rmtree(path, ignore_errors=True)
    return project.copy(path), there


def test(engine: Command, project: Project, there: str) -> None:
    """Run every example's gossfiles in its image, side by side; RuntimeError with goss's words if one fails."""

    def one(name: str) -> None:
        mounts = ("--volume", f"{GOSS}:/.goss:ro", "--volume", f"{there}/examples/{name}:/.goss-tests:ro")
        common = ("--network", "none", *mounts)
        if not project.serves(name):
            engine(
                "run", "--rm", *common, "--entrypoint", "/.goss/ld.so", image(project, name), *_goss("goss.yaml")[1:]
            )
            return
        container = engine("run", "--detach", *common, image(project, name)).strip()
        try:
            engine("exec", container, *_goss("goss_wait.yaml"), *_PATIENCE)
            engine("exec", container, *_goss("goss.yaml"))
        finally:
            engine("rm", "--force", container)

    each(one, project.examples)


def _goss(gossfile: str) -> tuple[str, ...]:
    loader = ("/.goss/ld.so", "--inhibit-cache", "--library-path", "/.goss/lib")
    return (*loader, "/.goss/goss", "--gossfile", f"/.goss-tests/{gossfile}", "validate")


def bake_files(project: Project, there: str, base: str) -> list[str]:
    """Write the files for ``buildx bake``; how it is told about them.

    ``base`` is what the examples' FROM means: ``target:base``, or an image. Of the two files the compose file is there
    because bake's own format, in Debian's version, cannot say that steps use the host's network.
    """
    targets: dict[str, dict[str, object]] = {
        name: {"context": f"{there}/examples/{name}", "contexts": {project.base: base}, "tags": [image(project, name)]}
        for name in project.examples
    }
    targets["base"] = {"context": f"{there}/image", "tags": [image(project)]}
    if project.target:
        targets["base"]["target"] = project.target
    networks = {name: {"build": {"context": ".", "network": "host"}} for name in targets}
    (project.root / "compose.yaml").write_text(json.dumps({"services": networks}))
    (project.root / "bake.json").write_text(json.dumps({"target": targets}))
    return ["--file", f"{there}/compose.yaml", "--file", f"{there}/bake.json"]


def each(function: Callable[[str], object], names: list[str]) -> None:
    """Do something for every name, side by side."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(function, names))
