"""Finding bases: their Dockerfiles and gossfiles, what tells them apart, and which must be built before which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePosixPath

from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.together import each
from pipeline import references, variants
from pipeline.config.config import FILE, BaseSettings, Config
from pipeline.conventions import BASE_DOCKERFILES, IMAGE_CONTEXT, From, froms
from pipeline.errors import ConfigError, UsageError
from pipeline.project import LATEST, UNNAMED, Base, Example, SourceTree, base_of, few, unbuilt
from pipeline.tags.produce import TAG
from pipeline.testers import of_base


def given(config: Config) -> list[tuple[int, BaseSettings]]:
    """The configured bases, each variant by itself, with the numbers of their items. ConfigError for a bad matrix."""
    found = []
    for number, settings in enumerate(config.bases):
        try:
            found += [(number, one) for one in variants.of_base(settings)]
        except UsageError as error:
            raise ConfigError(f"{_place(config, number, 'variants')}: {error}") from error
    return found


async def find(
    source: SourceTree, config: Config, written: Sequence[tuple[int, BaseSettings]], examples: Sequence[Example]
) -> tuple[Base, ...]:
    """All bases, each after those that it starts from. ConfigError for what cannot be, or may mean two things."""
    usual = await _usual_dockerfile(source)
    whole = [
        (number, replace(one, dockerfile=one.dockerfile or usual, name=one.name or _usual_name(examples)), one)
        for number, one in written
    ]
    bases = await each(whole, lambda one: _base(source, config, *one))
    _told_apart(config, bases)
    return _ordered(_with_latest(bases))


async def _base(source: SourceTree, config: Config, number: int, settings: BaseSettings, written: BaseSettings) -> Base:
    path = settings.dockerfile
    if not path:
        raise ConfigError(
            f"no base image found: there is neither {' nor '.join(BASE_DOCKERFILES)}; "
            f"write `bases: [{{dockerfile: PATH}}]` into {FILE}"
        )
    text = await source.text(path)
    if text is None:
        raise ConfigError(f"{_place(config, number, 'dockerfile')}: there is no {path}, which is to be a Dockerfile")
    file = settings.vars.file
    if file and not await source.glob(file):
        raise ConfigError(f"{_place(config, number, 'vars')}: there is no {file}, which is to hold variables")
    tests, wait = await of_base.found(source, settings)
    return Base(
        name=settings.name,
        dockerfile=path,
        context=settings.context or str(PurePosixPath(path).parent),
        targets=settings.targets or ("",),
        tests=tests,
        settings=replace(settings, name=written.name),
        wait=wait,
        froms=_froms(text, settings),
        tags=settings.tags,
        number=number,
    )


def _place(config: Config, number: int, *keys: str) -> str:
    return config.place(("bases", str(number), *keys))


def _froms(text: str, settings: BaseSettings) -> tuple[From, ...]:
    """The images that it starts from; none when it does not parse, which its build tells."""
    contexts = [From(value.removeprefix(IMAGE_CONTEXT), 0) for value in settings.contexts.values() if "://" in value]
    try:
        return (*froms(text, settings.dockerfile, settings.build_args, tuple(settings.contexts)), *contexts)
    except DockerfileError:
        return ()


async def _usual_dockerfile(source: SourceTree) -> str:
    for path in BASE_DOCKERFILES:
        if await source.glob(path) == [path]:
            return path
    return ""


def _usual_name(examples: Sequence[Example]) -> str:
    """The repository that most examples start from: what an unconfigured base is called."""
    used = Counter(
        references.parse_reference(name).name
        for example in examples
        for name in {from_.reference for from_ in example.froms if not from_.copied}
    )
    ranked = used.most_common(2)
    if not ranked:
        return UNNAMED
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        raise ConfigError(
            f"examples start equally often from {ranked[0][0]} and {ranked[1][0]}; "
            f"write the base's name into {FILE} as `bases: [{{name: …}}]`"
        )
    return ranked[0][0]


# --- what tells them apart --------------------------------------------------------------------------------------------


def _told_apart(config: Config, bases: Sequence[Base]) -> None:
    """Raise ConfigError when two Dockerfiles would be meant by the same name and tag."""
    owners: dict[tuple[str, str], Base] = {}
    for base in bases:
        where = references.parse_reference(base.name)
        if where.tag or where.digest:
            raise ConfigError(f"{_place(config, base.number, 'name')}: {base.name}: write the tag as `tags: [TAG]`")
        for tag in base.tags or ("",):
            if tag and not TAG.fullmatch(tag):
                raise ConfigError(f"{_place(config, base.number, 'tags')}: {tag!r} is not a tag")
            other = owners.setdefault((where.name, tag), base)
            if other is not base:
                raise ConfigError(_twice(config, base, other, tag))


def _twice(config: Config, base: Base, other: Base, tag: str) -> str:
    place, first = (_place(config, one.number) for one in (base, other))
    if tag:
        return f"{place}: {base.name}:{tag} cannot be {base.dockerfile}: it is {other.dockerfile} already ({first})"
    if not base.settings.name:
        return f"{place}: this base needs a `name`: without one it is {base.name}, as the one at {first}"
    return f"{place}: two bases are called {base.name} (the other one: {first}); give each its `tags`"


def _with_latest(bases: Sequence[Base]) -> list[Base]:
    """Of Dockerfiles with one name, the first is also `latest`, unless another one is or takes every tag."""
    owners: dict[str, int] = {}
    for index, base in enumerate(bases):
        name = references.parse_reference(base.name).name
        if not base.tags or LATEST in base.tags:
            owners[name] = index
        owners.setdefault(name, index)
    first = [index in owners.values() and bool(base.tags) for index, base in enumerate(bases)]
    return [
        replace(base, tags=tuple(dict.fromkeys([*base.tags, LATEST]))) if is_first else base
        for base, is_first in zip(bases, first, strict=True)
    ]


# --- which before which -----------------------------------------------------------------------------------------------


def _ordered(bases: Sequence[Base]) -> tuple[Base, ...]:
    """The bases in their order, but each after those it starts from. ConfigError when they go in a circle.

    Depth first, without recursion: a chain may be of any length.
    """
    numbers = {id(base): index for index, base in enumerate(bases)}
    under = [[(numbers[id(one)], from_) for one, from_ in parents(base, bases)] for base in bases]
    done: dict[int, None] = {}
    for root in range(len(bases)):
        way: list[tuple[int, list[tuple[int, From]]]] = [(root, list(under[root]))]
        while way:
            index, rest = way[-1]
            if not rest or index in done:
                done.setdefault(index)
                way.pop()
                continue
            below, _ = rest.pop(0)
            if below in [one for one, _ in way]:
                raise ConfigError(_circle(bases, under, [one for one, _ in way], below))
            way.append((below, list(under[below])))
    return tuple(bases[index] for index in done)


def parents(base: Base, bases: Sequence[Base]) -> list[tuple[Base, From]]:
    """The bases that one starts from, and by which FROM. One of its own name and tag is an image from elsewhere.

    ConfigError for a tag of a base's name that nobody builds.
    """
    found = []
    for from_ in base.froms:
        meant = base_of(from_.reference, bases)
        if meant and meant[0] is not base:
            found.append((meant[0], from_))
        if built := unbuilt(from_.reference, bases):
            place = f"{base.dockerfile}:{from_.line}" if from_.line else base.dockerfile
            raise ConfigError(f"{place}: nobody builds {from_.reference}; built are {few(built)}")
    return found


def _circle(bases: Sequence[Base], under: Sequence[Sequence[tuple[int, From]]], way: list[int], again: int) -> str:
    """One sentence about bases that start from each other, with the line of each FROM."""
    round_ = [*way[way.index(again) :], again]
    steps = []
    for index, below in pairwise(round_):
        from_ = next(from_ for one, from_ in under[index] if one == below)
        steps.append(f"{bases[index].dockerfile}:{from_.line} is FROM {from_.reference}")
    return f"{steps[0].partition(' ')[0]}: bases start from each other in a circle: {', '.join(steps)}"
