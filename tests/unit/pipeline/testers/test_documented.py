"""The tester that the documentation shows, as it stands there, and the names that settings may say."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config.config import TestSettings
from pipeline.conventions import BASIC
from pipeline.goss.ready import Readiness
from pipeline.goss.run import How
from pipeline.testers import choose, known
from pipeline.testers.tester import Exam

ROOT = Path(__file__).resolve().parents[4]
(TEXT,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/reference/testers.md").read_text(), re.DOTALL)


@dataclass(frozen=True)
class Label:
    text: str

    async def name(self) -> str:
        return self.text


class Labelled:
    """An image with one label."""

    async def labels(self) -> list[Label]:
        return [Label("org.opencontainers.image.title")]


@pytest.mark.anyio
async def test_the_shown_tester_judges_and_is_found_by_its_files(repository, monkeypatch):
    shown: dict[str, type] = {}
    exec(TEXT, shown)  # the page's own text
    monkeypatch.setattr(known, "TESTERS", (shown["Labels"](), *known.TESTERS))
    monkeypatch.setattr(choose, "TESTS", {**choose.TESTS, "labels": ("labels.txt",)})
    tests = choose.chosen((), ["labels.txt"])
    assert tests == (TestSettings("labels", ("labels.txt",)),)
    source = repository({"examples/a/labels.txt": "org.opencontainers.image.title\nsource\n"})
    exam = Exam(Labelled(), None, source, "examples/a", How(), Readiness(), "n", None)  # type: ignore[arg-type]
    good, bad = (await known.judge(tests, exam)).cases
    assert (good.name, str(good.verdict)) == ("label org.opencontainers.image.title", "passed")
    assert (bad.message, str(bad.place)) == ("the image has no such label", "examples/a/labels.txt:2")


def test_it_takes_thirty_lines():
    assert len(TEXT.splitlines()) <= 30


def test_settings_may_name_each_tester():
    items = json.loads((ROOT / "pipeline/baselard.schema.json").read_text())["definitions"]["tests"]["items"]["anyOf"]
    names = {one.name for one in known.TESTERS}
    assert set(items[0]["enum"]) == {*choose.TESTS, BASIC}
    assert set(items[1]["properties"]) == (names | {"run", "timeout"}) - {"basic"}
