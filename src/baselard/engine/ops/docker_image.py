"""Images out of this machine's Docker and into it, as archives.

They pass through pipes: a Docker in a snap or behind a wrapper sees few of the machine's files.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from baselard.engine.errors import HostError, ProcessError, UserError
from baselard.engine.host import process
from baselard.engine.ops.tree import from_nothing
from baselard.engine.run.worker import Worker
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import stamps

ARCHIVE = "image.tar"


@dataclass(frozen=True)
class DockerImage:
    """The image with Docker's id ``image_id``; output 0 is a tree that holds it as ARCHIVE."""

    image_id: str
    name: str = field(compare=False)
    inputs: tuple[Output, ...] = ()
    cached: bool = True
    key: str = field(init=False)
    label: ClassVar[str] = "docker save"

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest.of("docker-image.v1", self.image_id))

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        return None

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Save it. Raises ProcessError with Docker's words."""
        with from_nothing(worker) as draft:
            _save(self.name, draft.path / ARCHIVE)
            stamps.put(draft.path / ARCHIVE, stamps.FIXED)
            return Result((Value(self.key, draft.commit()),))


def need(instead: str) -> None:
    """Raise HostError without Docker, which names what to use ``instead``."""
    if not process.which("docker"):
        raise HostError(f"docker is not installed on this machine; use {instead}")


def identify(name: str) -> str:
    """Docker's id for the image ``name``. Raises HostError without Docker, UserError when it has no such image."""
    need("Container.from")
    found = process.run(("docker", "image", "inspect", "--format", "{{.Id}}", name), check=False)
    said = found.stderr.decode(errors="replace").strip()
    if found.code and "no such image" in said.lower():
        raise UserError(f"this machine's Docker has no image {name!r}; docker images lists what it has")
    if found.code:
        raise HostError(f"this machine's Docker does not answer: {said}")
    return found.stdout.decode().strip()


def load(archive: Path) -> None:
    """Hand an archive to Docker. Raises ProcessError with Docker's words."""
    with archive.open("rb") as file:
        process.run(("docker", "load"), stdin=file)


def _save(name: str, path: Path) -> None:
    said = io.BytesIO()
    with path.open("wb") as file:

        def take(stream: int, data: bytes) -> None:
            (file if stream == process.STDOUT else said).write(data)

        ended = process.run(("docker", "save", name), on_output=take, check=False)
    if ended.code:
        raise ProcessError(ended.argv, ended.code, said.getvalue())
