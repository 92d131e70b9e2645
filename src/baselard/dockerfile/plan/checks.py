"""BuildKit's build checks that need nothing but the text, for files that ask for them with `# check=`.

Names and words: https://docs.docker.com/reference/build-checks/. Without the directive nobody asked for a linter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from baselard.dockerfile.plan.checks_text import written
from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.errors import Warning_

RESERVED = ("scratch", "context")
SECRET_NAME = re.compile(r"(^|_)(apikey|auth|credentials?|key|password|pword|passwd|secret|token)(_|$)", re.IGNORECASE)
PUBLIC_NAME = re.compile(r"(^|_)public(_|$)", re.IGNORECASE)


def check(dockerfile: ins.Dockerfile) -> tuple[Warning_, ...]:
    """The findings of all checks, in the order of the file."""
    if "check" not in dockerfile.directives:
        return ()
    found = [*_stage_names(dockerfile), *written(dockerfile)]
    for stage in dockerfile.stages:
        found += [*_stage(stage), *_commands(stage), *_repeated(stage)]
    for one in (
        *dockerfile.global_args,
        *(instruction for stage in dockerfile.stages for instruction in stage.instructions),
    ):
        found += _secrets(one)
    return tuple(sorted(found, key=lambda warning: warning.place.line))


def _stage_names(dockerfile: ins.Dockerfile) -> Iterator[Warning_]:
    seen: set[str] = set()
    for stage in dockerfile.stages:
        if stage.name and stage.name in seen:
            message = f'Duplicate stage name "{stage.name}", stage names should be unique'
            yield Warning_(message, stage.place, "DuplicateStageName")
        if stage.name in RESERVED:
            yield Warning_(
                f'Stage name should not use the same name as reserved stage "{stage.name}"',
                stage.place,
                "ReservedStageName",
            )
        seen.add(stage.name)


def _stage(stage: ins.Stage) -> Iterator[Warning_]:
    if stage.platform in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
        message = (
            f"Setting platform to predefined {stage.platform} in FROM is redundant as this is the default behavior"
        )
        yield Warning_(message, stage.place, "RedundantTargetPlatform")
    first = next((instruction for instruction in stage.instructions if isinstance(instruction, ins.Workdir)), None)
    if first and not first.path.startswith(("/", "$", '"/', "'/")):
        message = f'Relative workdir "{first.path}" can have unexpected results if the base image changes'
        yield Warning_(message, first.place, "WorkdirRelativePath")


def _commands(stage: ins.Stage) -> Iterator[Warning_]:
    shell_set = False
    for instruction in stage.instructions:
        shell_set = shell_set or isinstance(instruction, ins.Shell)
        if isinstance(instruction, ins.Cmd | ins.Entrypoint) and instruction.command.shell and not shell_set:
            name = type(instruction).__name__.upper()
            message = f"JSON arguments recommended for {name} to prevent unintended behavior related to OS signals"
            yield Warning_(message, instruction.place, "JSONArgsRecommended")
        if isinstance(instruction, ins.Maintainer):
            message = "Maintainer instruction is deprecated in favor of using label"
            yield Warning_(message, instruction.place, "MaintainerDeprecated")


def _repeated(stage: ins.Stage) -> Iterator[Warning_]:
    counted = [
        instruction
        for instruction in stage.instructions
        if isinstance(instruction, ins.Cmd | ins.Entrypoint | ins.Healthcheck)
    ]
    left = Counter(type(one) for one in counted)
    for one in counted:
        left[type(one)] -= 1
        if left[type(one)]:
            name = type(one).__name__.upper()
            told = f"Multiple {name} instructions should not be used in the same stage"
            message = f"{told} because only the last one will be used"
            yield Warning_(message, one.place, "MultipleInstructionsDisallowed")


def _secrets(instruction: ins.Instruction) -> Iterator[Warning_]:
    if not isinstance(instruction, ins.Arg | ins.Env):
        return
    for pair in instruction.pairs:
        if is_secret(pair.key):
            name = type(instruction).__name__.upper()
            message = f'Do not use ARG or ENV instructions for sensitive data ({name} "{pair.key}")'
            yield Warning_(message, instruction.place, "SecretsUsedInArgOrEnv")


def is_secret(name: str) -> bool:
    """Whether an argument or a variable of this name would hold a secret."""
    return bool(SECRET_NAME.search(name)) and not PUBLIC_NAME.search(name)
