"""The test of an image that has no gossfile of its own: it must still prove something."""

from __future__ import annotations

import uuid

import dagger

from pipeline.goss.results import Outcome, sections
from pipeline.goss.run import SHELL, prepared
from pipeline.model import Case, Verdict

_VERDICTS = {"pass": Verdict.PASSED, "fail": Verdict.FAILED, "-": Verdict.SKIPPED}


async def attempt(image: dagger.Container, tools: dagger.Directory, nonce: str) -> Outcome:
    """User, home, PATH, shell and the package managers' own checks, in the image as its own user."""
    mark = f"baselard-{uuid.uuid5(uuid.NAMESPACE_OID, nonce).hex}"
    ran = prepared(image, tools, nonce).with_exec([*SHELL, "/.goss/basic.sh", mark], expect=dagger.ReturnType.ANY)
    return outcome(await ran.stdout(), mark, await ran.stderr())


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
