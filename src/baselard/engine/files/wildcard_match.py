"""Wildcards matched in time that grows with the text, whoever wrote the pattern.

A regular expression with several gaps tries every way to divide the text among them: ``a*a*a*…b`` comes to no end.
Where a pattern has more than two gaps, all places in it that could be reached are followed at once instead (Thompson,
"Regular Expression Search Algorithm", 1968), one bit for each.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Gap(Enum):
    """The signs for any number of characters: within a name, across directories, or whole directories."""

    NAME = "[^/]*"
    ANY = ".*"
    DIRECTORIES = "(?:.*/)?"


Step = str | Gap
"""One part of a pattern: a gap, or the regular expression of one character."""

_MOST = 2  # gaps that a regular expression may have: the work is the square of a path's length at worst


class Matcher(Protocol):
    """Tells whether a whole text matches, as ``re.Pattern`` does."""

    def fullmatch(self, text: str, /) -> object | None: ...


def compiled(patterns: Sequence[Sequence[Step]]) -> Matcher:
    """A matcher for any of ``patterns``. Raises re.error for a character's expression that is none."""
    quick = [f"(?:{_text(steps)})" for steps in patterns if _gaps(steps) <= _MOST]
    regex = re.compile("|".join(quick) if quick else "(?!)", re.DOTALL)
    slow = tuple(_Walk.of(steps) for steps in patterns if _gaps(steps) > _MOST)
    return _Any((regex, *slow)) if slow else regex


def _gaps(steps: Sequence[Step]) -> int:
    return sum(isinstance(step, Gap) for step in steps)


def _text(steps: Sequence[Step]) -> str:
    return "".join(step.value if isinstance(step, Gap) else step for step in steps)


@dataclass(frozen=True)
class _Any:
    matchers: tuple[Matcher, ...]

    def fullmatch(self, text: str, /) -> bool | None:
        return True if any(matcher.fullmatch(text) is not None for matcher in self.matchers) else None


@dataclass(frozen=True)
class _Walk:
    """A pattern whose place ``n`` is bit ``n``: before its step ``n``. ``gaps`` has the bits of each kind of gap."""

    steps: tuple[Step, ...]
    gaps: dict[Gap, int]
    accepted: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, steps: Sequence[Step]) -> "_Walk":
        for step in steps:
            if isinstance(step, str):
                _character(step)
        bits = {gap: sum(1 << place for place, step in enumerate(steps) if step is gap) for gap in Gap}
        return cls(tuple(steps), bits)

    def fullmatch(self, text: str, /) -> bool | None:
        places, inside = self._past_gaps(1), 0  # inside: within a directory's name that a gap passes over
        for character in text:
            inside |= places & self.gaps[Gap.DIRECTORIES]
            reached = (places & self._accepting(character)) << 1 | places & self.gaps[Gap.ANY]
            reached |= inside << 1 if character == "/" else places & self.gaps[Gap.NAME]
            places = self._past_gaps(reached)
            if not places | inside:
                return None
        return True if places >> len(self.steps) & 1 else None

    def _past_gaps(self, places: int) -> int:
        """With the places behind gaps, which may be empty."""
        empty = self.gaps[Gap.NAME] | self.gaps[Gap.ANY] | self.gaps[Gap.DIRECTORIES]
        while (more := places | (places & empty) << 1) != places:
            places = more
        return places

    def _accepting(self, character: str) -> int:
        """The places whose step this character is."""
        if character not in self.accepted:
            self.accepted[character] = sum(
                1 << place
                for place, step in enumerate(self.steps)
                if isinstance(step, str) and _character(step).fullmatch(character)
            )
        return self.accepted[character]


@functools.cache
def _character(step: str) -> re.Pattern[str]:
    return re.compile(step, re.DOTALL)
