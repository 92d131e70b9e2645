"""The Dagger functions. Each only gathers its arguments; the work is done in the module it names."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import dagger
from dagger import DefaultPath, Doc, Ignore, check, function, object_type

from pipeline import calls, changes, checks, choose, discover, listing, verdict
from pipeline import matrix as matrices
from pipeline.clock import Clock
from pipeline.images import Images
from pipeline.report import directory
from pipeline.share import Account
from pipeline.share import choose as choose_way
from pipeline.tags import event as events
from pipeline.tags import naming

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

ExampleName = Annotated[str, Doc("The example's name: the last part of its directory")]
Retries = Annotated[int | None, Doc("How often a failing test is tried again; a later pass is reported as flaky")]
Jobs = Annotated[int | None, Doc("How many images are built and tested at a time")]
FailFast = Annotated[bool, Doc("End the call at the first failure")]
Since = Annotated[str, Doc("Only examples that changed since the merge base with this commit; needs --history")]
History = Annotated[dagger.Directory | None, Doc("The repository's .git directory, for --changed-since")]
Username = Annotated[str, Doc("User name at the registry")]
Password = Annotated[dagger.Secret | None, Doc("Password or token at the registry, such as env:TOKEN")]
Cached = Annotated[bool, Doc("Reuse the verdicts of unchanged images instead of testing anew")]


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
    async def example(self, name: ExampleName, platform: Platform = "") -> dagger.Container:
        """Build one example on the base image just built."""
        project = await discover.project(self.source)
        (chosen,) = choose.examples(project, [name])
        return await Images(project, platform).example(chosen)

    @function
    async def examples(self) -> str:
        """List the examples: what each starts from, how it is tested, whether it is quarantined."""
        return listing.examples(await discover.project(self.source))

    @fresh
    @check
    async def lint(
        self, threshold: Annotated[str, Doc("Least severe finding that fails: error, warning, info, style")] = ""
    ) -> str:
        """Lint Dockerfiles (hadolint), gossfiles (goss) and workflow files (actionlint, zizmor)."""
        return verdict.settle(await calls.lint(await self._call(), threshold))

    @fresh
    @check
    async def test_base(
        self,
        *,
        targets: Annotated[list[str] | None, Doc("Only these targets of the base")] = None,
        platform: Platform = "",
        retries: Retries = None,
        cached_tests: Cached = False,
    ) -> str:
        """Test every target of the base image, as its own user and through its own entrypoint."""
        call = await self._call(platform, retries=retries, cached=cached_tests)
        return verdict.settle(await calls.test_base(call, targets or ()))

    @fresh
    @check
    async def test_examples(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        only: Names = None,
        exclude: Excluded = None,
        platform: Platform = "",
        fail_fast: FailFast = False,
        retries: Retries = None,
        jobs: Jobs = None,
        changed_since: Since = "",
        history: History = None,
        cached_tests: Cached = False,
        share: Annotated[str, Doc("How the base reaches the examples: object, registry, archive, rebuild")] = "object",
        registry: Annotated[str, Doc("Repository for the test tag of --share registry; it is removed afterwards")] = "",
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Build every example on the base image just built, and test it with goss or the basic test."""
        call = await self._call(platform, retries=retries, jobs=jobs, fail_fast=fail_fast, cached=cached_tests)
        selection = await self._selection(only, exclude, changed_since, history)
        account = Account(registry, username, password)
        sharing = choose_way(share, account, f"test-{call.options.nonce}", call.clock)
        return verdict.settle(await calls.test_examples(call, selection, sharing=sharing))

    @fresh
    async def test_example(
        self,
        name: ExampleName,
        *,
        base: Annotated[dagger.Container | None, Doc("Test on this image instead of the base just built")] = None,
        platform: Platform = "",
        retries: Retries = None,
    ) -> str:
        """Build and test one example, on the base image just built or on the one given."""
        call = await self._call(platform, retries=retries)
        return verdict.settle(await calls.test_examples(call, calls.Selection([name]), base))

    @fresh
    async def report(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        check: Annotated[list[str] | None, Doc("Which of lint, test-base, test-examples; all by default")] = None,
        only: Names = None,
        exclude: Excluded = None,
        platform: Platform = "",
        retries: Retries = None,
        jobs: Jobs = None,
        changed_since: Since = "",
        history: History = None,
        cached_tests: Cached = False,
    ) -> dagger.Directory:
        """Run checks and return their report: junit.xml, summary.md, timeline.svg, outputs.json, exit-code and more.

        Never fails because a check failed: keep the directory first, then fail by the code in `exit-code`.
        """
        call = await self._call(platform, retries=retries, jobs=jobs, cached=cached_tests)
        selection = await self._selection(only, exclude, changed_since, history)
        return directory.render(await calls.several(call, check or (), selection))

    @function
    async def matrix(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        only: Names = None,
        exclude: Excluded = None,
        platforms: Annotated[list[str] | None, Doc("Platforms to test on; linux/amd64 by default")] = None,
        shards: Annotated[int, Doc("Spread the examples over this many jobs; 0 is one job for each")] = 0,
        base: Annotated[str, Doc("Reference with digest of the base that the jobs will test, passed through")] = "",
        changed_since: Since = "",
        history: History = None,
    ) -> str:
        """Print the JSON matrix for a fan-out over CI runners."""
        project = await discover.project(self.source)
        selection = await self._selection(only, exclude, changed_since, history)
        runners = {**matrices.RUNNERS, **project.config.runners}
        chosen = calls.selected(project, selection)
        return matrices.render(matrices.plan(chosen, platforms or ["linux/amd64"], runners, shards), base)

    @function
    async def tags(  # one flag, one argument
        self,
        ref: Annotated[str, Doc("Full git ref: refs/heads/BRANCH, refs/tags/TAG or refs/pull/N/merge")],
        *,
        sha: Annotated[str, Doc("The commit")] = "",
        event: Annotated[str, Doc("GitHub's name of the event, such as push or schedule")] = "",
    ) -> str:
        """Show the tags that a publish for this ref would use, a line each."""
        project = await discover.project(self.source)
        happened = events.parse(ref, sha, event, project.config.publish.default_branch)
        return "\n".join(str(one) for one in naming.references(project, happened))

    async def _call(self, platform: str = "", **options: Any) -> calls.Call:
        clock = Clock()
        project = await discover.project(self.source)
        return calls.Call(project, checks.options(project.config, **options), clock, platform)

    async def _selection(
        self,
        only: list[str] | None,
        exclude: list[str] | None,
        changed_since: str,
        history: dagger.Directory | None,
    ) -> calls.Selection:
        changed = await changes.since(self.source, history, changed_since) if changed_since else None
        return calls.Selection(only or (), exclude or (), changed)
