"""Adds to a build what no tree holds: the commit it was made from and, in a wheel, Baselard's own Dagger module
and its manual page.

The module is what dagger.json includes, below `baselard/module`: an engine, the embedded one or Dagger's, is given
that directory. A Dagger engine itself installs the project editable, beside its own SDK in `./sdk`: nothing is added
then, and what is the embedded engine's is no dependency.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

MODULE = "baselard/module"
COMMIT = "COMMIT"


class Depending(MetadataHookInterface):
    """The metadata hook; hatchling looks for a class of its kind."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Name the dependencies: the module's and, where no engine brings an SDK, the embedded engine's."""
        engine = [] if (Path(self.root) / "sdk/pyproject.toml").is_file() else self.config["engine"]
        metadata["dependencies"] = [*self.config["module"], *engine]


class Added(BuildHookInterface):  # type: ignore[type-arg]
    """The build hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell hatchling which files go where."""
        self.made, self.pages = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
        if version == "editable":
            return
        if self.target_name == "wheel":
            _copy_module(Path(self.root), self.made)
            build_data["shared_data"][str(self._written_page())] = "share/man/man1/baselard.1"
        if commit := commit_of(Path(self.root)):
            (self.made / COMMIT).write_text(f"{commit}\n")
        build_data["force_include"][str(self.made)] = MODULE if self.target_name == "wheel" else "."

    def _written_page(self) -> Path:
        """The manual page, from the command line's own table, which needs nothing but Python."""
        sys.path.insert(0, str(Path(self.root) / "src"))
        from baselard.cli import commands, man

        page = self.pages / "baselard.1"
        page.write_text(man.page(commands.shown()))
        return page

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 -- hatchling's
        """Remove what was made."""
        shutil.rmtree(self.made)
        shutil.rmtree(self.pages)


def _copy_module(root: Path, to: Path) -> None:
    """Not named to hatchling where they are: a file that is named is left out of its usual place."""
    for name in json.loads((root / "dagger.json").read_text())["include"]:
        if (root / name).is_dir():
            shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, to / name)


def commit_of(root: Path) -> str:
    """The commit that a checkout or an unpacked sdist is at; empty where neither git nor the sdist tells."""
    if (root / COMMIT).is_file():
        return (root / COMMIT).read_text().strip()
    if not (root / ".git").exists():  # one that lies in another repository would be told that one's
        return ""
    try:
        argv = ["git", "-C", str(root), "rev-parse", "HEAD"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
