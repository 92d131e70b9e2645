"""Answers of a Dagger engine, kept as data: ``pytest tests/conformance/test_cases.py --engine=dagger --record``."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.cases import HERE

FILE = HERE / "recorded" / "0.21.8.json"
_LONG = 4096
STAND_INS = {"$host": "/host", "$git": "git://127.0.0.1:9418", "$commit": "0" * 40}
"""Texts for the names of what is another at each recording."""


def read() -> dict[str, dict[str, Any]]:
    """What was recorded, by the cases' names: ``query``, ``given`` if there is any, and the whole ``answer``."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


def replay(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded answer with stand-ins for its names."""
    text = json.dumps(recorded["answer"])
    for name, stand_in in STAND_INS.items():
        text = text.replace(name, stand_in)
    answer: dict[str, Any] = json.loads(text)
    return answer


def _abbreviated(value: Any) -> Any:
    """The same, with the middle of very long texts left out."""
    if isinstance(value, dict):
        return {key: _abbreviated(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_abbreviated(one) for one in value]
    if isinstance(value, str) and len(value) > _LONG:
        return f"{value[: _LONG // 2]}…{value[-_LONG // 2 :]}"
    return value


@dataclass
class Recorder:
    """Collects answers, in which names stand for paths, addresses and IDs."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, name: str, case: Mapping[str, Any], answer: Mapping[str, Any], known: Mapping[str, str]) -> None:
        """Keep the answer to a case's query."""
        answer = _abbreviated(answer)
        text = re.sub(r" ?\[traceparent:[0-9a-f-]*\]", "", json.dumps(answer, ensure_ascii=False))
        for shown, value in known.items():
            text = text.replace(value, shown) if value else text
        asked = {key: case[key] for key in ("query", "given") if key in case}
        self.answers[name] = {**asked, "answer": json.loads(text)}

    def save(self) -> None:
        """Write what was collected over what was recorded of the same cases before."""
        every = {**(read() if FILE.exists() else {}), **self.answers}
        lines = [f"{json.dumps(name)}: {json.dumps(every[name], ensure_ascii=False)}" for name in sorted(every)]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
