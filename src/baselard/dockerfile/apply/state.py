"""The state while a plan is applied, and how a source becomes an engine's container or tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic

import anyio

from baselard.dockerfile.apply.builder import Builder, C, D, MatchedPath
from baselard.dockerfile.plan.lower import Lowered
from baselard.dockerfile.plan.stages import ImageSource, MainContext, NamedContext, Plan, StageOutput
from baselard.dockerfile.plan.steps import CopyStep, Git, Inline, RunStep, Step, Tree, Url
from baselard.dockerfile.syntax.errors import Warning_
from baselard.oci.image_config import ImageConfig


@dataclass(frozen=True)
class Contexts(Generic[C, D]):
    """The contexts of a build: the main one, already without what it ignores, and the named ones.

    `dockerfiles` is where the Dockerfile and the ignore file beside it are, unless they are in `main`.
    """

    main: D
    containers: Mapping[str, C] = field(default_factory=dict)
    directories: Mapping[str, D] = field(default_factory=dict)
    dockerfiles: D | None = None


@dataclass(frozen=True)
class Made(Generic[C]):
    """An instruction that changed files, in docker's words for it, and the container after it."""

    created_by: str
    container: C


@dataclass
class Build(Generic[C, D]):
    """One build. `warn` is told warnings, `ran` each RUN with the container after it. `configs` holds what each stage
    starts from, `found` what patterns match in a tree, `described` where the names of a finished stage's owners are
    looked up, `made` what a finished stage's files come from, its base's first."""

    plan: Plan
    builder: Builder[C, D]
    contexts: Contexts[C, D]
    warn: Callable[[Warning_], None]
    ran: Callable[[RunStep, C], None]
    configs: dict[int, ImageConfig] = field(default_factory=dict)
    lowered: dict[int, Lowered] = field(default_factory=dict)
    found: dict[tuple[Tree, str], list[MatchedPath]] = field(default_factory=dict)
    containers: dict[int, C] = field(default_factory=dict)
    described: dict[Tree, C] = field(default_factory=dict)
    made: dict[Tree, tuple[Made[C], ...]] = field(default_factory=dict)
    done: dict[int, anyio.Event] = field(default_factory=dict)

    def container_of(self, source: Tree, platform: str) -> C:
        if isinstance(source, StageOutput):
            return self.containers[source.index]
        if isinstance(source, ImageSource):
            return self.builder.image(source.reference, source.platform)
        if isinstance(source, NamedContext) and source.key in self.contexts.containers:
            return self.contexts.containers[source.key]
        if isinstance(source, NamedContext):
            return self.builder.on_directory(self.contexts.directories[source.key], platform)
        return self.builder.scratch(platform)

    def tree_of(self, tree: Tree) -> D:
        if isinstance(tree, MainContext):
            return self.contexts.main
        if isinstance(tree, NamedContext) and tree.key in self.contexts.directories:
            return self.contexts.directories[tree.key]
        if isinstance(tree, Inline):
            return self.builder.inline(tree)
        if isinstance(tree, Url):
            return self.builder.download(tree)
        if isinstance(tree, Git):
            return self.builder.checkout(tree)
        return self.builder.rootfs(self.container_of(tree, self.plan.options.platform))


def trees_of(step: Step) -> Iterable[Tree]:
    """The trees that a step reads."""
    if isinstance(step, CopyStep):
        return [item.tree for item in step.items]
    return [mount.tree for mount in step.mounts] if isinstance(step, RunStep) else []
