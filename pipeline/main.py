"""The Dagger functions. Each only gathers its arguments; the work is done in the module it names."""

from dataclasses import replace
from typing import Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore, check, function, object_type

from pipeline import calls, delivery, joined, listing, verdict, weights
from pipeline.discovery import changes, choose, plan
from pipeline.fan_out import fresh, of_today
from pipeline.flags import (
    IGNORED,
    BaseImage,
    Bases,
    Cached,
    ChangedPaths,
    Created,
    EventName,
    ExampleName,
    Excluded,
    FailFast,
    First,
    Format,
    History,
    Jobs,
    Names,
    Password,
    PastRuns,
    Platform,
    Platforms,
    PublicKeys,
    Ref,
    Retries,
    Sha,
    SigningKey,
    Since,
    Target,
    Username,
    WhenStale,
)
from pipeline.images import Images
from pipeline.past import read as read_past
from pipeline.publish import docs, publication, verification
from pipeline.report import directory, outputs
from pipeline.share import Account
from pipeline.tags import events, naming
from pipeline.upkeep import Upkeep


@object_type
class Baselard(Upkeep):
    """Build a base image once, test every example on the built object, publish what was tested."""

    source: Annotated[
        dagger.Directory,
        DefaultPath("/"),
        Ignore(IGNORED),
        Doc("The repository with the base image and its examples"),
    ]
    allow: Annotated[
        list[str] | None, Doc("What Dockerfiles may ask for beyond docker's usual: network.host, security.insecure")
    ] = None
    secrets: Annotated[
        list[dagger.Secret] | None,
        Doc("Secrets of builds and of signing, for those that baselard.yaml names: env://NAME, file://PATH"),
    ] = None

    @function
    async def base(
        self,
        target: Target = "",
        platform: Platform = "",
    ) -> dagger.Container:
        """Build the base image."""
        project = await self._project()
        chosen, stage = choose.base(project, target)
        return await Images(project, platform).base(chosen, stage)

    @function
    async def example(self, name: ExampleName, platform: Platform = "") -> dagger.Container:
        """Build one example on the base image just built."""
        project = await self._project()
        (chosen,) = choose.examples(project, [name])
        return await Images(project, platform).example(chosen)

    @of_today
    async def examples(self, format: Format = "text") -> str:
        """List the examples: what each starts from, how it is tested, whether its failures count."""
        return listing.examples(await self._project(), format)

    @of_today
    async def plan(
        self,
        *,
        ref: Annotated[str, Doc("Full git ref it would be published for; the default branch's by default")] = "",
        format: Format = "text",
    ) -> str:
        """Show what would be built, from what, tested how and published as what; nothing is built."""
        written = {"text": plan.as_tree, "json": plan.as_json}[listing.check_format(format)]
        return written(plan.of(await self._project(), ref))

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
        changed_paths: ChangedPaths = None,
    ) -> str:
        """Test every target of the base image, as its own user and through its own entrypoint."""
        call = await self._call(platform, retries=retries, cached=cached_tests)
        changed = changes.of_paths(changed_paths) if changed_paths else None
        return verdict.settle(await calls.test_base(call, targets or (), changed))

    @fresh
    @check
    async def test_examples(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        only: Names = None,
        exclude: Excluded = None,
        platform: Platform = "",
        first: First = None,
        fail_fast: FailFast = False,
        retries: Retries = None,
        jobs: Jobs = None,
        changed_since: Since = "",
        history: History = None,
        changed_paths: ChangedPaths = None,
        cached_tests: Cached = False,
        base: BaseImage = None,
        bases: Bases = None,
        share: Annotated[str, Doc("How the base reaches the examples: object, registry, archive, rebuild")] = "object",
        registry: Annotated[str, Doc("Repository for the test tag of --share registry; it is removed afterwards")] = "",
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Build every example on the base image just built, and test it: by goss, other testers or the basic test."""
        account = Account(registry, username, password)
        given, handed = await self._given(base, bases, platform, account)
        how = {"retries": retries, "jobs": jobs, "fail_fast": fail_fast, "cached": cached_tests, "first": first or ()}
        call = await self._call(platform, given, **how)
        call = calls.shared(replace(call, handed=handed), share, account)
        selection = await self._selection(only, exclude, changed_since, history, changed_paths)
        return verdict.settle(await calls.test_examples(call, selection))

    @fresh
    async def report(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        check: Annotated[list[str] | None, Doc("Which of lint, test-base, test-examples; all by default")] = None,
        only: Names = None,
        exclude: Excluded = None,
        platform: Platform = "",
        first: First = None,
        retries: Retries = None,
        jobs: Jobs = None,
        changed_since: Since = "",
        history: History = None,
        cached_tests: Cached = False,
        base: BaseImage = None,
        bases: Bases = None,
        sha: Sha = "",
        past: PastRuns = None,
        username: Username = "",
        password: Password = None,
    ) -> dagger.Directory:
        """Run checks and return their report: report.html, junit.xml, summary.md, exit-code and more.

        Never fails because a check failed: keep the directory first, then fail by the code in `exit-code`.
        """
        given, _ = await self._given(base, bases, platform, Account("", username, password))
        how = {"retries": retries, "jobs": jobs, "cached": cached_tests, "first": first or ()}
        call = await self._call(platform, given, **how)
        selection = await self._selection(only, exclude, changed_since, history)
        report = await calls.several(call, check or (), selection)
        return directory.render(joined.of_platform(report, platform), sha, await read_past(past))

    @of_today
    async def tags(  # one flag, one argument
        self,
        ref: Ref,
        *,
        sha: Sha = "",
        event: EventName = "",
    ) -> str:
        """Show the tags that a publish for this ref would use, a line each."""
        project = await self._project()
        happened = events.parse(events.Named(ref, sha, event), project.config.publish.default_branch)
        return "\n".join(str(reference) for reference in naming.references(project, happened))

    @fresh
    async def publish(  # noqa: PLR0913  # one flag, one argument
        self,
        ref: Ref,
        *,
        sha: Sha = "",
        event: EventName = "",
        created: Created = "",
        platforms: Platforms = None,
        by_digest: Annotated[bool, Doc("Push one platform without moving tags, for a later merge")] = False,
        signing_key: SigningKey = None,
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Lint, test, scan if configured, then push what was tested; prints JSON with references, tags and digests."""
        call = await self._call()
        account = Account(call.project.bases[0].name, username, password)
        request = publication.request(
            call,
            events.Named(ref, sha, event, created),
            account,
            platforms or (),
            by_digest=by_digest,
            signing_key=signing_key,
        )
        report = (await publication.publish(call, request)).report
        verdict.settle(report)
        return outputs.render(report)

    @fresh
    async def ci(  # noqa: PLR0913  # one flag, one argument
        self,
        ref: Ref,
        *,
        sha: Sha = "",
        event: EventName = "",
        created: Created = "",
        platforms: Platforms = None,
        when_stale: WhenStale = False,
        signing_key: SigningKey = None,
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Lint, test, and scan if configured; on the default branch or a tag publish, verify, delete old test tags.

        Without a password, or for a pull request, everything is tested, nothing is pushed, and the report says so. What
        is published may change the table of images in README.md: the report says that, and ci-report has the new file.
        """
        named = events.Named(ref, sha, event, created)
        return verdict.settle(
            (await self._pushed(named, platforms, signing_key, username, password, when_stale=when_stale)).report
        )

    @fresh
    async def ci_report(  # noqa: PLR0913  # one flag, one argument
        self,
        ref: Ref,
        *,
        sha: Sha = "",
        event: EventName = "",
        created: Created = "",
        platforms: Platforms = None,
        when_stale: WhenStale = False,
        signing_key: SigningKey = None,
        past: PastRuns = None,
        username: Username = "",
        password: Password = None,
    ) -> dagger.Directory:
        """The same as ci, as a directory like that of report; it never fails because a check failed.

        README.md is in it when its table of published images changed; tested.json is what a test result names.
        """
        named = events.Named(ref, sha, event, created)
        ended = await self._pushed(named, platforms, signing_key, username, password, when_stale=when_stale)
        made = directory.render(ended.report, sha, await read_past(past))
        for name, text in ((docs.FILE, ended.readme), (directory.TESTED, ended.tested)):
            made = made.with_new_file(name, text) if text else made
        return made

    @fresh
    async def merge(  # noqa: PLR0913  # one flag, one argument
        self,
        ref: Ref,
        parts: Annotated[list[str], Doc("TARGET=REFERENCE@DIGEST of each platform, as publish --by-digest prints")],
        *,
        sha: Sha = "",
        event: EventName = "",
        signing_key: SigningKey = None,
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Join what publish --by-digest pushed for each platform into one image for all of them, and move the tags."""
        call = await self._call()
        account = Account(call.project.bases[0].name, username, password)
        request = publication.request(call, events.Named(ref, sha, event), account, signing_key=signing_key)
        return outputs.render(await publication.combine(call, request, publication.grouped(parts)))

    @fresh
    async def verify(  # noqa: PLR0913  # one flag, one argument
        self,
        references: Annotated[list[str], Doc("What to verify, such as ghcr.io/acme/base:latest")],
        *,
        require: Annotated[
            list[str] | None, Doc("What must be attached: provenance, test-result, sbom, signature; or verify.require")
        ] = None,
        public_key: PublicKeys = None,
        platform: Platform = "",
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Fetch published images back: compare digests, judge what is attached, and run the base test on them."""
        call = await self._call(platform)
        account = Account(references[0] if references else "", username, password)
        wanted = await verification.policy(call, require, public_key)
        return verdict.settle(await verification.verify(call, account, references, wanted, [platform]))

    @fresh
    async def size(
        self,
        *,
        platform: Platform = "",
        against: Annotated[dagger.Container | None, Doc("Compare with this image")] = None,
    ) -> str:
        """Weigh every target by layer, directory and package; fails when a budget is exceeded."""
        report, text = await calls.sizes(await self._call(platform), against)
        return f"{text}\n\n{verdict.settle(report)}"

    @function
    async def size_chart(self, platform: Platform = "") -> dagger.File:
        """The layers of every target as an SVG chart."""
        measured = await calls.measured(await self._call(platform))
        chart = weights.svg([sizes for _, _, sizes in measured])
        return dagger.dag.directory().with_new_file("size.svg", chart).file("size.svg")

    @fresh
    async def update_docs(self, *, username: Username = "", password: Password = None) -> dagger.File:
        """Renew the table of published images in README.md from the registry: the new file, for -o README.md."""
        project = await self._project()
        account = Account(project.bases[0].name, username, password)
        return dagger.dag.directory().with_new_file(docs.FILE, await docs.updated(project, account)).file(docs.FILE)

    async def _pushed(  # noqa: PLR0913  # one flag, one argument
        self,
        named: events.Named,
        platforms: list[str] | None,
        signing_key: dagger.Secret | None,
        username: str,
        password: dagger.Secret | None,
        *,
        when_stale: bool,
    ) -> delivery.Ended:
        call = await self._call()
        account = Account(call.project.bases[0].name, username, password)
        request = publication.request(call, named, account, platforms or (), signing_key=signing_key)
        return await delivery.deliver(call, request, when_stale=when_stale)
