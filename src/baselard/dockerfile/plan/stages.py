"""Which stages there are, what each starts from, and which of them a target needs. Runs nothing, asks nothing.

The rules are those of BuildKit's frontend/dockerfile/dockerfile2llb/convert.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from baselard.dockerfile.plan.platform_args import predefined_args
from baselard.dockerfile.plan.references import SCRATCH, familiar, find_context
from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.errors import DockerfileError, Place
from baselard.dockerfile.syntax.flags import suggestion
from baselard.dockerfile.syntax.words import expand
from baselard.oci import platforms
from baselard.oci.digits import decimal
from baselard.oci.errors import InvalidPlatformError
from baselard.oci.platforms import Platform


@dataclass(frozen=True)
class MainContext:
    """The build context, after its .dockerignore."""


@dataclass(frozen=True)
class NamedContext:
    """One of the `contexts` given to the build, by the key it was given under."""

    key: str


@dataclass(frozen=True)
class StageOutput:
    index: int


@dataclass(frozen=True)
class ImageSource:
    reference: str
    platform: str


@dataclass(frozen=True)
class ScratchSource:
    pass


Source = MainContext | NamedContext | StageOutput | ImageSource | ScratchSource


@dataclass(frozen=True)
class ResolvedStage:
    """A stage whose FROM line is expanded. `replaced` stages are a named context of the same name, steps ignored."""

    stage: ins.Stage
    index: int
    base: Source
    reference: str
    platform: str
    replaced: bool = False


@dataclass(frozen=True)
class BuildOptions:
    """The choices of a build's caller. `contexts` are the names of the extra contexts, `allow` entitlements."""

    build_args: Mapping[str, str]
    contexts: tuple[str, ...] = ()
    target: str = ""
    platform: str = "linux/amd64"
    build_platform: str = "linux/amd64"
    allow: frozenset[str] = frozenset()

    @property
    def own(self) -> Platform:
        """The platform of the machine that builds."""
        return Platform(*self.build_platform.split("/"))


@dataclass(frozen=True)
class Plan:
    """Everything about a Dockerfile that needs no image. `needed` is in the order of the file."""

    dockerfile: ins.Dockerfile
    options: BuildOptions
    args: Mapping[str, str]
    stages: tuple[ResolvedStage, ...]
    target: int
    needed: tuple[int, ...]


def make_plan(dockerfile: ins.Dockerfile, options: BuildOptions) -> Plan:
    """Resolve FROM lines, stage names and the target. Raises DockerfileError for whatever cannot be built."""
    args = global_args(dockerfile, options)
    stages = _resolve(dockerfile, options, args)
    target = _target(dockerfile, stages, options.target)
    for stage in stages:
        for source, place in sources_of(stage, stages, options):
            _check_order(stage, source, place, stages, options)
    needed = tuple(sorted(_reachable(target, stages, options)))
    return Plan(dockerfile, options, args, stages, target, needed)


def global_args(dockerfile: ins.Dockerfile, options: BuildOptions) -> Mapping[str, str]:
    """The args that FROM lines see: the platform scope, then each ARG before the first FROM."""
    args = dict(predefined_args(options.build_platform, options.platform, options.target))
    args |= {key: options.build_args[key] for key in args if key in options.build_args}
    for arg in dockerfile.global_args:
        for pair in arg.pairs:
            if pair.key in options.build_args:
                args[pair.key] = options.build_args[pair.key]
            elif pair.value is not None:
                args[pair.key] = expand(pair.value, args, dockerfile.escape, arg.place)
    return args


def _resolve(dockerfile: ins.Dockerfile, options: BuildOptions, args: Mapping[str, str]) -> tuple[ResolvedStage, ...]:
    done: list[ResolvedStage] = []
    for index, stage in enumerate(dockerfile.stages):
        reference = _expand_base(stage, args, dockerfile.escape)
        platform = _expand_platform(stage, args, dockerfile.escape, options.own) or options.platform
        context = find_context(stage.name, options.contexts, platform) if stage.name else None
        if context is not None:
            done.append(ResolvedStage(stage, index, NamedContext(context), reference, platform, replaced=True))
            continue
        base = _base(reference, done, options, platform, stage.place)
        if isinstance(base, StageOutput):
            platform = done[base.index].platform
        done.append(ResolvedStage(stage, index, base, reference, platform))
    return tuple(done)


def _expand_base(stage: ins.Stage, args: Mapping[str, str], escape: str) -> str:
    reference = expand(stage.base, args, escape, stage.place)
    if not reference:
        raise DockerfileError(
            f"base name ({stage.base}) should not be blank: no ARG before the first FROM gives it a value", stage.place
        )
    return reference


def _expand_platform(stage: ins.Stage, args: Mapping[str, str], escape: str, own: Platform) -> str:
    if not stage.platform:
        return ""
    platform = expand(stage.platform, args, escape, stage.place)
    if not platform:
        raise DockerfileError(f"empty platform value from expression {stage.platform}", stage.place)
    try:
        return str(platforms.parse(platform, own))
    except InvalidPlatformError as error:
        raise DockerfileError(f"failed to parse platform {stage.platform}: {error}", stage.place) from None


def _base(
    reference: str, earlier: Iterable[ResolvedStage], options: BuildOptions, platform: str, place: Place
) -> Source:
    """The source that a FROM names: an earlier stage, scratch, a named context, or an image, in this order."""
    named = {stage.stage.name: stage.index for stage in earlier if stage.stage.name}
    if reference in named:
        return StageOutput(named[reference])
    if reference == SCRATCH:
        return ScratchSource()
    return _outside(reference, options, platform, place, list(named))


def _outside(reference: str, options: BuildOptions, platform: str, place: Place, names: list[str]) -> Source:
    context = find_context(reference, options.contexts, platform)
    if context is not None:
        return NamedContext(context)
    try:
        familiar(reference)
    except ValueError as error:
        hint = suggestion(reference, names)
        raise DockerfileError(f'failed to parse stage name "{reference}": {error}{hint}', place) from None
    return ImageSource(reference, platform)


def _target(dockerfile: ins.Dockerfile, stages: tuple[ResolvedStage, ...], target: str) -> int:
    if not target:
        return len(stages) - 1
    names = {stage.stage.name: stage.index for stage in stages if stage.stage.name}
    index = names.get(target.lower())
    if index is None:
        hint = suggestion(target, list(names))
        raise DockerfileError(f'target stage "{target}" could not be found{hint}', Place(dockerfile.file, 0))
    return index


def find_source(
    name: str, stages: tuple[ResolvedStage, ...], options: BuildOptions, platform: str, place: Place
) -> Source:
    """The source that a `--from` names: a stage by name or index, a named context, or an image."""
    if name.isascii() and name.isdigit():
        index = decimal(name, len(stages) - 1)
        if index is None:
            raise DockerfileError(f"invalid stage index {name}", place)
        return StageOutput(index)
    names = {stage.stage.name: stage.index for stage in stages if stage.stage.name}
    if name.lower() in names:
        return StageOutput(names[name.lower()])
    if name == SCRATCH:
        return ScratchSource()
    return _outside(name, options, platform, place, list(names))


def sources_of(
    stage: ResolvedStage, stages: tuple[ResolvedStage, ...], options: BuildOptions
) -> Iterator[tuple[Source, Place]]:
    """The sources that a stage's own instructions read, with the line that reads them."""
    if stage.replaced:
        return
    for instruction in stage.stage.instructions:
        for name in _named_sources(instruction):
            yield find_source(name, stages, options, options.platform, instruction.place), instruction.place


def _named_sources(instruction: ins.Instruction) -> Iterator[str]:
    if isinstance(instruction, ins.Copy) and instruction.source_stage:
        yield instruction.source_stage
    if isinstance(instruction, ins.Run):
        yield from (mount.source_stage for mount in instruction.mounts if mount.source_stage)


def _check_order(
    stage: ResolvedStage, source: Source, place: Place, stages: tuple[ResolvedStage, ...], options: BuildOptions
) -> None:
    """A stage may only read stages that stand above it."""
    if not isinstance(source, StageOutput) or source.index < stage.index:
        return
    if stages[source.index].replaced:
        return
    name = stages[source.index].stage.name or str(source.index)
    if stage.index in _reachable(source.index, stages, options):
        raise DockerfileError(f"circular dependency detected on stage: {name}", place)
    raise DockerfileError(
        f'cannot copy from stage "{name}", it needs to be defined before current stage '
        f'"{stage.stage.name or f"stage-{stage.index}"}"',
        place,
    )


def _reachable(start: int, stages: tuple[ResolvedStage, ...], options: BuildOptions) -> set[int]:
    seen: set[int] = set()
    todo = [start]
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        sources = [source for source, _ in sources_of(stages[index], stages, options)]
        todo += [one.index for one in (stages[index].base, *sources) if isinstance(one, StageOutput)]
    return seen
