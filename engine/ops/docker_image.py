"""An image of this machine's Docker, saved to an archive."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from engine import digest, process
from engine.errors import HostError, UserError
from engine.graph import Output, Result, Value
from engine.worker import Worker

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

    def content_key(self, worker: Any, inputs: Sequence[Value]) -> str | None:  # noqa: ARG002
        return None

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:  # noqa: ARG002
        """Save it. Raises ProcessError with Docker's words."""
        with worker.snapshots.draft(None) as draft:
            process.run(("docker", "save", "--output", draft.path / ARCHIVE, self.name))
            return Result((Value(self.key, draft.commit()),))


def identify(name: str) -> str:
    """Docker's id for the image ``name``. Raises HostError without Docker, UserError when it has no such image."""
    if not process.which("docker"):
        raise HostError("Host.containerImage takes images from Docker, which this machine lacks; use Container.from")
    found = process.run(("docker", "image", "inspect", "--format", "{{.Id}}", name), check=False)
    said = found.stderr.decode(errors="replace").strip()
    if found.code and "no such image" in said.lower():
        raise UserError(f"this machine's Docker has no image {name!r}; docker images lists what it has")
    if found.code:
        raise HostError(f"this machine's Docker does not answer: {said}")
    return found.stdout.decode().strip()
