"""What there is in a repository: bases and examples, by `baselard.yaml` or by convention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import dagger

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import config, consistency, references
from pipeline.config import BaseSettings, Config, ExampleSettings
from pipeline.conventions import BASE_DOCKERFILES, GOSS, GOSS_WAIT, GOSSFILES, From, beside, froms, matches
from pipeline.errors import ConfigError

# What a base is called that nobody names, nor starts from.
UNNAMED = "base"


@dataclass(frozen=True)
class Base:
    """An image under test. `targets` are its published stages, "" standing for the last one."""

    name: str
    dockerfile: str
    context: str
    targets: tuple[str, ...]
    goss: tuple[str, ...]
    settings: BaseSettings
    waits: bool = False

    @property
    def goss_directory(self) -> str:
        return self.settings.goss or beside(self.dockerfile, "goss")


@dataclass(frozen=True)
class Example:
    """A project that starts from a base. `problem` says why it cannot be built at all."""

    name: str
    directory: str
    settings: ExampleSettings
    froms: tuple[From, ...] = ()
    goss: tuple[str, ...] = ()
    waits: bool = False
    problem: str = ""

    @property
    def tested(self) -> bool:
        """Whether it has gossfiles of its own; `goss` names them relative to its directory."""
        return bool(self.goss)

    @property
    def dockerfile(self) -> str:
        return f"{self.directory}/{self.settings.dockerfile}"

    @property
    def vars_file(self) -> str:
        """The file of its gossfiles' variables, in the repository; empty when there is none."""
        return f"{self.directory}/{self.settings.vars.file}" if self.settings.vars.file else ""


@dataclass(frozen=True)
class Project:
    """A repository: its files, its configuration, what was found in it, and the entitlements of its Dockerfiles."""

    source: dagger.Directory
    config: Config
    bases: tuple[Base, ...]
    examples: tuple[Example, ...]
    allow: frozenset[str] = frozenset()


async def project(source: dagger.Directory, allow: frozenset[str] = frozenset()) -> Project:
    """Read the configuration and find bases and examples; ConfigError when there is no base to find."""
    settings = await _settings(source)
    examples = await _examples(source, settings)
    for name in settings.examples:
        names = [example.name for example in examples]
        consistency.known(settings, ("examples", "settings", name), "example", names)
    bases = await _bases(source, settings, examples)
    return Project(source, settings, bases, tuple(_checked(example, bases) for example in examples), allow)


async def _settings(source: dagger.Directory) -> Config:
    found = await source.glob("*aselard.y*ml")
    for name in found:
        if name.lower().lstrip(".") in {"baselard.yml", "baselard.yaml"} and name != config.FILE:
            raise ConfigError(f"{name}: is not read; the configuration is called {config.FILE}: rename or remove it")
    if config.FILE not in found:
        return Config()
    return consistency.check(config.parse(await source.file(config.FILE).contents()))


# --- bases ---------------------------------------------------------------------------------------------------------


async def _bases(source: dagger.Directory, settings: Config, examples: Sequence[Example]) -> tuple[Base, ...]:
    dockerfile_ = await _base_dockerfile(source)
    bases: list[Base] = []
    for given in settings.bases:
        path = given.dockerfile or dockerfile_
        if not path:
            raise ConfigError(
                f"no base image found: there is neither {' nor '.join(BASE_DOCKERFILES)}; "
                f"write `bases: [{{dockerfile: PATH}}]` into {config.FILE}"
            )
        file = given.vars.file
        if file and not await source.glob(file):
            place = settings.place(("bases", str(len(bases)), "vars"))
            raise ConfigError(f"{place}: there is no {file}, which is to hold variables")
        bases.append(await _base(source, replace(given, dockerfile=path), examples))
    return tuple(bases)


async def _base(source: dagger.Directory, given: BaseSettings, examples: Sequence[Example]) -> Base:
    path = given.dockerfile
    goss = given.goss or beside(path, "goss")
    found = await source.glob(f"{goss}/*.yaml")
    names = sorted(PurePosixPath(name).name for name in found)
    return Base(
        name=given.name or _usual_base(examples),
        dockerfile=path,
        context=given.context or str(PurePosixPath(path).parent),
        targets=given.targets or ("",),
        goss=tuple(name for name in names if name != GOSS_WAIT),
        settings=given,
        waits=GOSS_WAIT in names,
    )


async def _base_dockerfile(source: dagger.Directory) -> str:
    for path in BASE_DOCKERFILES:
        if await source.glob(path):
            return path
    return ""


def _usual_base(examples: Sequence[Example]) -> str:
    """The repository that most examples start from: what an unconfigured base is called."""
    used = Counter(
        references.parse_reference(name).name
        for example in examples
        for name in {from_.reference for from_ in example.froms}
    )
    ranked = used.most_common(2)
    if not ranked:
        return UNNAMED
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        raise ConfigError(
            f"examples start equally often from {ranked[0][0]} and {ranked[1][0]}; "
            f"write the base's name into {config.FILE} as `bases: [{{name: …}}]`"
        )
    return ranked[0][0]


# --- examples ------------------------------------------------------------------------------------------------------


async def _examples(source: dagger.Directory, settings: Config) -> tuple[Example, ...]:
    # Not `{pattern}/**`: a Dagger engine takes that for a plain prefix after `*/` and finds nothing.
    listed = await each(settings.example_paths, lambda pattern: source.glob(f"{pattern}/**/*"))
    files = {path for paths in listed for path in paths}
    directories = sorted(_directories(files, settings))
    return _unique(await each(directories, lambda directory: _example(source, settings, directory, files)))


def _directories(files: Iterable[str], settings: Config) -> set[str]:
    """Directories that match a pattern and hold their Dockerfile."""
    present = set(files)
    candidates = {str(parent) for path in present for parent in PurePosixPath(path).parents}
    return {
        path
        for path in candidates
        if any(matches(path, pattern) for pattern in settings.example_paths)
        and f"{path}/{settings.example(PurePosixPath(path).name).dockerfile}" in present
    }


async def _example(source: dagger.Directory, settings: Config, directory: str, files: set[str]) -> Example:
    name = PurePosixPath(directory).name
    example = Example(
        name=name,
        directory=directory,
        settings=settings.example(name),
        goss=_gossfiles(directory, files),
        waits=f"{directory}/{GOSS_WAIT}" in files,
    )
    if problem := _overlooked(directory, files) or _missing(settings, example, files):
        return replace(example, problem=problem)
    text = await source.file(example.dockerfile).contents()
    try:
        return replace(example, froms=froms(text, example.dockerfile, example.settings.build_args))
    except DockerfileError as error:
        return replace(example, problem=str(error))


def _gossfiles(directory: str, files: set[str]) -> tuple[str, ...]:
    inside = sorted(path.removeprefix(f"{directory}/") for path in files if path.startswith(f"{directory}/"))
    return tuple(name for name in inside if any(matches(name, pattern) for pattern in GOSSFILES))


def _overlooked(directory: str, files: set[str]) -> str:
    """What to say of gossfiles of nearly the right name, which nobody would read; empty where there are none."""
    for name in (GOSS, GOSS_WAIT):
        other = f"{directory}/{name.removesuffix('.yaml')}.yml"
        if other in files and f"{directory}/{name}" not in files:
            return f"{other}: is not read; call it {name}"
    return ""


def _missing(settings: Config, example: Example, files: set[str]) -> str:
    """What to say of a file that the settings name and the repository lacks."""
    if not example.vars_file or example.vars_file in files:
        return ""
    place = settings.place(("examples", "settings", example.name, "vars"))
    return f"{place}: there is no {example.vars_file}, which is to hold variables"


def _unique(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Two examples of one name cannot be told apart in a report: neither is built."""
    by_name: dict[str, list[str]] = {}
    for example in examples:
        by_name.setdefault(example.name, []).append(example.directory)
    clash = {name: paths for name, paths in by_name.items() if len(paths) > 1}
    return tuple(
        replace(
            example, problem=f"two examples are called {example.name!r}: {', '.join(clash[example.name])}; rename one"
        )
        if example.name in clash
        else example
        for example in examples
    )


def _checked(example: Example, bases: Sequence[Base]) -> Example:
    """An example must start from a base, unless its settings say otherwise."""
    if example.problem or example.settings.standalone or any(base_of(f.reference, bases) for f in example.froms):
        return example
    used = ", ".join(f"{f.reference} (line {f.line})" for f in example.froms) or "scratch"
    wanted = " or ".join(base.name for base in bases)
    return replace(
        example,
        problem=f"{example.dockerfile}: starts FROM {used}, not from {wanted}; "
        f"allow it with `standalone: true` under examples.settings.{example.name} in {config.FILE}",
    )


# --- which base a reference means ------------------------------------------------------------------------------------


def base_of(reference: str, bases: Sequence[Base]) -> tuple[Base, str] | None:
    """The base and the target that a FROM means, or None for a foreign image.

    The tag chooses the target when it is the target's name or ends with `-TARGET`, as published tags do; every other
    tag, or none, means the first target.
    """
    wanted = references.parse_reference(reference)
    for base in bases:
        if references.parse_reference(base.name).name == wanted.name:
            return base, _target(wanted.tag, base)
    return None


def _target(tag: str, base: Base) -> str:
    named = (target for target in base.targets if target and (tag == target or tag.endswith(f"-{target}")))
    return next(named, base.targets[0])
