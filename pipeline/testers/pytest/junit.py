"""pytest's JUnit XML (family xunit1, which tells files and lines) as cases, with places in the repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.model import Case, Location, Verdict

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CODE = "tester/pytest"
_MOUNTED = re.compile(r"(?:[^\s\"']*/)?\.goss-tests/")
_HEADER = re.compile(r"-+ Captured \w+ -+")
_UNREAD = "collection failure"
# The end of a traceback's entry, and Python's own words about a file that it cannot read.
_PLACE = re.compile(r"^([^\s:]+):(\d+): |^E +File \"([^\"]+)\", line (\d+)", re.MULTILINE)
_SAID = re.compile(r"^E +(\S.*)$", re.MULTILINE)
_LINES = 30


def cases(xml: str) -> tuple[Case, ...]:
    """A case for each test that came to an end, and for each file that could not be read; none of what is no XML."""
    from xml.etree import ElementTree  # seldom needed

    try:
        root = ElementTree.fromstring(xml)  # noqa: S314  # expat itself bounds what entities become
    except ElementTree.ParseError:
        return ()
    return tuple(_case(one) for one in root.iter("testcase"))


def _case(element: Element) -> Case:
    name, seconds = _name(element), float(element.get("time", "0"))
    for problem in element.iter():
        if problem.tag in ("failure", "error"):
            return _bad(element, problem, name, seconds)
        if problem.tag == "skipped":
            reason = problem.get("message", "")
            if problem.get("type") == "pytest.xfail":
                return Case(name, Verdict.NOTED, seconds, f"fails as expected: {reason}".removesuffix(": "))
            return Case(name, Verdict.SKIPPED, seconds, reason)
    return Case(name, Verdict.PASSED, seconds)


def _name(element: Element) -> str:
    """The test's class and name, without testinfra's mark of where it runs; of what cannot be read the file's name."""
    if element.find(f"error[@message='{_UNREAD}']") is not None:
        return f"{element.get('name', '').rpartition('.')[2]}.py"
    module = element.get("file", "").removesuffix(".py").replace("/", ".")
    inside = element.get("classname", "").removeprefix(module).strip(".")
    name = re.sub(r"\[local(?:-|\])", lambda mark: "[" if mark[0].endswith("-") else "", element.get("name", ""))
    return f"{inside}.{name}" if inside else name


def _bad(element: Element, problem: Element, name: str, seconds: float) -> Case:
    text = in_repository(problem.text or "")
    detail = "\n".join([*text.strip("\n").splitlines()[-_LINES:], *_printed(element)])
    verdict = Verdict.FAILED if problem.tag == "failure" else Verdict.ERROR
    return Case(name, verdict, seconds, _message(problem, text), detail, _place(element, text), CODE)


def _message(problem: Element, text: str) -> str:
    """One line: what pytest says, or of a file that it cannot read what Python says."""
    said = problem.get("message", "").strip().partition("\n")[0]
    if said != _UNREAD:
        return said.removeprefix("Failed: ")
    return next(iter(_SAID.findall(text)[-1:]), said)


def in_repository(text: str) -> str:
    """A text of pytest's with paths as the repository has them."""
    return _MOUNTED.sub("", text)


def deepest(text: str) -> Location | None:
    """The deepest line of the repository's own in a traceback, if there is one."""
    places = [Location(one[0] or one[2], int(one[1] or one[3])) for one in _PLACE.findall(text)]
    return next((place for place in reversed(places) if not place.path.startswith(("/", "."))), None)


def _place(element: Element, text: str) -> Location | None:
    """The line that failed, else that of the test."""
    if place := deepest(text):
        return place
    path, line = element.get("file"), element.get("line")
    return Location(path, int(line) + 1 if line else 0) if path else None


def _printed(element: Element) -> list[str]:
    """Lines that the test itself wrote."""
    text = "\n".join(element.findtext(name) or "" for name in ("system-out", "system-err"))
    lines = [line for line in text.splitlines() if line.strip() and not _HEADER.fullmatch(line.strip())]
    return ["it printed:", *lines[-_LINES:]] if lines else []
