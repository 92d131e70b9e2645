"""Where in a gossfile a test that failed is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from baselard.oci.together import each
from pipeline.goss.files import GossFiles
from pipeline.goss.results import CODE, Outcome
from pipeline.model import Case, Location

_KEY = re.compile(r"""(\s*)(?:- )?(["']?)(.+?)\2\s*:(?:\s|$)""")


async def located(outcome: Outcome, files: GossFiles) -> Outcome:
    """The outcome with a place for each failed test; files that somebody else made, such as ours, are no place."""
    if files.path is None or not any(map(_placeable, outcome.cases)):
        return outcome
    names = [name for name in (*files.tests, files.wait) if name]
    texts = await each(names, lambda name: files.directory.file(name).contents())
    known = {f"{files.path}{name}": text for name, text in zip(names, texts, strict=True)}
    cases = (replace(one, place=place(one, known)) if _placeable(one) else one for one in outcome.cases)
    return replace(outcome, cases=tuple(cases))


def _placeable(case: Case) -> bool:
    return case.verdict.bad and bool(case.code)


def place(case: Case, texts: Mapping[str, str]) -> Location | None:
    """The line of the resource that a case is about; without one, the file, where there is but one."""
    kind, name = case.code.removeprefix(CODE), " ".join(case.name.split(" ")[1:-1])
    for path, text in texts.items():
        if line := line_of(text, kind, name):
            return Location(path, line)
    return Location(next(iter(texts))) if len(texts) == 1 else None


def line_of(text: str, kind: str, name: str) -> int:
    """The line where the resource `name` stands in the section `kind`; 0 where a template or another file made it."""
    section = ""
    mentioned = 0
    for number, line in enumerate(text.splitlines(), 1):
        key = _KEY.match(line)
        if key and not key[1]:
            section = key[3]
        if section != kind:
            continue
        if key and key[1] and key[3] == name:
            return number
        if not mentioned and name in line:
            mentioned = number
    return mentioned
