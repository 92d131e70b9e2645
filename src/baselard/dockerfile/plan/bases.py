"""The FROM lines of a Dockerfile, for whoever wants to know what it is built on without building it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from baselard.dockerfile.plan.stages import (
    BuildOptions,
    ImageSource,
    NamedContext,
    Plan,
    ScratchSource,
    StageOutput,
    make_plan,
    sources_of,
)
from baselard.dockerfile.syntax.text import parse


@dataclass(frozen=True)
class BaseReference:
    """One FROM: its expanded reference and line; `is_stage` when it names an earlier stage of the same file.

    `copied` are no FROMs, but images from outside that a `COPY --from` or a `RUN --mount=from=` reads.
    """

    reference: str
    line: int
    is_stage: bool
    context: str | None = None
    copied: bool = False


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
    return _froms(make_plan(parse(text, filename), BuildOptions(build_args, contexts)))


def image_references(
    text: str,
    filename: str = "Dockerfile",
    *,
    build_args: Mapping[str, str] = MappingProxyType({}),
    contexts: tuple[str, ...] = (),
) -> tuple[BaseReference, ...]:
    """The same, and after it every image from outside that is only copied from, but for those of `contexts`."""
    plan = make_plan(parse(text, filename), BuildOptions(build_args, contexts))
    read = (one for stage in plan.stages for one in sources_of(stage, plan.stages, plan.options))
    copied = (
        BaseReference(source.reference, place.line, is_stage=False, copied=True)
        for source, place in read
        if isinstance(source, ImageSource)
    )
    return (*_froms(plan), *copied)


def _froms(plan: Plan) -> tuple[BaseReference, ...]:
    return tuple(
        BaseReference(
            stage.reference,
            stage.stage.place.line,
            isinstance(stage.base, StageOutput),
            stage.base.key if isinstance(stage.base, NamedContext) else None,
        )
        for stage in plan.stages
    )
