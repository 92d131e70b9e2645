"""The functions for test runners that are machines of their own: what to run where, the base for them, one report."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar, cast

import dagger
from dagger import Doc, function

from baselard.dockerfile.plan import entitlements
from pipeline import calls, checks, hand_over, joined, verdict
from pipeline.clock import Clock
from pipeline.discovery import changes, choose, discover, distribution
from pipeline.errors import UsageError
from pipeline.flags import (
    BaseImage,
    Bases,
    ExampleName,
    Excluded,
    History,
    Names,
    Password,
    Platform,
    Retries,
    SigningKey,
    Since,
    Target,
    Username,
)
from pipeline.images import Given, Images, everywhere
from pipeline.model import Suite
from pipeline.platforms import check_platform
from pipeline.project import Project
from pipeline.report import directory
from pipeline.share import Account, push_dated

F = TypeVar("F", bound=Callable[..., Any])

# Without it an engine would replay a verdict for a week. (The SDK's stub of `function` lacks the argument.)
fresh: Callable[[F], F] = cast(Any, function)(cache="never")
# For what runs nothing, and depends on the repository and the date alone: no answer is older than a minute.
of_today: Callable[[F], F] = cast(Any, function)(cache="1m")


class FanOut:
    """The part of the main object that a fan-out uses; what the SDK finds here it serves as the main object's own."""

    source: dagger.Directory
    allow: list[str] | None
    secrets: list[dagger.Secret] | None

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
        """Print the JSON matrix that spreads the tests over several CI runners."""
        project = await self._project()
        selection = await self._selection(only, exclude, changed_since, history)
        runners = {**distribution.RUNNERS, **project.config.runners}
        chosen = calls.selected(project, selection)
        return distribution.render(distribution.plan(chosen, platforms or ["linux/amd64"], runners, shards), base)

    @function
    async def archive(
        self,
        target: Target = "",
        platform: Platform = "",
        *,
        proof: Annotated[bool, Doc("With its provenance and lists of packages in it, for push-archive")] = False,
        signing_key: SigningKey = None,
    ) -> dagger.File:
        """The base image as an OCI archive, not tested, for runners without a registry between them."""
        from pipeline.proof import archives, signers

        if signing_key and not proof:
            raise UsageError("--signing-key signs what --proof puts into the archive: give both")
        call = await self._call(platform)
        chosen = choose.base(call.project, target)
        if proof:
            return await archives.write(call, *chosen, (await signers.of(call.project, signing_key)).signer)
        return (await call.images.base(*chosen)).as_tarball()

    @fresh
    async def push_archive(
        self,
        archive: Annotated[dagger.File, Doc("What archive wrote, of one platform")],
        registry: Annotated[str, Doc("Repository to push to")],
        tag: Annotated[str, Doc("The tag, which moves when everything is there")],
        *,
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Push an archive with all that was written into it by --proof; prints the reference with its digest."""
        from pipeline.proof import archives

        return await archives.push_with_statements(archive, Account(registry, username, password), tag)

    @fresh
    async def push_base(  # noqa: PLR0913  # one flag, one argument
        self,
        registry: Annotated[str, Doc("Repository for the test tag")],
        tag: Annotated[str, Doc("The test tag, such as test-SHA")],
        *,
        target: Target = "",
        platform: Platform = "",
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Push the base under a test tag; prints the reference with its digest, for test jobs elsewhere."""
        project = await self._project()
        built = await Images(project, platform).base(*choose.base(project, target))
        return str(await push_dated(built, Account(registry, username, password), tag))

    @fresh
    async def hand_over(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        only: Names = None,
        exclude: Excluded = None,
        platform: Platform = "",
        share: Annotated[str, Doc("registry, archive, rebuild; by default registry if there is a password")] = "",
        registry: Annotated[str, Doc("Repository for the test tags; the base's own by default")] = "",
        tag: Annotated[str, Doc("What the test tags begin with")] = "test",
        username: Username = "",
        password: Password = None,
    ) -> dagger.Directory:
        """Build every base that the examples start from, for test jobs elsewhere: a report, and `bases` for --bases.

        With a password they are pushed under test tags, without one they are OCI archives. It never fails because a
        base does not build: keep the directory first, then fail by the code in `exit-code`.
        """
        call = await self._call(platform)
        account = Account(registry or call.project.bases[0].name, username, password)
        return await hand_over.give(call, calls.Selection(only or (), exclude or ()), account, tag, share)

    @fresh
    async def test_example(  # noqa: PLR0913  # one flag, one argument
        self,
        name: ExampleName,
        *,
        base: BaseImage = None,
        bases: Bases = None,
        platform: Platform = "",
        retries: Retries = None,
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Build and test one example, on the base image just built or on the one given."""
        given, _ = await self._given(base, bases, platform, Account("", username, password))
        call = await self._call(platform, given, retries=retries)
        return verdict.settle(await calls.test_examples(call, calls.Selection([name])))

    @function
    async def merge_reports(
        self,
        reports: Annotated[dagger.Directory, Doc("A directory with the directories of hand-over and report")],
        *,
        plan: Annotated[str, Doc("What matrix printed; what it names and nobody reported is a failure")] = "",
    ) -> dagger.Directory:
        """Join the reports of several runners into the one that a single machine would have written."""
        project = await self._project()
        jobs = joined.expected(plan) if plan else []
        order = [example.name for example in project.examples]
        return directory.render(joined.join(await joined.read(reports), jobs, order))

    async def _given(
        self, base: dagger.Container | None, bases: dagger.Directory | None, platform: str, account: Account
    ) -> tuple[Given | None, Sequence[Suite]]:
        """The stand-ins for the bases, None when they are built here; and suites on handing them over."""
        if bases is not None:
            taking = await hand_over.take(bases, account, platform, Clock())
            return taking.given, taking.suites
        return (everywhere(base) if base is not None else None), ()

    async def _project(self) -> Project:
        try:
            allowed = entitlements.read(self.allow or ())
        except ValueError as error:
            raise UsageError(f"--allow: {error}") from None
        return await discover.project(self.source, allowed, self.secrets or ())

    async def _call(self, platform: str = "", given: Given | None = None, **options: Any) -> calls.Call:
        clock = Clock()
        project = await self._project()
        chosen = checks.options(project.config, **options)
        return calls.Call(project, chosen, clock, Images(project, check_platform(platform), given), platform)

    async def _selection(
        self,
        only: list[str] | None,
        exclude: list[str] | None,
        changed_since: str,
        history: dagger.Directory | None,
        changed_paths: list[str] | None = None,
    ) -> calls.Selection:
        if changed_paths:
            return calls.Selection(only or (), exclude or (), changes.of_paths(changed_paths))
        changed = await changes.since(self.source, history, changed_since) if changed_since else None
        return calls.Selection(only or (), exclude or (), changed)
