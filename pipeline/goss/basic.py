"""The test of an image that has no gossfile of its own: it must still prove something."""

from __future__ import annotations

import uuid

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
    """User, home, PATH, shell and the package managers' own checks; then its own command.

    An image that declares ports or a healthcheck must get ready; the command of any other must at least be found.
    """
    mark = f"baselard-{uuid.uuid5(uuid.NAMESPACE_OID, nonce).hex}"
    serves = readiness.declared and how.mode == "service"
    command = () if serves else how.command
    ran = prepared(image, tools, nonce).with_exec(
        [*SHELL, "/.goss/basic.sh", mark, *command], expect=dagger.ReturnType.ANY
    )
    with spans.task("basic test", folded=True):
        text = await run.report(ran)
        still = outcome(text, mark, "" if came_to_an_end(text, mark) else await ran.stderr())
    if not serves:
        return still
    ready = readiness.gossfile()
    files = GossFiles(dag.directory().with_new_file("ready.yaml", ready), ("ready.yaml",), ready=ready)
    running = await run.attempt(image, tools, files, how, nonce)
    return Outcome((*still.cases, *running.cases), running.log)


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
