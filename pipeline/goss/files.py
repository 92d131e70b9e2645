"""Which gossfiles belong to an image, as the directory that is mounted at `/.goss-tests`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.config.config import Variables
from pipeline.goss import variables

if TYPE_CHECKING:  # a plan needs no SDK
    import dagger


@dataclass(frozen=True)
class GossFiles:
    """The gossfiles of one image. `directory` is where they lie, `tests` and `wait` are relative to it.

    `ready` is the text of a gossfile to wait with, for an image that has no file of its own for that; `vars_file` the
    file that `variables` names. `path` is what comes before these names in the repository, None for files made here.
    """

    directory: dagger.Directory
    tests: tuple[str, ...]
    wait: str = ""
    ready: str = ""
    variables: Variables = field(default_factory=Variables)
    vars_file: dagger.File | None = None
    path: str | None = None


def mount(files: GossFiles) -> dagger.Directory:
    """The directory with one gossfile that includes all others, so that none is silently ignored."""
    given = variables.mount(files.directory, files.variables, files.vars_file)
    mounted = given.with_new_file("goss-main.yaml", wrapper(files.tests))
    wait = wrapper([files.wait]) if files.wait else files.ready
    return mounted.with_new_file("goss-main-wait.yaml", wait) if wait else mounted


def wrapper(names: Sequence[str]) -> str:
    """A gossfile that includes these files; goss reads them relative to itself."""
    import yaml  # the registration writes no file

    return yaml.safe_dump({"gossfile": {name: {} for name in names}})
