"""Bases and examples as Container objects. A FROM that means a base receives that base's object."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import dagger

from baselard import dockerfile
from baselard.dockerfile.syntax.errors import DockerfileError, Warning_
from pipeline import spans
from pipeline.conventions import From, froms
from pipeline.discover import Base, Example, Project, base_of
from pipeline.errors import BaselardError, UsageError
from pipeline.failures import Runs, in_repository, told_in_repository

if TYPE_CHECKING:
    from baselard.dockerfile.apply.state import Made

# How to build a base once more, which container to take instead of building one, and what becomes of a built base
# before examples receive it.
Build: TypeAlias = Callable[[], Awaitable[dagger.Container]]
Given: TypeAlias = Callable[[Base, str, Build], Awaitable[dagger.Container]]
HandOver: TypeAlias = Callable[[Base, str, dagger.Container, Build], Awaitable[dagger.Container]]
# The labels of a base's target, which are its annotations too.
Marks: TypeAlias = Callable[["Images", Base, str], Awaitable[Mapping[str, str]]]


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
        # By base and target: what the files of one that was built here come from.
        self.made: dict[tuple[str, str], Sequence[Made[dagger.Container]]] = {}
        self.runs = Runs()
        self._asked = dockerfile.Asked()
        self._built: dict[tuple[str, str], dagger.Container | Exception] = {}
        self._told: set[tuple[str, str]] = set()
        self._locks: defaultdict[tuple[str, str], anyio.Lock] = defaultdict(anyio.Lock)

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
        if (base.name, target) in self._told:
            raise BaselardError(f"its base {title(base, target)} does not build") from built
        self._told.add((base.name, target))
        raise built

    async def _once(self, base: Base, target: str) -> dagger.Container | Exception:
        """Build for the first time. That it failed is remembered, so that nobody tries the same again."""
        key = (base.name, target)
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

    async def example(self, example: Example) -> dagger.Container:
        """The example's image, not yet evaluated; BaselardError when it cannot be built at all."""
        if example.problem:
            raise UsageError(example.problem)
        settings = example.settings
        return await self._build(
            example.name,
            example.directory,
            dockerfile=settings.dockerfile,
            contexts=await self._contexts(example.froms, self._project.bases),
            target=settings.target,
            build_args=settings.build_args,
        )

    async def _build_base(self, base: Base, target: str) -> dagger.Container:
        earlier = self._project.bases[: self._project.bases.index(base)]
        found: tuple[From, ...] = ()
        if earlier:
            text = await self._project.source.file(base.dockerfile).contents()
            found = froms(text, base.dockerfile, base.settings.build_args)
        return await self._build(
            title(base, target),
            base.context,
            dockerfile=_inside(base.dockerfile, base.context),
            contexts=await self._contexts(found, earlier),
            target=target,
            build_args=base.settings.build_args,
            on_made=functools.partial(self.made.__setitem__, (base.name, target)),
        )

    async def _build(self, subject: str, directory: str, **asked: Any) -> dagger.Container:
        """Build a Dockerfile of this context for this image; what is told of it names places in the repository."""
        source = self._project.source
        try:
            return await dockerfile.build(
                source if directory == "." else source.directory(directory),
                platform=self.platform,
                allow=self._project.allow,
                asked=self._asked,
                on_warning=functools.partial(self._warn, directory),
                on_run=functools.partial(self.runs.note, subject, directory),
                **asked,
            )
        except DockerfileError as error:
            raise told_in_repository(error, directory) from error

    def _warn(self, directory: str, told: Warning_) -> None:
        warning = replace(told, place=in_repository(told.place, directory))
        from baselard.dockerfile.apply.driver import log_warning  # the parser and all instructions

        log_warning(warning)
        self.warnings.append(warning)

    async def _contexts(self, wanted: Sequence[From], bases: Sequence[Base]) -> dict[str, dagger.Container]:
        """The objects that take the place of references, keyed by the reference as written."""
        objects = {}
        for from_ in wanted:
            if meant := base_of(from_.reference, bases):
                objects[from_.reference] = await self.base(*meant)
        return objects


def everywhere(container: dagger.Container) -> Given:
    """One container in the place of every base."""

    async def given(_base: Base, _target: str, _build: Build) -> dagger.Container:
        return container

    return given


def title(base: Base, target: str) -> str:
    """What a base's target is called in reports."""
    return f"{base.name}:{target}" if target else base.name


def _inside(path: str, context: str) -> str:
    """A repository path as the build context sees it; BaselardError when it lies outside."""
    if context == ".":
        return path
    if not path.startswith(f"{context}/"):
        raise UsageError(f"{path} lies outside its build context {context}; set `context` in baselard.yaml")
    return path.removeprefix(f"{context}/")
