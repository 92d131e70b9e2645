"""All linters on a project, as one report with a suite per file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagger

from baselard.oci.together import each
from pipeline import spans
from pipeline.clock import Clock
from pipeline.conventions import GOSS_WAIT
from pipeline.errors import UsageError
from pipeline.goss.variables import inline
from pipeline.lint import gossfiles, hadolint, publishing, tool, workflows
from pipeline.lint.finding import SEVERITIES, Finding
from pipeline.model import Case, Phase, Report, Suite, Verdict
from pipeline.project import Project, base_of


@dataclass(frozen=True)
class Files:
    """The files to lint, by kind; Dockerfiles with their texts, gossfiles with their variables (file, JSON).

    `rules` are hadolint's own files.
    """

    dockerfiles: dict[str, str]
    goss: dict[str, tuple[str, str]]
    workflows: tuple[str, ...]
    actions: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.dockerfiles, *self.goss, *self.workflows, *self.actions]))


async def lint(project: Project, threshold: str, clock: Clock) -> Report:
    """Lint everything; findings less severe than the threshold are noted and do not fail."""
    if threshold not in SEVERITIES:
        raise UsageError(f"unknown threshold {threshold!r}; there are {', '.join(SEVERITIES)}")
    files = await _files(project)
    tools = tool.container(project.source)
    start = clock.now()
    calls = [
        lambda: hadolint.findings(tools, files.dockerfiles, substituted(project, files.dockerfiles), files.rules),
        lambda: gossfiles.findings(tools, files.goss),
        lambda: workflows.actionlint(tools, files.workflows),
        lambda: workflows.zizmor(tools, (*files.workflows, *files.actions)),
    ]
    with spans.of("lint"):
        found = [finding for findings in await each(calls, lambda call: call()) for finding in findings]
    found += publishing.findings(project)
    span = Phase("lint", start, clock.now())
    return Report("lint", suites(files.all, found, threshold, span), clock.started, clock.now())


def substituted(project: Project, texts: Mapping[str, str]) -> dict[str, set[int]]:
    """The lines of Dockerfiles whose FROM is given a base of this project, as a build does it."""
    lines: dict[str, set[int]] = {path: set() for path in texts}
    for example in project.examples:
        lines[example.dockerfile] |= {one.line for one in example.froms if base_of(one.reference, project.bases)}
    for base in project.bases:
        others = [one for one in project.bases if one is not base]
        lines[base.dockerfile] |= {one.line for one in base.froms if base_of(one.reference, others)}
    return lines


def suites(paths: Sequence[str], findings: Sequence[Finding], threshold: str, span: Phase) -> tuple[Suite, ...]:
    """A suite for each linted file, clean ones included; the span covers all of them, so only the first has it."""
    known = tuple(dict.fromkeys([*paths, *(finding.place.path for finding in findings)]))
    return tuple(
        Suite(path, _cases(path, findings, threshold), spans=(span,) if index == 0 else (), group="lint")
        for index, path in enumerate(known)
    )


def _cases(path: str, findings: Sequence[Finding], threshold: str) -> tuple[Case, ...]:
    here = sorted((f for f in findings if f.place.path == path), key=lambda f: (f.place.line, f.place.column, f.code))
    return tuple(finding.case(threshold) for finding in here) or (Case("clean", Verdict.PASSED),)


async def _files(project: Project) -> Files:
    source = project.source
    dockerfiles = dict.fromkeys(
        [base.dockerfile for base in project.bases] + [example.dockerfile for example in project.examples]
    )
    texts = await each(dockerfiles, lambda path: source.file(path).contents())
    named = dict(zip(dockerfiles, texts, strict=True))
    kinds = (workflows.WORKFLOWS, workflows.ACTIONS, [f"**/{name}" for name in hadolint.NAMES])
    flow, actions, rules = await each(kinds, lambda patterns: _matching(source, patterns))
    return Files(named, _gossfiles(project), flow, actions, rules)


async def _matching(source: dagger.Directory, patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(path for paths in await each(patterns, source.glob) for path in paths)


def _gossfiles(project: Project) -> dict[str, tuple[str, str]]:
    """The gossfiles of bases and examples, each with the variables it gets."""
    files: dict[str, tuple[str, str]] = {}
    for base in project.bases:
        given = base.settings.vars.file, inline(base.settings.vars)
        files |= dict.fromkeys(filter(None, [*base.goss, base.wait]), given)
    for example in project.examples:
        given = example.vars_file, inline(example.settings.vars)
        names = [*example.goss, *([GOSS_WAIT] if example.waits else [])]
        files |= {f"{example.directory}/{name}": given for name in names}
    return files
