"""BuildKit's build checks of how a Dockerfile is written: letters' case, old forms, FROM's variables, EXPOSE's ports.

Names and words: https://docs.docker.com/reference/build-checks/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from baselard.dockerfile.plan.references import SCRATCH, familiar
from baselard.dockerfile.plan.stages import BuildOptions, global_args
from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_
from baselard.dockerfile.syntax.flags import suggestion
from baselard.dockerfile.syntax.words import expand

FIRST_PAIR = re.compile(r"""\S+\s+((?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])+)""")
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+))")
NAMED_FROM = re.compile(r"(from)\s.*\s(as)\s+(\S+)", re.IGNORECASE)


def written(dockerfile: ins.Dockerfile) -> Iterator[Warning_]:
    """The findings of the checks of the text, in no particular order."""
    yield from _casing(dockerfile)
    yield from _from_lines(dockerfile)
    for stage in dockerfile.stages:
        yield from _names(stage)
        for instruction in stage.instructions:
            yield from _pairs(instruction)
            yield from _ports(instruction)


def _casing(dockerfile: ins.Dockerfile) -> Iterator[Warning_]:
    """Instructions that are not written as most are: all in capitals, or none."""
    lines = [*dockerfile.global_args]
    places = [line.place for line in lines]
    for stage in dockerfile.stages:
        places += [stage.place, *(instruction.place for instruction in stage.instructions)]
    words = [(place, place.source.split()[0]) for place in places if place.source]
    lower = sum(word.islower() for _, word in words) > sum(word.isupper() for _, word in words)
    casing = "lowercase" if lower else "uppercase"
    for place, word in words:
        if word != (word.lower() if lower else word.upper()):
            message = f"Command '{word}' should match the case of the command majority ({casing})"
            yield Warning_(message, place, "ConsistentInstructionCasing")


def _names(stage: ins.Stage) -> Iterator[Warning_]:
    match = NAMED_FROM.match(stage.place.source)
    if not match:
        return
    if match[3] != match[3].lower():
        yield Warning_(f"Stage name '{match[3]}' should be lowercase", stage.place, "StageNameCasing")
    if match[1].islower() != match[2].islower() or match[1].isupper() != match[2].isupper():
        message = f"'{match[2]}' and '{match[1]}' keywords' casing do not match"
        yield Warning_(message, stage.place, "FromAsCasing")


def _from_lines(dockerfile: ins.Dockerfile) -> Iterator[Warning_]:
    defaults = global_args(dockerfile, BuildOptions({}))
    declared = {pair.key for global_arg in dockerfile.global_args for pair in global_arg.pairs} | defaults.keys()
    stages = {stage.name for stage in dockerfile.stages if stage.name}
    for stage in dockerfile.stages:
        for name in (a or b for a, b in VARIABLE.findall(f"{stage.base} {stage.platform}")):
            if name not in declared:
                message = f"FROM argument '{name}' is not declared{_meant(name, declared)}"
                yield Warning_(message, stage.place, "UndefinedArgInFrom")
        if not _is_name(stage, defaults, dockerfile.escape, stages):
            message = f"Default value for ARG {stage.base} results in empty or invalid base image name"
            yield Warning_(message, stage.place, "InvalidDefaultArgInFrom")
        yield from _platform(stage)


def _is_name(stage: ins.Stage, defaults: Mapping[str, str], escape: str, stages: set[str]) -> bool:
    """Whether the base means something when no build arg is given."""
    try:
        base = expand(stage.base, defaults, escape, stage.place)
        return base in stages or base == SCRATCH or bool(familiar(base))
    except (DockerfileError, ValueError):
        return False


def _platform(stage: ins.Stage) -> Iterator[Warning_]:
    """A constant platform is meant where the stage's name tells it."""
    if not stage.platform or "$" in stage.platform:
        return
    if not any(part in stage.name for part in stage.platform.split("/") if part):
        message = f'FROM --platform flag should not use constant value "{stage.platform}"'
        yield Warning_(message, stage.place, "FromPlatformFlagConstDisallowed")


def _pairs(instruction: ins.Instruction) -> Iterator[Warning_]:
    if not isinstance(instruction, ins.Env | ins.Label) or len(instruction.pairs) != 1:
        return
    first = FIRST_PAIR.match(instruction.place.source)
    if first and "=" not in first[1]:
        name = type(instruction).__name__.upper()
        message = f'"{name} key=value" should be used instead of legacy "{name} key value" format'
        yield Warning_(message, instruction.place, "LegacyKeyValueFormat")


def _ports(instruction: ins.Instruction) -> Iterator[Warning_]:
    for port in instruction.ports if isinstance(instruction, ins.Expose) else ():
        if "$" in port:
            continue
        protocol = port.partition("/")[2]
        if protocol != protocol.lower():
            message = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
            yield Warning_(message, instruction.place, "ExposeProtoCasing")
        if ":" in port:
            message = f"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
            yield Warning_(message, instruction.place, "ExposeInvalidFormat")


def undefined(name: str, known: Mapping[str, str], place: Place) -> Warning_:
    """A variable that nothing sets, in an instruction that expands it."""
    hint = _meant(name, set(known)).replace("did you mean ", "did you mean $")
    return Warning_(f"Usage of undefined variable '${name}'{hint}", place, "UndefinedVar")


def _meant(name: str, known: set[str]) -> str:
    lowered = {one.lower(): one for one in known}
    hint = suggestion(name, sorted(lowered))
    near = hint.removeprefix(" (did you mean ").removesuffix("?)")
    return f" (did you mean {lowered[near]}?)" if near in lowered else ""
