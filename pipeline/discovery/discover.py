"""The content of a repository: bases and examples, by `baselard.yaml` or by convention."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline import lock
from pipeline.config import config
from pipeline.config.config import Config
from pipeline.discovery import bases, consistency, examples
from pipeline.errors import ConfigError
from pipeline.project import Base, Example, Project, SourceTree, base_of, few, unbuilt

if TYPE_CHECKING:  # whoever plans a repository on a disk has no engine
    import dagger

    from pipeline.discovery.at_once import AtOnce

_FEW = 3  # names that a sentence may list


@dataclass(frozen=True)
class EngineTree:
    """A directory of an engine as discovery reads it.

    Discovery asks for many patterns that differ in their last part alone: what is in a directory is asked for once.
    What it wants to know at once it asks in one query.
    """

    source: dagger.Directory
    listed: dict[str, asyncio.Task[list[str]]] = field(default_factory=dict, compare=False, repr=False)

    @functools.cached_property
    def _at_once(self) -> AtOnce:
        from pipeline.discovery.at_once import AtOnce  # see TYPE_CHECKING

        return AtOnce(self.source)

    async def glob(self, pattern: str) -> list[str]:
        above, slash, last = pattern.rpartition("/")
        if "**" in pattern or any(sign in last for sign in "[\\"):  # which engines read in their own way
            return await self._glob(pattern)
        everything = f"{above}{slash}*"
        if everything not in self.listed:
            self.listed[everything] = asyncio.ensure_future(self._glob(everything))
        listed = await self.listed[everything]
        return [path for path in listed if fnmatchcase(path.rstrip("/").rpartition("/")[2], last)]

    async def text(self, path: str) -> str | None:
        import dagger  # see TYPE_CHECKING

        from baselard.dockerfile.dagger.query import field, parts

        try:
            answer = await self._at_once.ask(field(self.source, "file", parts("File", "contents"), path=path))
        except dagger.QueryError:
            return None
        return str(answer["contents"])

    async def _glob(self, pattern: str) -> list[str]:
        from baselard.dockerfile.dagger.query import field  # see TYPE_CHECKING

        return list(await self._at_once.ask(field(self.source, "glob", pattern=pattern)))


async def project(
    source: dagger.Directory, allow: frozenset[str] = frozenset(), secrets: Sequence[dagger.Secret] = ()
) -> Project:
    """Read the configuration and find bases and examples; ConfigError when there is no base to find."""
    tree = EngineTree(source)
    settings, known, tested = await found(tree)
    return Project(source, settings, known, tested, allow, secrets, await lock.read(tree))


async def found(tree: SourceTree) -> tuple[Config, tuple[Base, ...], tuple[Example, ...]]:
    """The configuration, the bases, the lowest first, and the examples of any tree. Raises ConfigError likewise."""
    settings = await _settings(tree)
    given = bases.given(settings)
    tested = await examples.find(tree, settings, {one.dockerfile for _, one in given})
    known = await bases.find(tree, settings, given, tested)
    return settings, known, tuple(_checked(example, known) for example in tested)


async def _settings(tree: SourceTree) -> Config:
    there = await tree.glob("*aselard.y*ml")
    for name in there:
        if name.lower().lstrip(".") in {"baselard.yml", "baselard.yaml"} and name != config.FILE:
            raise ConfigError(f"{name}: is not read; the configuration is called {config.FILE}: rename or remove it")
    text = await tree.text(config.FILE) if config.FILE in there else None
    return Config() if text is None else consistency.check(config.parse(text))


def _checked(example: Example, known: Sequence[Base]) -> Example:
    """An example must start from a base, unless its settings say otherwise."""
    if example.problem or example.settings.standalone:
        return example
    for from_ in example.froms:
        if built := unbuilt(from_.reference, known):
            problem = f"{example.dockerfile}:{from_.line}: nobody builds {from_.reference}; built are {few(built)}"
            return replace(example, problem=problem)
    if any(base_of(from_.reference, known) for from_ in example.froms):
        return example
    used = ", ".join(f"{f.reference} (line {f.line})" for f in example.froms if not f.copied) or "scratch"
    names = list(dict.fromkeys(base.name for base in known))
    wanted = " or ".join(names) if len(names) <= _FEW else f"any of the {len(names)} bases"
    return replace(
        example,
        problem=f"{example.dockerfile}: starts FROM {used}, not from {wanted}; "
        f"allow it with `standalone: true` under examples.settings.{example.name} in {config.FILE}",
    )
