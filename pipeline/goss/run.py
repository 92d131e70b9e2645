"""One attempt at testing an image: a single exec in which the image's own command and goss run side by side."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import dagger

from pipeline import spans
from pipeline.goss import files as gossfiles
from pipeline.goss.files import GossFiles
from pipeline.goss.places import located
from pipeline.goss.results import Outcome, Read, came_to_an_end, outcome

SHELL = ["/.goss/busybox", "sh"]


@dataclass(frozen=True)
class How:
    """How an image is run for its tests.

    `mode` is "service" (its own entrypoint and command run beside the tests), "entrypoint" (the tests are the arguments
    of its entrypoint) or "tool" (nothing of it is started). `wait` is the number of seconds it may take to get ready,
    `command` what `docker run IMAGE` would start.
    """

    mode: str = "tool"
    wait: int = 60
    command: tuple[str, ...] = ()


def prepared(image: dagger.Container, tools: dagger.Directory, nonce: str) -> dagger.Container:
    """The image with the tools mounted. A fresh nonce makes the next exec run although an equal one ran before.

    Where the report goes is the tools' directory as well: any other would cost a query for each image.
    """
    return (
        image.with_mounted_directory("/.goss", tools, read_only=True)
        .with_mounted_directory("/.goss-run", tools)
        .with_env_variable("BASELARD_NONCE", nonce)
    )


async def attempt(image: dagger.Container, tools: dagger.Directory, files: GossFiles, how: How, nonce: str) -> Outcome:
    """Run the gossfiles once in the image, as its own user and in its working directory."""
    with spans.task("goss", folded=True) as span:
        told = await beside(image, tools, gossfiles.mount(files), how, Judging("gossfiles", nonce, wait=files.wait))
        count = len(told.cases)
        span.update_name(f"goss, {count} check{'s' if count != 1 else ''}")
    return await located(told, files)


@dataclass(frozen=True)
class Judging:
    """How run.sh judges once the image is ready: by its script of that `name`, whose sections `read` makes cases of."""

    name: str
    nonce: str
    read: Read | None = None
    wait: str = ""


async def beside(
    image: dagger.Container, tools: dagger.Directory, tests: dagger.Directory, how: How, judging: Judging
) -> Outcome:
    """Judge the image once by what is in `tests`, beside its own command if it is a service."""
    mark = f"baselard-{uuid.uuid5(uuid.NAMESPACE_OID, judging.nonce).hex}"
    command = how.command if how.mode == "service" else ()
    words = [mark, "yes" if command else "no", str(how.wait), judging.name, *command]
    ran = (
        prepared(image, tools, judging.nonce)
        .with_mounted_directory("/.goss-tests", tests, read_only=judging.name == "gossfiles")
        .with_exec(
            [*SHELL, "/.goss/run.sh", *words], expect=dagger.ReturnType.ANY, use_entrypoint=how.mode == "entrypoint"
        )
    )
    text = await report(ran)
    stderr = "" if came_to_an_end(text, mark) else await ran.stderr()
    return outcome(text, mark, stderr, judging.wait, judging.read)


async def report(ran: dagger.Container) -> str:
    """The output of run.sh or basic.sh; whatever user the image has may write there."""
    return await ran.file("/.goss-run/out/report").contents()
