"""A real Docker beside ours, on a machine that need not have one: the daemon that the Dockerfile suite asks, too."""

import importlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Docker:
    """A running daemon in a tree of its own; its client runs in there, so archives travel through pipes."""

    root: Path

    def run(self, *args: str) -> None:
        """One docker command. Raises CalledProcessError."""
        subprocess.run(self._argv(args), check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def save(self, image: str, archive: Path) -> None:
        """``docker save``."""
        with archive.open("wb") as file:
            subprocess.run(self._argv(["save", image]), check=True, stdout=file, stderr=subprocess.PIPE)

    def load(self, archive: Path) -> None:
        """``docker load``."""
        self.loaded(archive)

    def loaded(self, archive: Path) -> str:
        """The same; the name or ID of what it took."""
        with archive.open("rb") as file:
            ended = subprocess.run(self._argv(["load"]), check=True, stdin=file, capture_output=True, text=True)
        return ended.stdout.split()[-1]

    def make(self, rootfs: Path, image: str) -> None:
        """An image of one layer from a directory (``docker import``)."""
        pack = ("/bin/tar", "-C", str(rootfs), "-c", ".")
        with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
            subprocess.run(self._argv(["import", "-", image]), check=True, stdin=tar.stdout, capture_output=True)

    def remove(self, *images: str) -> None:
        """Forget images, layers and all; no harm if they are not there."""
        subprocess.run(self._argv(["image", "rm", "--force", *images]), check=False, capture_output=True)

    def touch(self, image: str) -> None:
        """A container's first instruction."""
        self.run("run", "--rm", "--network", "none", image, "touch", "/x")

    def _argv(self, args: Sequence[str]) -> list[str]:
        return ["chroot", str(self.root / "tree"), "docker", *args]


def started() -> Docker:
    """The daemon, installed (a minute, from the Debian archive) and started if need be. Raises RuntimeError.

    It is left running: ``python -m tests.conformance.dockerfile.oracle stop`` ends it.
    """
    oracle: Any = importlib.import_module("tests.conformance.dockerfile.oracle")
    root = oracle.DEFAULT_ROOT
    if not oracle.running(root):
        try:
            oracle.make_tree(root)
        except (OSError, subprocess.CalledProcessError) as error:
            raise RuntimeError(f"docker cannot be installed: {error}") from error
        oracle.launch(root)
    return Docker(root)
