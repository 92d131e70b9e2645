"""A finding, the form of every linter's output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pipeline.errors import BaselardError
from pipeline.model import Case, Location, Verdict

# hadolint's names for severities, the most severe first; the other linters' are mapped to these.
SEVERITIES = ("error", "warning", "info", "style")


@dataclass(frozen=True)
class Finding:
    """One remark of a linter about a place."""

    place: Location
    code: str
    severity: str
    message: str
    link: str = ""

    def case(self, threshold: str) -> Case:
        """A failed case when it is at least as severe as the threshold, else a noted one."""
        counts = SEVERITIES.index(self.severity) <= SEVERITIES.index(threshold)
        return Case(
            self.code,
            Verdict.FAILED if counts else Verdict.NOTED,
            message=f"{self.severity}: {self.message}",
            place=self.place,
            code=self.code,
            link=self.link,
        )


def document(tool: str, text: str) -> Any:
    """The JSON that a linter printed; BaselardError, with what it printed instead, when it broke."""
    try:
        return json.loads(text or "[]")
    except ValueError as error:
        raise BaselardError(f"{tool} printed no JSON but: {text[:500]}") from error
