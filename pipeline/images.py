"""Bases and examples as Container objects. A FROM that means a base receives that base's object."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import dagger

from baselard import dockerfile
from baselard.dockerfile.syntax.errors import DockerfileError, Warning_
from pipeline import spans
from pipeline.config.config import BaseSettings, ExampleSettings
from pipeline.conventions import IMAGE_CONTEXT, From
from pipeline.errors import BaselardError, UsageError
from pipeline.failures import Runs, in_repository, told_in_repository
from pipeline.lock import locked
from pipeline.project import Base, Example, Project, base_of

if TYPE_CHECKING:
    from baselard.dockerfile.apply.state import Made
    from baselard.dockerfile.plan.steps import Git, Url

# How to build a base once more, which container to take instead of building one, and what becomes of a built base
# before examples receive it.
Build: TypeAlias = Callable[[], Awaitable[dagger.Container]]
Given: TypeAlias = Callable[[Base, str, Build], Awaitable[dagger.Container]]
HandOver: TypeAlias = Callable[[Base, str, dagger.Container, Build], Awaitable[dagger.Container]]
# A download or a checkout, and what it gives.
Fetched: TypeAlias = "tuple[Url | Git, dagger.File | dagger.GitRef]"
# The labels of a base's target, which are its annotations too.
Marks: TypeAlias = Callable[["Images", Base, str], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True)
class _Dockerfile:
    """Where a build finds its Dockerfile: its path in the repository, and the context, in which it need not lie."""

    path: str
    context: str

    @property
    def inside(self) -> bool:
        return self.context == "." or self.path.startswith(f"{self.context}/")

    @property
    def told_from(self) -> str:
        """The directory from which the build tells places in it."""
        return self.context if self.inside else "."

    @property
    def name(self) -> str:
        return self.path if self.told_from == "." else self.path.removeprefix(f"{self.context}/")


class Images:
    """The containers of one project for one platform ("" is the engine's own). Every base target is built once.

    `given` says what takes the place of a base, `hand_over` how a built one reaches the examples, `marks` what labels
    it gets.
    """

    def __init__(
        self,
        project: Project,
        platform: str = "",
        given: Given | None = None,
        hand_over: HandOver | None = None,
        marks: Marks | None = None,
    ) -> None:
        self._project = project
        self._hand_over = hand_over
        self._marks = marks
        self._place = spans.here()
        self.platform = platform
        self._given = given
        self.warnings: list[Warning_] = []
        # By title: what the files of one that was built here come from.
        self.made: dict[str, Sequence[Made[dagger.Container]]] = {}
        # By title: what the ADDs of one that was built here fetched.
        self.fetched: defaultdict[str, list[Fetched]] = defaultdict(list)
        self.runs = Runs()
        self._asked = dockerfile.Asked()
        self._built: dict[str, dagger.Container | Exception] = {}
        self._judged: dict[str, Mapping[str, dagger.Container]] = {}
        self._told: set[str] = set()
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    @property
    def are_given(self) -> bool:
        """Whether the bases come from elsewhere and are not built here."""
        return self._given is not None

    async def base(self, base: Base, target: str) -> dagger.Container:
        """The base's object, evaluated.

        Who asks first for one that does not build gets the error itself, everybody else a BaselardError that names it.
        """
        built = await self._once(base, target)
        if not isinstance(built, Exception):
            return built
        if base.title(target) in self._told:
            raise BaselardError(f"its base {title(base, target)} does not build") from built
        self._told.add(base.title(target))
        raise built

    async def _once(self, base: Base, target: str) -> dagger.Container | Exception:
        """Build for the first time. That it failed is remembered, so that nobody tries the same again."""
        key = base.title(target)
        async with self._locks[key]:
            if key not in self._built:
                try:
                    with spans.of(title(base, target), under=self._place), spans.task("build"):
                        self._built[key] = await self._evaluate(base, target)
                except (BaselardError, DockerfileError, dagger.QueryError) as error:
                    self._built[key] = error
        return self._built[key]

    async def _evaluate(self, base: Base, target: str) -> dagger.Container:
        if self._given is not None:
            return await self._given(base, target, lambda: self._build_base(base, target))
        built = await self._build_base(base, target)
        for key, value in (await self._marks(self, base, target) if self._marks else {}).items():
            built = built.with_label(key, value).with_annotation(key, value)
        built = await built.sync()
        if self._hand_over is None:
            return built
        return await self._hand_over(base, target, built, lambda: self._build_base(base, target))

    async def ready_for(self, example: Example) -> None:
        """Build the bases that this example starts from, or wait for who does; errors come to who builds on them."""
        if example.problem:
            return
        for from_ in example.froms:
            if meant := base_of(from_.reference, self._project.bases):
                await self._once(*meant)

    async def example(self, example: Example, stage: str = "") -> dagger.Container:
        """The example's image, not yet evaluated; BaselardError when it cannot be built at all."""
        if example.problem:
            raise UsageError(example.problem)
        settings = example.settings
        return await self._build(
            example.name,
            _Dockerfile(example.dockerfile, example.context),
            settings,
            example.froms,
            self._project.bases,
            target=stage or settings.target,
        )

    async def stage(self, base: Base, target: str, stage: str) -> dagger.Container:
        """Another stage of a base's Dockerfile, not yet evaluated, as a test of a target asks for it."""
        return await self._build_base(base, stage, base.title(target))

    async def _build_base(self, base: Base, target: str, subject: str = "") -> dagger.Container:
        return await self._build(
            subject or base.title(target),
            _Dockerfile(base.dockerfile, base.context),
            base.settings,
            base.froms,
            [one for one in self._project.bases if one is not base],
            target=target,
            on_made=functools.partial(self.made.__setitem__, base.title(target)),
            on_fetch=lambda *fetched: self.fetched[base.title(target)].append(fetched),
        )

    async def _build(
        self,
        subject: str,
        where: _Dockerfile,
        settings: BaseSettings | ExampleSettings,
        froms: Sequence[From],
        bases: Sequence[Base],
        **asked: Any,
    ) -> dagger.Container:
        """Build a Dockerfile for this image; what is told of it names places in the repository."""
        try:
            return await dockerfile.build(
                self._directory(where.context),
                dockerfile=where.name,
                dockerfiles=None if where.inside else self._project.source,
                contexts=await self._contexts(froms, settings.contexts, bases),
                build_args=settings.build_args,
                secrets=await self._project.given(settings.secrets, subject),
                platform=self.platform,
                allow=self._project.allow,
                pins=functools.partial(locked, self._project.lock),
                asked=self._asked,
                on_warning=functools.partial(self._warn, where.told_from),
                on_run=functools.partial(self.runs.note, subject, where.told_from),
                **asked,
            )
        except DockerfileError as error:
            raise told_in_repository(error, where.told_from) from error

    def _directory(self, path: str) -> dagger.Directory:
        source = self._project.source
        return source if path == "." else source.directory(path)

    def _warn(self, directory: str, told: Warning_) -> None:
        warning = replace(told, place=in_repository(told.place, directory))
        from baselard.dockerfile.apply.driver import log_warning  # the parser and all instructions

        log_warning(warning)
        self.warnings.append(warning)

    async def _contexts(
        self, wanted: Sequence[From], named: Mapping[str, str], bases: Sequence[Base]
    ) -> dict[str, dagger.Container | dagger.Directory]:
        """The named contexts, and the objects that take the place of references, by the reference as written."""
        contexts: dict[str, dagger.Container | dagger.Directory] = {}
        for from_ in wanted:
            if meant := base_of(from_.reference, bases):
                contexts[from_.reference] = await self.base(*meant)
            elif self._project.config.verify.origins:
                contexts |= await self._trusted(from_.reference)
        for name, value in named.items():
            contexts[name] = await self._context(value, bases)
        return contexts

    async def _trusted(self, reference: str) -> dict[str, dagger.Container | dagger.Directory]:
        """The image from outside by the digest that a policy takes, where there is one about it."""
        from pipeline.proof import origins

        async with self._locks[reference]:
            if reference not in self._judged and origins.rule(self._project, reference):
                self._judged[reference] = await origins.trusted(self._project, reference, self.platform)
        return dict(self._judged.get(reference, {}))

    async def _context(self, value: str, bases: Sequence[Base]) -> dagger.Container | dagger.Directory:
        if not value.startswith(IMAGE_CONTEXT):
            return self._directory(value)
        reference = value.removeprefix(IMAGE_CONTEXT)
        if meant := base_of(reference, bases):
            return await self.base(*meant)
        if judged := await self._trusted(reference) if self._project.config.verify.origins else {}:
            return judged[reference]
        platform = dagger.Platform(self.platform) if self.platform else None
        return dagger.dag.container(platform=platform).from_(locked(self._project.lock, reference))


def everywhere(container: dagger.Container) -> Given:
    """One container in the place of every base."""

    async def given(_base: Base, _target: str, _build: Build) -> dagger.Container:
        return container

    return given


def title(base: Base, target: str) -> str:
    """The name of a base's target in reports."""
    return base.title(target)
