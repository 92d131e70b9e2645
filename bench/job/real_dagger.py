"""The job on a real Dagger engine, where one is configured."""

import os
import shutil

from bench import programs
from bench.lab import seconds
from bench.programs import CHECKOUT
from bench.project import Project

NAME = "dagger call"


def configured() -> bool:
    """Whether there are a ``dagger`` program and an engine for it."""
    return bool(shutil.which("dagger") and os.environ.get("_EXPERIMENTAL_DAGGER_RUNNER_HOST"))


def at_once(project: Project) -> float:
    """Seconds of the whole call on an engine that may know some of it."""
    argv = ["dagger", "--mod", str(CHECKOUT), "call", "--source", str(project.root), "test-examples"]
    return seconds(lambda: programs.run(argv))
