"""A real Docker beside ours, on a machine that need not have one: the daemon that the Dockerfile suite asks, too."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import dockerd, programs


@dataclass(frozen=True)
class Docker:
    """A running daemon in a Debian tree; its client runs in there, so archives travel through pipes.

    Several daemons may run in one tree, each in a ``place`` of its own: as far as they can tell, other machines.
    """

    root: Path
    place: str = "docker"

    def run(self, *args: str) -> str:
        """One docker command; what it printed. Raises RuntimeError with what it said."""
        return programs.run(self._argv(args))

    def save(self, image: str, archive: Path) -> None:
        """``docker save``."""
        with archive.open("wb") as file:
            subprocess.run(self._argv(["save", image]), check=True, stdout=file, stderr=subprocess.PIPE)

    def load(self, archive: Path) -> str:
        """``docker load``; the name or ID of what it took."""
        with archive.open("rb") as file:
            ended = subprocess.run(self._argv(["load"]), check=True, stdin=file, capture_output=True, text=True)
        return ended.stdout.split()[-1]

    def make(self, rootfs: Path, image: str, *changes: str) -> None:
        """An image of one layer from a directory (``docker import``); ``changes`` are instructions for its config."""
        pack = ("/bin/tar", "-C", str(rootfs), "-c", ".")
        options = [word for change in changes for word in ("--change", change)]
        with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
            argv = self._argv(["import", *options, "-", image])
            subprocess.run(argv, check=True, stdin=tar.stdout, capture_output=True)

    def has(self, image: str) -> bool:
        """Whether there is such an image."""
        return bool(self.run("image", "ls", "--quiet", image).strip())

    def remove(self, *images: str) -> None:
        """Forget images, layers and all; no harm if they are not there."""
        subprocess.run(self._argv(["image", "rm", "--force", *images]), check=False, capture_output=True)

    def touch(self, image: str) -> None:
        """A container's first instruction."""
        self.run("run", "--rm", "--network", "none", image, "touch", "/x")

    @property
    def data(self) -> Path:
        """Where the daemon keeps everything."""
        return self.root / "tree/var/lib" / self.place

    def _argv(self, args: Sequence[str]) -> list[str]:
        return [*dockerd.client(self.root, self.place), *args]


def started(place: str = "docker") -> Docker:
    """The daemon, installed (a minute, from the Debian archive) and started if need be. Raises RuntimeError.

    It is left running: ``python -m tests.conformance.dockerfile.oracle stop`` ends it.
    """
    root = tree().parent
    if not dockerd.running(root, place):
        dockerd.launch(root, place)
    return Docker(root, place)


def tree() -> Path:
    """The Debian tree with all peers' programs, made if need be. Raises RuntimeError."""
    try:
        dockerd.make_tree(dockerd.DEFAULT_ROOT)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"docker cannot be installed: {error}") from error
    return dockerd.DEFAULT_ROOT / "tree"
