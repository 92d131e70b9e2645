"""Failures while an image is made, as cases: with the line of the RUN, where an engine tells its command."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import dagger

from baselard.dockerfile.syntax.errors import DockerfileError, Place
from pipeline.model import Case, Location, Verdict

if TYPE_CHECKING:
    from baselard.dockerfile.plan.steps import RunStep

Locate: TypeAlias = Callable[[dagger.ExecError], Awaitable[Location | None]]
# The last lines of a failed command usually hold its reason.
_OUTPUT_LINES = 30
_LONGEST = 2000  # characters of a line
# Longer commands are cut where they are told: the Dockerfile has the rest.
_COMMAND = 160


@dataclass(frozen=True)
class Run:
    """A RUN of an image's Dockerfile, and the container after it."""

    subject: str
    place: Location
    command: tuple[str, ...]
    container: dagger.Container


@dataclass(frozen=True)
class Runs:
    """Every RUN that was planned, in the order of each stage."""

    noted: list[Run] = field(default_factory=list)

    def note(self, subject: str, directory: str, step: RunStep, container: dagger.Container) -> None:
        """Remember a RUN of a Dockerfile whose context is this directory of the repository."""
        place = in_repository(step.place, directory)
        self.noted.append(Run(subject, Location(place.file, place.line), step.args, container))

    async def failed(self, subject: str, error: dagger.ExecError) -> Location | None:
        """The line of the command that failed while this image was made; None where no RUN has such a command.

        Of equal commands it is the first that fails again: what led to it is done, and costs nothing.
        """
        same = [run for run in self.noted if run.command == tuple(error.command)]
        own = [run for run in same if run.subject == subject] or same
        for run in own[:-1]:
            if await _fails(run):
                return run.place
        return own[-1].place if own else None


async def _fails(run: Run) -> bool:
    try:
        await run.container.sync()
    except dagger.ExecError as error:
        return tuple(error.command) == run.command
    except dagger.QueryError:
        return False
    return False


def in_repository(place: Place, directory: str) -> Place:
    """A place that a build names from its context, as the repository names it."""
    return place if directory == "." else replace(place, file=f"{directory}/{place.file}")


def told_in_repository(error: DockerfileError, directory: str) -> DockerfileError:
    """The same error with such a place."""
    return DockerfileError(error.message, in_repository(error.place, directory))


async def case_of(phase: str, error: Exception, locate: Locate | None = None) -> Case:
    """The case that tells this error; `locate` finds the line of a command that failed."""
    if isinstance(error, dagger.ExecError):
        said = "\n".join(filter(None, [error.stdout.rstrip(), error.stderr.rstrip()]))
        output = "\n".join(line[-_LONGEST:] for line in said.splitlines()[-_OUTPUT_LINES:])
        place = await locate(error) if locate else None
        message = f"exit code {error.exit_code}: {'RUN ' if place else ''}{_typed(error.command)}"
        return Case(phase, Verdict.ERROR, message=message, detail=output, place=place)
    if isinstance(error, DockerfileError):
        place = Location(error.file, error.line)
        return Case(phase, Verdict.ERROR, message=error.message, detail=error.source, place=place)
    message, _, detail = str(error).partition("\n")
    return Case(phase, Verdict.ERROR, message=message, detail=detail)


def _typed(command: Sequence[str]) -> str:
    """A command in one line, as it would be typed to the shell that ran it."""
    by_shell = len(command) > 2 and re.fullmatch("-[a-z]*c", command[-2])
    text = " ".join(" ".join(command[-1:] if by_shell else command).split())
    return text if len(text) <= _COMMAND else f"{text[: _COMMAND - 1]}…"
