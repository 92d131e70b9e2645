"""The FROM lines of a Dockerfile, for whoever wants to know what it is built on without building it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dockerfile.stages import NamedContext, Options, StageOutput, make_plan
from dockerfile.syntax import parse


@dataclass(frozen=True)
class BaseReference:
    """One FROM: its expanded reference and line; `is_stage` when it names an earlier stage of the same file."""

    reference: str
    line: int
    is_stage: bool
    context: str | None = None


def base_references(
    text: str,
    filename: str = "Dockerfile",
    *,
    build_args: Mapping[str, str] = MappingProxyType({}),
    contexts: tuple[str, ...] = (),
) -> tuple[BaseReference, ...]:
    """Every FROM in the file's order; `context` is the key among `contexts` that it would be given.

    Raises DockerfileError as a build would.
    """
    plan = make_plan(parse(text, filename), Options(build_args, contexts))
    return tuple(
        BaseReference(
            stage.reference,
            stage.stage.place.line,
            isinstance(stage.base, StageOutput),
            stage.base.key if isinstance(stage.base, NamedContext) else None,
        )
        for stage in plan.stages
    )
