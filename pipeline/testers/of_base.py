"""Which tests a base has. They lie beside its Dockerfile; its gossfiles may have a directory of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from baselard.oci.together import each
from pipeline.config.config import BaseSettings, TestSettings
from pipeline.conventions import GOSS_WAIT, GOSSFILES, matches
from pipeline.errors import ConfigError
from pipeline.project import SourceTree
from pipeline.testers.choose import chosen, missing


async def found(source: SourceTree, settings: BaseSettings) -> tuple[tuple[TestSettings, ...], str]:
    """Its tests, whose files are named as the repository does, and the gossfile that says when it is ready, or "".

    Raises ConfigError for a test that is not there.
    """
    directory = str(PurePosixPath(settings.dockerfile).parent)
    there = await _beside(source, directory, settings)
    names = [name for name in there if PurePosixPath(name).name != GOSS_WAIT]
    tests = chosen(settings.tests, names)
    if problem := missing(tests if settings.tests else (), directory, names):
        raise ConfigError(problem)
    whole = [replace(test, files=tuple(there[name] for name in test.files)) for test in tests]
    waiting = [path for name, path in there.items() if PurePosixPath(name).name == GOSS_WAIT]
    return tuple(whole), next(iter(waiting), "")


async def _beside(source: SourceTree, directory: str, settings: BaseSettings) -> dict[str, str]:
    """The files that may be tests, by their names from the Dockerfile's directory; `goss/` is wherever `goss` says."""
    asked = [name for test in settings.tests for name in test.files]
    parts = ["*", *(["tests/*"] if settings.tests else []), *asked]
    listed = await each([str(PurePosixPath(directory, part)) for part in parts], source.glob)
    paths = dict.fromkeys(path for paths in listed for path in paths if not path.endswith("/"))
    there = {str(PurePosixPath(path).relative_to(directory)): path for path in paths}
    if settings.goss:
        usual = (GOSS_WAIT, *GOSSFILES)
        there = {name: path for name, path in there.items() if not any(matches(name, one) for one in usual)}
    gossfiles = await source.glob(f"{settings.goss or PurePosixPath(directory, 'goss')}/*.yaml")
    return there | {f"goss/{PurePosixPath(path).name}": path for path in gossfiles}
