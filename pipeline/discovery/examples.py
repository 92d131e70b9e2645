"""Finding examples: which Dockerfiles are some, what each is called, and what is set for it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import variants
from pipeline.config.config import Config
from pipeline.conventions import (
    DOCKERFILES,
    GOSS,
    GOSS_WAIT,
    IMAGE_CONTEXT,
    TESTS,
    From,
    dockerfile_name,
    froms,
    matches,
    may_be,
)
from pipeline.discovery import consistency
from pipeline.errors import ConfigError, UsageError
from pipeline.project import Example, SourceTree
from pipeline.testers.choose import chosen, missing

_OF_FILES = re.compile(r"o(?:cker|ntainer)file(?:[.*]|$)")


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
        return _names(self.parts)


async def find(source: SourceTree, config: Config, taken: Collection[str] = ()) -> tuple[Example, ...]:
    """All examples, by name, but for Dockerfiles that are `taken`, which are bases.

    ConfigError for settings of an example that there is not, or that several may mean.
    """
    inside = below(await _files(source, config))
    there = [candidate for candidate in candidates(inside, config) if candidate.path not in taken]
    texts = dict(zip(there, await each(there, lambda one: source.text(one.path)), strict=True))
    found = named([one for one in there if _is_some(config, one, texts[one])])
    for key in config.written:
        _known(config, key, found)
    return tuple(
        _example(config, found[name], example, texts[found[name]] or "", inside[found[name].directory])
        for name in sorted(found)
        for example in _variants(config, name, found[name], inside[found[name].directory])
    )


async def _files(source: SourceTree, config: Config) -> set[str]:
    """The files that matter and are there: Dockerfiles, gossfiles, and what the settings name."""
    vars_files = {fields["vars"].file for fields in config.written.values() if "vars" in fields} - {""}
    dockerfiles = {fields["dockerfile"] for fields in config.written.values() if "dockerfile" in fields}
    tests = {name for fields in config.written.values() for test in fields.get("tests", ()) for name in test.files}
    by_convention = [pattern for patterns in TESTS.values() for pattern in patterns]
    named = sorted(vars_files | dockerfiles | tests)
    inside = ("*ockerfile*", "*ontainerfile*", "goss*.y*ml", *by_convention, *named)
    directories = [str(PurePosixPath(path).parent) if of_files(path) else path for path in config.example_paths]
    patterns = [str(PurePosixPath(path, name)) for path in directories for name in inside]
    listed = await each(dict.fromkeys(patterns), source.glob)
    return {path for paths in listed for path in paths if not path.endswith("/")}


def below(files: Collection[str]) -> dict[str, list[str]]:
    """The files below each directory, sorted, by their paths from there."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(files):
        parts = path.split("/")
        for length in range(1, len(parts)):
            found["/".join(parts[:length])].append("/".join(parts[length:]))
    return dict(found)


def of_files(pattern: str) -> bool:
    """Whether a pattern of `examples.paths` is one of Dockerfiles, not of directories."""
    return _OF_FILES.search(PurePosixPath(pattern).name) is not None


# --- which Dockerfiles ----------------------------------------------------------------------------------------------


def candidates(inside: Mapping[str, Sequence[str]], config: Config) -> list[FoundExample]:
    """The Dockerfiles that are examples.

    In a directory it is the one that its settings name, else `Dockerfile` or `Containerfile`, else each that has a name
    of its own.
    """
    chosen: dict[tuple[str, str], FoundExample] = {}
    for pattern in config.example_paths:
        for one in _matching(pattern, inside) if of_files(pattern) else _directories(pattern, inside, config):
            chosen.setdefault((one.directory, one.dockerfile), one)
    names: defaultdict[str, list[str]] = defaultdict(list)
    for directory, file in chosen:
        names[directory] += filter(None, [dockerfile_name(file)])
    return [replace(one, siblings=_others(names[one.directory], one)) for one in chosen.values()]


def _matching(pattern: str, inside: Mapping[str, Sequence[str]]) -> Iterator[FoundExample]:
    """Those that a pattern of Dockerfiles names; in a single directory the file's own name tells them apart."""
    where, wanted = str(PurePosixPath(pattern).parent), PurePosixPath(pattern).name
    least = 2 if any(sign in where for sign in "*?[") else 1
    for directory in [one for one in inside if matches(one, where)]:
        for file in inside[directory]:
            name = dockerfile_name(file) if "/" not in file and fnmatchcase(file, wanted) else None
            if name is not None:
                yield _candidate(directory, file, name, least if name else 1)


def _directories(pattern: str, inside: Mapping[str, Sequence[str]], config: Config) -> Iterator[FoundExample]:
    """Those of the directories that match a pattern."""
    for directory in [one for one in inside if matches(one, pattern)]:
        if wanted := config.example(_names(directory.split("/"))).dockerfile:
            if wanted in inside[directory]:
                yield _candidate(directory, wanted, "", 1)
            continue
        here = [name for name in inside[directory] if "/" not in name]
        plain = [name for name in DOCKERFILES if name in here][:1]
        for file in plain or here:
            name = dockerfile_name(file)
            if name is not None:
                yield _candidate(directory, file, name, 2 if name else 1)


def _names(parts: Sequence[str]) -> list[str]:
    """All that a thing at this place may be called, the shortest first."""
    return ["/".join(parts[-length:]) for length in range(1, len(parts) + 1)]


def _candidate(directory: str, file: str, name: str, least: int) -> FoundExample:
    parts = (*directory.split("/"), *filter(None, [name]))
    return FoundExample(directory, file, parts, max(least, 2) if parts[-1].startswith(".") else least)


def _others(names: Sequence[str], example: FoundExample) -> tuple[str, ...]:
    own = dockerfile_name(example.dockerfile)
    return tuple(name for name in names if name != own)


def _is_some(config: Config, example: FoundExample, text: str | None) -> bool:
    """Whether it is a Dockerfile; one that the settings name is to be."""
    return text is not None and (
        may_be(example.path, text) or config.example(example.names).dockerfile == example.dockerfile
    )


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


def _variants(config: Config, name: str, example: FoundExample, inside: Sequence[str]) -> list[Example]:
    """An example for each of its variants, one where it has none."""
    written = replace(config.example(example.names), dockerfile=example.dockerfile)
    try:
        several = variants.expanded(written)
    except UsageError as error:
        raise ConfigError(f"{config.place_of(example.names, 'variants')}: {name}: {error}") from error
    own, waits = _own(example, inside), GOSS_WAIT in inside
    return [
        Example(
            name=f"{name}/{variants.called(settings.variant)}" if settings.variant else name,
            directory=example.directory,
            settings=settings,
            tests=chosen(settings.tests, own),
            waits=waits,
        )
        for settings in several
    ]


def _example(config: Config, one: FoundExample, example: Example, text: str, inside: Sequence[str]) -> Example:
    """The example with what its Dockerfile starts from, or why it cannot be built."""
    settings = example.settings
    if problem := _overlooked(one.directory, inside) or _missing(config, one, example, inside):
        return replace(example, problem=problem)
    contexts = [From(value.removeprefix(IMAGE_CONTEXT), 0) for value in settings.contexts.values() if "://" in value]
    try:
        written = froms(text, example.dockerfile, settings.build_args, tuple(settings.contexts))
        return replace(example, froms=(*written, *contexts))
    except DockerfileError as error:
        return replace(example, problem=str(error))


def _own(example: FoundExample, inside: Sequence[str]) -> tuple[str, ...]:
    """Those of its directory, but for what is named for another Dockerfile there."""
    return tuple(name for name in inside if PurePosixPath(name).stem not in example.siblings)


def _overlooked(directory: str, inside: Sequence[str]) -> str:
    """A warning about gossfiles of nearly the right name, which nobody would read; empty where there are none."""
    for name in (GOSS, GOSS_WAIT):
        other = f"{name.removesuffix('.yaml')}.yml"
        if other in inside and name not in inside:
            return f"{directory}/{other}: is not read; call it {name}"
    return ""


def _missing(config: Config, one: FoundExample, example: Example, inside: Sequence[str]) -> str:
    """A warning about a file that the settings name and the repository lacks."""
    if example.vars_file and example.settings.vars.file not in inside:
        return f"{config.place_of(one.names, 'vars')}: there is no {example.vars_file}, which is to hold variables"
    return missing(example.tests if example.settings.tests else (), one.directory, inside)
