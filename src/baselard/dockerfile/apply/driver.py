"""A build on any builder: read the Dockerfile and what to ignore, plan, apply, and tell the warnings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from baselard.dockerfile.apply.apply import apply
from baselard.dockerfile.apply.builder import Builder, C, D
from baselard.dockerfile.apply.state import Build, Contexts, Made
from baselard.dockerfile.plan.checks import check
from baselard.dockerfile.plan.stages import BuildOptions, make_plan
from baselard.dockerfile.plan.steps import RunStep
from baselard.dockerfile.syntax.directives import apply_checks
from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_
from baselard.dockerfile.syntax.ignore import ROOT_IGNORE, ignore_files, read_ignore
from baselard.dockerfile.syntax.text import parse
from baselard.oci import platforms
from baselard.oci.errors import InvalidPlatformError
from baselard.oci.platforms import Platform
from baselard.oci.together import each

log = logging.getLogger("dockerfile")


def log_warning(warning: Warning_) -> None:
    """Write warnings that no caller wants to the log, a line each."""
    log.warning("%s", warning)


@dataclass(frozen=True)
class BuildRequest:
    """The stage to build and how. `platform` "" means the building machine's, `target` "" the last stage.

    `allow` are the entitlements that its commands may use.
    """

    dockerfile: str = "Dockerfile"
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    allow: frozenset[str] = frozenset()


async def build_with(  # noqa: PLR0913 (a builder, a build, and whom it tells what)
    builder: Builder[C, D],
    contexts: Contexts[C, D],
    request: BuildRequest,
    on_warning: Callable[[Warning_], None] = log_warning,
    on_made: Callable[[Sequence[Made[C]]], None] | None = None,
    *,
    on_run: Callable[[RunStep, C], None] = lambda _step, _container: None,
) -> C:
    """The target stage's container. Raises DockerfileError; an engine's own errors pass through."""
    dockerfile = request.dockerfile
    texts = await _read(builder, contexts, dockerfile)
    parsed = parse(texts[dockerfile] or "", dockerfile)
    machine = await builder.default_platform()
    names = (*contexts.containers, *contexts.directories)
    platform = _platform(request.platform, machine, dockerfile)
    plan = make_plan(parsed, BuildOptions(request.build_args, names, request.target, platform, machine, request.allow))
    warnings: list[Warning_] = [*parsed.warnings, *check(parsed)]
    apply_checks(parsed.directives, tuple(warnings))  # as errors, before anything runs
    main = _without_ignored(builder, contexts.main, {name: texts[name] for name in ignore_files(dockerfile)})
    directories = {name: await _as_named(builder, tree) for name, tree in contexts.directories.items()}
    given = Contexts(main, contexts.containers, directories)
    result, made = await apply(Build(plan, builder, given, warnings.append, on_run))
    for warning in apply_checks(parsed.directives, tuple(warnings)):
        on_warning(warning)
    if on_made:
        on_made(made)
    return result


async def _read(builder: Builder[C, D], contexts: Contexts[C, D], dockerfile: str) -> dict[str, str | None]:
    """The Dockerfile and the files that may say what to ignore, None for those that are not there."""
    texts: dict[str, str | None] = {}
    beside = contexts.main if contexts.dockerfiles is None else contexts.dockerfiles

    async def read(name: str) -> None:
        texts[name] = await builder.read_text(contexts.main if name == ROOT_IGNORE else beside, name)

    await each((dockerfile, *ignore_files(dockerfile)), read)
    if texts[dockerfile] is None:
        raise DockerfileError(
            f"failed to read dockerfile: {dockerfile} is not in the build context", Place(dockerfile, 0)
        )
    return texts


def _without_ignored(builder: Builder[C, D], tree: D, texts: Mapping[str, str | None]) -> D:
    """The tree without what the first of these ignore files, by name, excludes."""
    for name, text in texts.items():
        if text is not None:
            return builder.ignoring(tree, read_ignore(text, name))
    return tree


async def _as_named(builder: Builder[C, D], tree: D) -> D:
    """A named context, without what a .dockerignore of its own excludes."""
    return _without_ignored(builder, tree, {ROOT_IGNORE: await builder.read_text(tree, ROOT_IGNORE)})


def _platform(text: str, machine: str, dockerfile: str) -> str:
    try:
        return str(platforms.parse(text or machine, Platform(*machine.split("/"))))
    except InvalidPlatformError as error:
        raise DockerfileError(str(error), Place(dockerfile, 0)) from None
