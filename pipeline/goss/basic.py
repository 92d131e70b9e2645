"""The test of an image that has no gossfile of its own: it must still prove something."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import dagger
from dagger import dag

from pipeline import spans
from pipeline.goss import run
from pipeline.goss.files import GossFiles
from pipeline.goss.ready import Readiness
from pipeline.goss.results import Outcome, came_to_an_end, sections
from pipeline.goss.run import SHELL, How, prepared
from pipeline.model import Case, Verdict

_VERDICTS = {"pass": Verdict.PASSED, "fail": Verdict.FAILED, "-": Verdict.SKIPPED}


async def attempt(
    image: dagger.Container, tools: dagger.Directory, readiness: Readiness, how: How, nonce: str
) -> Outcome:
    """User, home, PATH, shell, clock, passwords and the package managers' own checks; then its own command.

    An image that declares ports or a healthcheck must get ready; the command of any other must at least be found.
    """
    serves = readiness.declared and how.mode == "service"
    ready_to_run, as_root = prepared(image, tools, nonce), prepared(image.with_user("0"), tools, nonce)
    with spans.task("basic test", folded=True):
        own = await _cases(ready_to_run, "basic.sh", nonce, () if serves else how.command)
        still = Outcome((*own, *await _cases(as_root, "basic-root.sh", nonce)))
    if not serves:
        return still
    ready = readiness.gossfile()
    files = GossFiles(dag.directory().with_new_file("ready.yaml", ready), ("ready.yaml",), ready=ready)
    running = await run.attempt(image, tools, files, how, nonce)
    return Outcome((*still.cases, *running.cases), running.log)


async def _cases(image: dagger.Container, script: str, nonce: str, command: Sequence[str] = ()) -> tuple[Case, ...]:
    mark = f"baselard-{uuid.uuid5(uuid.NAMESPACE_OID, nonce).hex}"
    ran = image.with_exec([*SHELL, f"/.goss/{script}", mark, *command], expect=dagger.ReturnType.ANY)
    text = await run.report(ran)
    return outcome(text, mark, "" if came_to_an_end(text, mark) else await ran.stderr()).cases


async def overridden(image: dagger.Container, tools: dagger.Directory, nonce: str) -> Case:
    """Whether an image's entrypoint runs what it is given, which whoever builds on the image counts on.

    docker-library/official-images asks the same; an image without `echo` is a single program, and not asked.
    """
    name, word = "command can be overridden", f"baselard-{uuid.uuid5(uuid.NAMESPACE_OID, nonce).hex}"
    echo = prepared(image, tools, nonce)
    try:
        await echo.with_exec(["echo", word]).sync()
    except dagger.QueryError:
        return Case(name, Verdict.SKIPPED, message="no echo in this image")
    ran = echo.with_exec(["echo", word], use_entrypoint=True, expect=dagger.ReturnType.ANY)
    try:
        output = await ran.stdout()
    except dagger.QueryError as error:
        return Case(name, Verdict.FAILED, message=str(error).partition("\n")[0])
    if output == f"{word}\n":
        return Case(name, Verdict.PASSED)
    told = repr(output.replace(word, "WORD"))
    return Case(name, Verdict.FAILED, message=f"its entrypoint, given `echo WORD`, prints {told}")


def outcome(text: str, mark: str, stderr: str = "") -> Outcome:
    """Read what basic.sh printed."""
    parts = sections(text, mark)
    if "end" not in parts:
        message = "was killed before it came to an end"
        return Outcome((Case("test runner", Verdict.ERROR, message=message, detail=stderr),))
    return Outcome(tuple(_case(line) for line in parts["cases"].splitlines() if line))


def _case(line: str) -> Case:
    verdict, name, reason = line.split("\t", 2)
    return Case(name, _VERDICTS[verdict], message=reason)
