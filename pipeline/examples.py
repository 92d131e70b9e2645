"""Finding examples: which Dockerfiles are some, what each is called, and what is set for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import consistency, variants
from pipeline.config import Config
from pipeline.conventions import (
    DOCKERFILES,
    GOSS,
    GOSS_WAIT,
    GOSSFILES,
    IMAGE_CONTEXT,
    From,
    dockerfile_name,
    froms,
    matches,
)
from pipeline.errors import ConfigError, UsageError
from pipeline.project import Example, SourceTree


@dataclass(frozen=True)
class FoundExample:
    """A Dockerfile that is an example's: its directory, and its path from there.

    `parts` are those of its longest name, of which its name has `least` or more; `siblings` are the names of the other
    Dockerfiles of its directory that are examples.
    """

    directory: str
    dockerfile: str
    parts: tuple[str, ...]
    least: int = 1
    siblings: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"{self.directory}/{self.dockerfile}"

    @property
    def names(self) -> list[str]:
        """All that it may be called, the shortest first."""
        return ["/".join(self.parts[-length:]) for length in range(1, len(self.parts) + 1)]


async def find(source: SourceTree, config: Config) -> tuple[Example, ...]:
    """All examples, by name. ConfigError for settings of an example that there is not, or that several may mean."""
    files = await _files(source, config)
    there = candidates(files, config)
    texts = dict(zip(there, await each(there, lambda one: source.text(one.path)), strict=True))
    found = named([one for one in there if texts[one] is not None])
    for key in config.written:
        _known(config, key, found)
    return tuple(
        _example(config, found[name], example, texts[found[name]] or "", files)
        for name in sorted(found)
        for example in _variants(config, name, found[name], files)
    )


async def _files(source: SourceTree, config: Config) -> set[str]:
    """What there is of the files that matter: Dockerfiles, gossfiles, and what the settings name."""
    vars_files = {fields["vars"].file for fields in config.written.values() if "vars" in fields} - {""}
    dockerfiles = {fields["dockerfile"] for fields in config.written.values() if "dockerfile" in fields}
    inside = ("*ockerfile*", "*ontainerfile*", "goss*.y*ml", "goss/*.yaml", *sorted(vars_files | dockerfiles))
    directories = [str(PurePosixPath(path).parent) if of_files(path) else path for path in config.example_paths]
    patterns = [str(PurePosixPath(path, name)) for path in directories for name in inside]
    listed = await each(dict.fromkeys(patterns), source.glob)
    return {path for paths in listed for path in paths if not path.endswith("/")}


def of_files(pattern: str) -> bool:
    """Whether a pattern of `examples.paths` is one of Dockerfiles, not of directories."""
    name = PurePosixPath(pattern).name.replace("*", "x").replace("?", "x")
    return dockerfile_name(name) is not None


# --- which Dockerfiles ----------------------------------------------------------------------------------------------


def candidates(files: Collection[str], config: Config) -> list[FoundExample]:
    """The Dockerfiles that are examples.

    In a directory it is the one that its settings name, else `Dockerfile` or `Containerfile`, else each that has a name
    of its own.
    """
    chosen: dict[tuple[str, str], FoundExample] = {}
    for pattern in config.example_paths:
        for one in _matching(pattern, files) if of_files(pattern) else _inside(pattern, files, config):
            chosen.setdefault((one.directory, one.dockerfile), one)
    return [replace(one, siblings=_siblings(one, list(chosen.values()))) for one in chosen.values()]


def _matching(pattern: str, files: Collection[str]) -> Iterator[FoundExample]:
    """Those that a pattern of Dockerfiles names; in a single directory the file's own name tells them apart."""
    least = 2 if any(sign in str(PurePosixPath(pattern).parent) for sign in "*?[") else 1
    for path in sorted(files):
        name = dockerfile_name(PurePosixPath(path).name)
        if name is not None and matches(path, pattern):
            yield _candidate(path, name, least if name else 1)


def _inside(pattern: str, files: Collection[str], config: Config) -> Iterator[FoundExample]:
    """Those of the directories that match a pattern."""
    depth = len(PurePosixPath(pattern).parts)
    parents = {PurePosixPath(*PurePosixPath(path).parts[:depth]) for path in files if path.count("/") >= depth}
    for directory in sorted(str(path) for path in parents if matches(str(path), pattern)):
        names = ["/".join(PurePosixPath(directory).parts[-length:]) for length in range(1, depth + 1)]
        if wanted := config.example(names).dockerfile:
            if f"{directory}/{wanted}" in files:
                yield FoundExample(directory, wanted, PurePosixPath(directory).parts)
            continue
        here = sorted(PurePosixPath(path).name for path in files if str(PurePosixPath(path).parent) == directory)
        plain = [name for name in DOCKERFILES if name in here][:1]
        for file in plain or here:
            name = dockerfile_name(file)
            if name is not None:
                yield _candidate(f"{directory}/{file}", name, 2 if name else 1)


def _candidate(path: str, name: str, least: int) -> FoundExample:
    directory = PurePosixPath(path).parent
    return FoundExample(str(directory), PurePosixPath(path).name, (*directory.parts, *filter(None, [name])), least)


def _siblings(one: FoundExample, every: Sequence[FoundExample]) -> tuple[str, ...]:
    others = [other for other in every if other.directory == one.directory and other != one]
    return tuple(name for other in others if (name := dockerfile_name(other.dockerfile)))


# --- what they are called -------------------------------------------------------------------------------------------


def named(found: Sequence[FoundExample]) -> dict[str, FoundExample]:
    """Examples by name: as many of the last parts of its path as tell it from all others."""
    shared = Counter(name for one in found for name in one.names)
    return {
        next((name for name in one.names[one.least - 1 :] if shared[name] == 1), one.names[-1]): one for one in found
    }


def _known(config: Config, key: str, found: dict[str, FoundExample]) -> None:
    """Raise ConfigError for a key of the settings that means no example, or, being no pattern, several."""
    where = ("examples", "settings", key)
    meant = [name for name, one in found.items() if any(fnmatchcase(called, key) for called in one.names)]
    if not meant:
        consistency.known(config, where, "example", list(found))
    if len(meant) > 1 and not any(sign in key for sign in "*?["):
        raise ConfigError(f"{config.place(where)}: {key!r} may be {' or '.join(sorted(meant))}; write which one")


# --- what there is to know of one -----------------------------------------------------------------------------------


def _variants(config: Config, name: str, one: FoundExample, files: Collection[str]) -> list[Example]:
    """An example for each of its variants, one where it has none."""
    written = replace(config.example(one.names), dockerfile=one.dockerfile)
    try:
        several = variants.expanded(written)
    except UsageError as error:
        raise ConfigError(f"{config.place_of(one.names, 'variants')}: {name}: {error}") from error
    goss, waits = _gossfiles(one, files), f"{one.directory}/{GOSS_WAIT}" in files
    return [
        Example(
            name=f"{name}/{variants.called(settings.variant)}" if settings.variant else name,
            directory=one.directory,
            settings=settings,
            goss=goss,
            waits=waits,
        )
        for settings in several
    ]


def _example(config: Config, one: FoundExample, example: Example, text: str, files: Collection[str]) -> Example:
    """The example with what its Dockerfile starts from, or why it cannot be built."""
    settings = example.settings
    if problem := _overlooked(one.directory, files) or _missing(config, one, example, files):
        return replace(example, problem=problem)
    given = [From(value.removeprefix(IMAGE_CONTEXT), 0) for value in settings.contexts.values() if "://" in value]
    try:
        written = froms(text, example.dockerfile, settings.build_args, tuple(settings.contexts))
        return replace(example, froms=(*written, *given))
    except DockerfileError as error:
        return replace(example, problem=str(error))


def _gossfiles(one: FoundExample, files: Collection[str]) -> tuple[str, ...]:
    """Those of its directory, but for what is named for another Dockerfile there."""
    inside = sorted(path.removeprefix(f"{one.directory}/") for path in files if path.startswith(f"{one.directory}/"))
    found = (name for name in inside if any(matches(name, pattern) for pattern in GOSSFILES))
    return tuple(name for name in found if PurePosixPath(name).stem not in one.siblings)


def _overlooked(directory: str, files: Collection[str]) -> str:
    """What to say of gossfiles of nearly the right name, which nobody would read; empty where there are none."""
    for name in (GOSS, GOSS_WAIT):
        other = f"{directory}/{name.removesuffix('.yaml')}.yml"
        if other in files and f"{directory}/{name}" not in files:
            return f"{other}: is not read; call it {name}"
    return ""


def _missing(config: Config, one: FoundExample, example: Example, files: Collection[str]) -> str:
    """What to say of a file that the settings name and the repository lacks."""
    if not example.vars_file or example.vars_file in files:
        return ""
    return f"{config.place_of(one.names, 'vars')}: there is no {example.vars_file}, which is to hold variables"
