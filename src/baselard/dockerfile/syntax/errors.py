"""Reports of this room: an error or a warning at a line of a Dockerfile."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where something was found. `line` counts from 1; 0 means the file as a whole."""

    file: str
    line: int
    source: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class DockerfileError(Exception):
    """A Dockerfile that cannot be built, with the line that says why."""

    def __init__(self, message: str, place: Place) -> None:
        self.message = message
        self.place = place
        shown = f"\n  | {place.source}" if place.source else ""
        super().__init__(f"{place}: {message}{shown}")

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def line(self) -> int:
        return self.place.line

    @property
    def source(self) -> str:
        return self.place.source


@dataclass(frozen=True)
class Warning_:  # noqa: N801 (the plain word is a builtin exception)
    """Something that was built differently from what the line asks for, or that BuildKit's checks would point at.

    `rule` is the name by which a `# check=skip=` directive silences it.
    """

    message: str
    place: Place
    rule: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"
