"""Trying a test again: every attempt is kept, and one that passed only later is flaky."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.model import Attempt, Case, Verdict


def settled(attempts: Sequence[Attempt]) -> tuple[Case, ...]:
    """The cases of the last attempt. What failed in an earlier one and not in this is flaky, and says when."""
    last = attempts[-1]
    names = {case.name for case in last.cases}
    marked = [_marked(case, attempts) for case in last.cases]
    if not last.failures:  # what an attempt says instead of its cases, such as "never became ready", has no successor
        marked += [case for case in _first_failures(attempts[:-1], attempts) if case.name not in names]
    return tuple(marked)


def _marked(case: Case, attempts: Sequence[Attempt]) -> Case:
    before = _failures_of(case.name, attempts[:-1])
    if case.verdict is not Verdict.PASSED or not before:
        return case
    return replace(case, verdict=Verdict.FLAKY, message="; ".join([f"passed at attempt {len(attempts)}", *before]))


def _first_failures(earlier: Sequence[Attempt], attempts: Sequence[Attempt]) -> Iterator[Case]:
    seen: set[str] = set()
    for case in (case for attempt in earlier for case in attempt.failures):
        if case.name not in seen:
            seen.add(case.name)
            yield _marked(replace(case, verdict=Verdict.PASSED), attempts)


def _failures_of(name: str, attempts: Sequence[Attempt]) -> list[str]:
    return [
        f"failed at attempt {number}: {case.message}"
        for number, attempt in enumerate(attempts, 1)
        for case in attempt.failures
        if case.name == name
    ]
