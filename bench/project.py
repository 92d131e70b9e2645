"""What is built and tested: a base image and examples that start FROM it, each with gossfiles; and changes to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench import lab
from bench.programs import CHECKOUT

_BASE = """FROM debian:trixie-slim
COPY salt /salt
RUN head -c 20000000 /dev/urandom >/opt/data
"""
_EXAMPLE = """FROM ghcr.io/bench/base:latest
COPY salt /salt
RUN sha256sum /salt >/sum
"""
_GOSS = """file:
  /sum:
    exists: true
command:
  sha256sum --check /sum:
    exit-status: 0
"""
_BARE_GOSS = """file:
  /bin/busybox:
    exists: true
"""


@dataclass(frozen=True)
class Project:
    """A copy to make changes in. ``base`` is the repository in the examples' FROM, ``target`` the stage to build.

    ``name`` tells projects apart that a peer has at the same time.
    """

    root: Path
    name: str
    base: str
    target: str = ""

    @property
    def examples(self) -> list[str]:
        """The names of all examples."""
        return sorted(path.name for path in (self.root / "examples").iterdir())

    def copy(self, root: Path) -> Project:
        """The same elsewhere."""
        shutil.copytree(self.root, root, symlinks=True)
        return replace(self, root=root)

    def serves(self, example: str) -> bool:
        """Whether an example is tested while its own command runs."""
        return (self.root / "examples" / example / "goss_wait.yaml").exists()


def real(root: Path) -> Project:
    """This checkout's base image, target ``standard``, and its examples with gossfiles."""
    shutil.copytree(CHECKOUT / "image", root / "image", symlinks=True)
    for gossfile in sorted((CHECKOUT / "examples").glob("*/goss.yaml")):
        shutil.copytree(gossfile.parent, root / "examples" / gossfile.parent.name, symlinks=True)
    (root / "baselard.yaml").write_text("bases:\n  - name: ghcr.io/baselard/base\n    targets: [standard]\n")
    return Project(root, "own", "ghcr.io/baselard/base", "standard")


def small(root: Path, count: int) -> Project:
    """A base of 20 MB and ``count`` examples with one step each."""
    _write(root / "image", {"Dockerfile": _BASE, "salt": "first\n"})
    for number in range(count):
        example = {"Dockerfile": _EXAMPLE, "goss.yaml": _GOSS, "salt": "first\n"}
        _write(root / "examples" / f"example-{number:02}", example)
    return Project(root, f"of-{count}", "ghcr.io/bench/base")


def bare(root: Path) -> Project:
    """A base of nothing but a shell, and one example with a gossfile."""
    (root / "image").mkdir(parents=True)
    lab.shell(root / "image")
    (root / "image/Dockerfile").write_text("FROM scratch\nCOPY bin /bin\n")
    _write(root / "examples/example", {"Dockerfile": "FROM ghcr.io/bench/bare:latest\n", "goss.yaml": _BARE_GOSS})
    return Project(root, "bare", "ghcr.io/bench/bare")


def _write(directory: Path, files: Mapping[str, str]) -> None:
    directory.mkdir(parents=True)
    for name, content in files.items():
        (directory / name).write_text(content)


Change = Callable[[Project, str], None]


def nothing(_project: Project, _salt: str) -> None:
    """Change nothing."""


def one_example(project: Project, salt: str) -> None:
    """Change a file that one example copies into its image."""
    (project.root / "examples" / _edited(project) / "salt").write_text(salt)


def every_example(project: Project, salt: str) -> None:
    """Change a file that each example copies, each to another content; the base stays."""
    for name in project.examples:
        (project.root / "examples" / name / "salt").write_text(f"{salt} {name}")


def the_base(project: Project, salt: str) -> None:
    """Change a file that the base copies late, and so every example."""
    late = project.root / "image/entrypoint"
    if late.exists():
        late.write_text(late.read_text() + f"# {salt}\n")
    else:
        (project.root / "image/salt").write_text(salt)


def _edited(project: Project) -> str:
    return "python-cli" if "python-cli" in project.examples else project.examples[0]
