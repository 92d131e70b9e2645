"""The scripts of ``pipeline.proof.signing`` on this machine's openssl instead of a container's."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError


@dataclass(frozen=True)
class Here:
    """Stands for the container: a directory of files, and the key where one is mounted."""

    root: Path

    def holding(self, files: Mapping[str, str]) -> Path:
        place = self.root / str(len(list(self.root.iterdir())))
        place.mkdir()
        for name, text in files.items():
            (place / name).write_text(text)
        return place

    def holding_key(self, secret: str, files: Mapping[str, str]) -> Path:
        place = self.holding(files)
        (place / "the-key").write_text(secret)
        return place

    async def ran(self, place: Path, script: str) -> str:
        moved = script.replace("/key", "./the-key").replace("/tmp/", "./")
        done = subprocess.run(["sh", "-c", moved], cwd=place, check=False, capture_output=True, text=True)
        if done.returncode:
            raise UsageError(done.stderr)
        return done.stdout
