"""The FROM lines of a Dockerfile, for whoever wants to know what it is built on without building it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from baselard.dockerfile.plan.stages import (
    BuildOptions,
    ImageSource,
    NamedContext,
    ScratchSource,
    StageOutput,
    make_plan,
    sources_of,
)
from baselard.dockerfile.syntax.text import parse


@dataclass(frozen=True)
class BaseReference:
    """One FROM: its expanded reference and line; `is_stage` when it names an earlier stage of the same file."""

    reference: str
    line: int
    is_stage: bool
    context: str | None = None


def image_under(
    text: str, filename: str = "Dockerfile", target: str = "", *, build_args: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The reference of the image from outside that a target stands on, through all stages between; empty for scratch.

    Raises DockerfileError as a build would.
    """
    plan = make_plan(parse(text, filename), BuildOptions(build_args, target=target))
    stage = plan.stages[plan.target]
    while isinstance(stage.base, StageOutput):
        stage = plan.stages[stage.base.index]
    return "" if isinstance(stage.base, ScratchSource) else stage.reference


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
    plan = make_plan(parse(text, filename), BuildOptions(build_args, contexts))
    return tuple(
        BaseReference(
            stage.reference,
            stage.stage.place.line,
            isinstance(stage.base, StageOutput),
            stage.base.key if isinstance(stage.base, NamedContext) else None,
        )
        for stage in plan.stages
    )


def copied_references(
    text: str,
    filename: str = "Dockerfile",
    *,
    build_args: Mapping[str, str] = MappingProxyType({}),
    contexts: tuple[str, ...] = (),
) -> tuple[BaseReference, ...]:
    """Every image from outside that a `COPY --from` or a `RUN --mount=from=` reads, but for those of `contexts`.

    Raises DockerfileError as a build would.
    """
    plan = make_plan(parse(text, filename), BuildOptions(build_args, contexts))
    found = (read for stage in plan.stages for read in sources_of(stage, plan.stages, plan.options))
    return tuple(
        BaseReference(source.reference, place.line, is_stage=False)
        for source, place in found
        if isinstance(source, ImageSource)
    )
