"""The nouns of a repository: its bases, its examples, and how a FROM tells which base and target it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from baselard.oci import platforms
from pipeline import references
from pipeline.config.config import BaseSettings, Config, ExampleSettings, TestSettings
from pipeline.conventions import From, beside
from pipeline.errors import UsageError
from pipeline.testers.choose import of_target

if TYPE_CHECKING:  # whoever plans a repository on a disk has no engine
    import dagger

LATEST = "latest"
UNNAMED = "base"
"""What a base is called that nobody names, nor starts from."""


class SourceTree(Protocol):
    """The part of a directory that discovery uses: an engine's, or one on a disk (`pipeline.on_disk`)."""

    async def glob(self, pattern: str, /) -> list[str]:
        """The paths that match; a directory's ends with a slash, and a `*` stays within one part."""
        ...

    async def text(self, path: str, /) -> str | None:
        """The content of a file; None for anything else, such as a directory or a link that leads out of the tree."""
        ...


@dataclass(frozen=True)
class Base:
    """An image under test. `targets` are its published stages, "" standing for the last one.

    `tests` name their files as the repository does, `wait` is the gossfile that says when it is ready. `tags` tell it
    from other Dockerfiles of the same name; without any, every tag means this one. `number` is that of its item in the
    configuration.
    """

    name: str
    dockerfile: str
    context: str
    targets: tuple[str, ...]
    tests: tuple[TestSettings, ...]
    settings: BaseSettings
    wait: str = ""
    froms: tuple[From, ...] = ()
    tags: tuple[str, ...] = ()
    number: int = 0

    @property
    def goss_directory(self) -> str:
        return self.settings.goss or beside(self.dockerfile, "goss")

    @property
    def files(self) -> tuple[str, ...]:
        """All files of its tests."""
        return tuple(name for test in self.tests for name in test.files)

    @property
    def goss(self) -> tuple[str, ...]:
        """Its gossfiles."""
        return tuple(name for test in self.tests if test.tester == "goss" for name in test.files)

    @property
    def places(self) -> tuple[str, ...]:
        """The files and directories that its builds and tests read."""
        named = [value for value in self.settings.contexts.values() if "://" not in value]
        others = filter(None, [*named, *self.files, self.settings.vars.file])
        return (self.context, self.goss_directory, self.dockerfile, *others)

    def tests_of(self, target: str) -> tuple[TestSettings, ...]:
        """The tests of a target."""
        return of_target(self.tests, target, self.targets)

    def ending(self, target: str) -> str:
        """The tag and the stage that tell this target from all others of the name, where it has these."""
        return "-".join(filter(None, [*self.tags[:1], target]))

    def title(self, target: str) -> str:
        """The name of a target in reports."""
        ending = self.ending(target)
        return f"{self.name}:{ending}" if ending else self.name


@dataclass(frozen=True)
class Example:
    """A project that starts from a base. `problem` says why it cannot be built at all."""

    name: str
    directory: str
    settings: ExampleSettings
    froms: tuple[From, ...] = ()
    tests: tuple[TestSettings, ...] = ()
    waits: bool = False
    problem: str = ""

    @property
    def goss(self) -> tuple[str, ...]:
        """Its gossfiles, relative to its directory."""
        return tuple(name for test in self.tests if test.tester == "goss" for name in test.files)

    @property
    def testers(self) -> tuple[str, ...]:
        """The names of what judges it."""
        return tuple(dict.fromkeys(test.tester for test in self.tests))

    @property
    def dockerfile(self) -> str:
        return f"{self.directory}/{self.settings.dockerfile}"

    @property
    def context(self) -> str:
        return self.settings.context or self.directory

    @property
    def places(self) -> tuple[str, ...]:
        """The directories that its build reads."""
        named = [value for value in self.settings.contexts.values() if "://" not in value]
        return tuple(dict.fromkeys([self.directory, self.context, *named]))

    def runs_on(self, platform: str) -> bool:
        """Whether it can be built for a platform."""
        wanted = [platforms.normal(*one.split("/")) for one in self.settings.platforms]
        return not wanted or platforms.normal(*platform.split("/")) in wanted

    @property
    def vars_file(self) -> str:
        """The file of its gossfiles' variables, in the repository; empty when there is none."""
        return f"{self.directory}/{self.settings.vars.file}" if self.settings.vars.file else ""


@dataclass(frozen=True)
class Project:
    """A repository: its files, its configuration, what was found in it, and the entitlements of its Dockerfiles.

    `lock` has the digests of images by name.
    """

    source: dagger.Directory
    config: Config
    bases: tuple[Base, ...]
    examples: tuple[Example, ...]
    allow: frozenset[str] = frozenset()
    secrets: Sequence[dagger.Secret] = field(default=(), compare=False)
    lock: Mapping[str, str] = field(default_factory=dict)

    async def given(self, wanted: Mapping[str, str], name: str) -> dict[str, dagger.Secret]:
        """Secrets by their id, each as its address has it; UsageError for one that the call does not give."""
        known = {await secret.uri(): secret for secret in self.secrets} if wanted else {}
        for uri in wanted.values():
            if uri not in known:
                raise UsageError(f"{name} needs a secret that the call does not give: add --secrets {uri}")
        return {id_: known[uri] for id_, uri in wanted.items()}


def base_of(reference: str, bases: Iterable[Base]) -> tuple[Base, str] | None:
    """The base and the target that a FROM means, or None for a foreign image.

    A base with tags is meant by these alone, with `-TARGET` behind them for a target that is not the first. Of one
    without, the tag chooses the target when it is the target's name or ends with `-TARGET`, as published tags do; every
    other tag, or none, means the first target.
    """
    wanted = references.parse_reference(reference)
    for base in _named(wanted.name, bases):
        target = _target(wanted.tag, base)
        if target is not None:
            return base, target
    return None


def unbuilt(reference: str, bases: Sequence[Base]) -> tuple[str, ...]:
    """The tags that are built of a base's name when a FROM asks for another one; empty when all is well."""
    if base_of(reference, bases):
        return ()
    named = _named(references.repository(reference), bases)
    return tuple(tag for base in named for tag in base.tags)


def few(names: Sequence[str], most: int = 8) -> str:
    """Names in a sentence, of many the first ones."""
    left = len(names) - most
    return ", ".join(names) if left <= 1 else f"{', '.join(names[:most])} and {left} more"


def _named(name: str, bases: Iterable[Base]) -> list[Base]:
    """The bases of a name, the one that takes every tag last."""
    named = [base for base in bases if references.repository(base.name) == name]
    return sorted(named, key=lambda base: not base.tags)


def _target(tag: str, base: Base) -> str | None:
    if base.tags:
        wanted = tag or LATEST
        if wanted in base.tags:
            return base.targets[0]
        return next((one for one in base.targets for own in base.tags if one and wanted == f"{own}-{one}"), None)
    named = (target for target in base.targets if target and (tag == target or tag.endswith(f"-{target}")))
    return next(named, base.targets[0])
