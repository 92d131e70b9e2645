"""The Dagger functions. Each only gathers its arguments; the work is done in the module it names."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import dagger
from dagger import DefaultPath, Doc, Ignore, check, function, object_type

from pipeline import checks, choose, discover, verdict
from pipeline.clock import Clock
from pipeline.goss import tool
from pipeline.images import Images

F = TypeVar("F", bound=Callable[..., Any])

# What never belongs to a build: history, and what tools leave behind.
IGNORED = [
    ".git",
    "**/.venv",
    "**/node_modules",
    "**/__pycache__",
    "**/.mypy_cache",
    "**/.pytest_cache",
    "**/.ruff_cache",
]

# Without it an engine would replay a verdict for a week. (The SDK's stub of `function` lacks the argument.)
fresh: Callable[[F], F] = cast(Any, function)(cache="never")

Names = Annotated[list[str] | None, Doc("Only examples of these names; globs are allowed")]
Excluded = Annotated[list[str] | None, Doc("Leave out examples of these names; globs are allowed")]
Platform = Annotated[str, Doc("Platform such as linux/arm64; empty is the engine's own")]


@object_type
class Baselard:
    """Build a base image once, test every example on the built object, publish what was tested."""

    source: Annotated[
        dagger.Directory,
        DefaultPath("/"),
        Ignore(IGNORED),
        Doc("The repository with the base image and its examples"),
    ]

    @function
    async def base(
        self,
        target: Annotated[str, Doc("A target of the base; empty is the first")] = "",
        platform: Platform = "",
    ) -> dagger.Container:
        """Build the base image."""
        project = await discover.project(self.source)
        chosen, stage = choose.base(project, target)
        return await Images(project, platform).base(chosen, stage)

    @function
    async def example(
        self, name: Annotated[str, Doc("The example's name")], platform: Platform = ""
    ) -> dagger.Container:
        """Build one example on the base image just built."""
        project = await discover.project(self.source)
        (chosen,) = choose.examples(project, [name])
        return await Images(project, platform).example(chosen)

    @fresh
    @check
    async def test_examples(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        only: Names = None,
        exclude: Excluded = None,
        platform: Platform = "",
        fail_fast: Annotated[bool, Doc("End the call at the first failure")] = False,
        retries: Annotated[int | None, Doc("How often a failing test is tried again; a later pass is flaky")] = None,
        jobs: Annotated[int | None, Doc("How many images are tested at a time")] = None,
        cached_tests: Annotated[bool, Doc("Reuse verdicts of equal images instead of testing anew")] = False,
    ) -> str:
        """Build every example on the base image just built, and test it with goss or the basic test."""
        clock = Clock()
        project = await discover.project(self.source)
        images, tools = Images(project, platform), tool.directory(platform)
        subjects = [
            checks.of_example(example, images, self.source, tools)
            for example in choose.examples(project, only or (), exclude or ())
        ]
        options = checks.options(project.config, retries, jobs, fail_fast=fail_fast, cached=cached_tests)
        return verdict.settle(await checks.run("examples", subjects, options, clock))
