"""The door for whatever judges an image; the built-in testers come through it as well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol

import dagger

from pipeline.config.config import TestSettings, Variables
from pipeline.failures import Locate
from pipeline.goss.ready import Readiness
from pipeline.goss.results import Outcome
from pipeline.goss.run import How


@dataclass(frozen=True)
class Exam:
    """An image that was built, and what its tester is given.

    The files of `test` lie in `directory` of the repository `source`. `how` says what of the image runs meanwhile,
    `readiness` what it declares, `wait` the gossfile that says when it is ready, if there is one. A fresh `nonce` makes
    an equal test run once more; `is_base` says that others build on the image. `build` builds another stage of its
    Dockerfile, and `locate` finds the line of a command in it that failed.
    """

    image: dagger.Container
    tools: dagger.Directory
    source: dagger.Directory
    directory: str
    how: How
    readiness: Readiness
    nonce: str
    build: Callable[[str], Awaitable[dagger.Container]]
    locate: Locate | None = None
    test: TestSettings = field(default_factory=lambda: TestSettings(""))
    wait: str = ""
    variables: Variables = field(default_factory=Variables)
    vars_file: dagger.File | None = None
    is_base: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The files as the repository names them."""
        return tuple(str(PurePosixPath(self.directory, name)) for name in self.test.files)

    @property
    def waiting(self) -> Mapping[str, Any]:
        """What GossFiles have to wait with, besides files."""
        ready = self.readiness.gossfile() if self.how.mode == "service" else ""
        return {"wait": self.wait, "ready": ready, "variables": self.variables, "vars_file": self.vars_file}


class Tester(Protocol):
    """Judges an image once. `name` is what it is called in listings, settings and `pipeline.conventions.TESTS`."""

    @property
    def name(self) -> str: ...

    async def judge(self, exam: Exam) -> Outcome:
        """The cases of one attempt. Whatever does not hold is a case; BaselardError when its tests cannot be read."""
        ...
