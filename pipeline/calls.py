"""The work of the module's functions, each returning a report."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dagger

from baselard.oci.together import each
from pipeline import checks, share, weights
from pipeline.checks import CheckOptions
from pipeline.clock import Clock
from pipeline.discovery import changes, choose
from pipeline.discovery.changes import Changed
from pipeline.errors import UsageError
from pipeline.goss import tool
from pipeline.images import Images, title
from pipeline.lint import linting
from pipeline.model import Report, Suite, merge
from pipeline.project import Base, Example, Project
from pipeline.share import Account, Sharing
from pipeline.weights import Sizes


@dataclass(frozen=True)
class Call:
    """The setting that all checks of one call share. `handed` fills with what handing the bases over took."""

    project: Project
    options: CheckOptions
    clock: Clock
    images: Images
    platform: str = ""
    sharing: Sharing | None = None
    handed: Sequence[Suite] = ()


async def lint(call: Call, threshold: str = "") -> Report:
    """Dockerfiles, gossfiles and workflow files; the threshold is the configured one unless given."""
    return await linting.lint(call.project, threshold or call.project.config.lint_threshold, call.clock)


async def test_base(call: Call, targets: Sequence[str] = (), changed: Changed | None = None) -> Report:
    """Every target of every base, or only those named; none, if what changed does not concern them."""
    project = call.project
    if changed and not changes.bases_touched(project.examples, project.bases, changed):
        return Report("base", (), call.clock.started, call.clock.now())
    images, tools = call.images, await tool.known(call.platform)
    chosen = [choose.base(project, target) for target in targets] or choose.targets(project)
    subjects = [checks.of_base(base, target, images, project.source, tools) for base, target in chosen]
    async with tool.ahead(tools):
        return await checks.check_all("base", subjects, call.options, call.clock)


def shared(call: Call, way: str, account: Account) -> Call:
    """The same call with the base handed over in the named way."""
    sharing = share.choose(way, account, f"test-{call.options.nonce}", call.clock)
    if sharing and call.images.are_given:
        raise UsageError("--share is about bases built here; with --base or --bases there is none")
    if sharing is None:
        return call
    images = Images(call.project, call.platform, hand_over=sharing.hand_over)
    return replace(call, images=images, sharing=sharing, handed=sharing.suites)


@dataclass(frozen=True)
class Selection:
    """Which examples a call is about: by name patterns, and by what changed, if that was asked."""

    only: Sequence[str] = ()
    exclude: Sequence[str] = ()
    changed: Changed | None = None


def selected(project: Project, selection: Selection) -> tuple[Example, ...]:
    """The examples that the call tests."""
    chosen = choose.examples(project, selection.only, selection.exclude)
    return changes.affected(chosen, project.bases, selection.changed) if selection.changed else chosen


async def test_examples(call: Call, selection: Selection = Selection()) -> Report:
    """The selected examples; unchanged ones are reported as skipped. Given bases are not reported."""
    project, changed, tools = call.project, selection.changed, await tool.known(call.platform)
    chosen = choose.examples(project, selection.only, selection.exclude)
    elsewhere = await _elsewhere(chosen, call.platform)
    tested = [example for example in selected(project, selection) if example not in elsewhere]
    bases = [] if call.images.are_given else checks.bases_of(checks.meant(tested, project.bases), call.images)
    subjects = [checks.of_example(example, call.images, project.source, tools) for example in tested]
    try:
        async with tool.ahead(tools):
            report = await checks.check_all("examples", [*bases, *subjects], call.options, call.clock)
    finally:
        if call.sharing:
            await call.sharing.clean()
    if changed and not changed.since:
        return replace(report, suites=(*call.handed, *report.suites))
    idle = [example for example in chosen if example not in tested and example not in elsewhere]
    unchanged = [checks.unchanged(example, changed) for example in idle] if changed else []
    unchanged += map(checks.elsewhere, elsewhere)
    if changed and changed.paths is None:
        unchanged.append(checks.unknown_range(changed))
    return replace(report, suites=(*call.handed, *report.suites, *unchanged))


async def _elsewhere(examples: Sequence[Example], platform: str) -> list[Example]:
    """Those that cannot be built for a platform, "" being the engine's own."""
    if not any(example.settings.platforms for example in examples):
        return []
    wanted = platform or str(await dagger.dag.default_platform())
    return [example for example in examples if not example.runs_on(wanted)]


async def several(call: Call, names: Sequence[str] = (), selection: Selection = Selection()) -> Report:
    """The named checks (all, if none is named) side by side, merged into one report."""
    known: dict[str, Callable[[], Coroutine[Any, Any, Report]]] = {
        "lint": lambda: lint(call),
        "test-base": lambda: test_base(call),
        "test-examples": lambda: test_examples(call, selection),
    }
    for name in names:
        if name not in known:
            raise UsageError(f"there is no check {name!r}; there are {', '.join(known)}")
    chosen = [name for name in known if name in names or not names]
    reports = await each(chosen, lambda name: known[name]())
    return merge(", ".join(chosen), reports)


async def measured(call: Call) -> list[tuple[Base, str, Sizes]]:
    """The weight of every target."""
    found = []
    for base, target in choose.targets(call.project):
        image = await call.images.base(base, target)
        made = call.images.made.get(title(base, target), ())
        found.append((base, target, await weights.measure(title(base, target), image, made)))
    return found


async def sizes(call: Call, against: dagger.Container | None = None) -> tuple[Report, str]:
    """The verdict on every target's budget, and a Markdown report."""
    found = await measured(call)
    other = await weights.measure("the reference", against) if against else None
    suites = tuple(weights.check(one, base.settings.budgets.get(target, "")) for base, target, one in found)
    texts = [weights.render(one, other) for _, _, one in found]
    return Report("size", suites, call.clock.started, call.clock.now()), "\n\n".join(texts)
