"""What is kept of a run: what its spans told of verdicts, without secrets; of any other run nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselard.cli import recording
from baselard.cli.recording import Recording
from baselard.engine.errors import UserError
from baselard.engine.progress.spans import REPORT, Span
from baselard.engine.store import runs
from baselard.engine.store.database import Store
from baselard.engine.store.runs import Commit, Judgement

TOLD = {"name": "hello", "verdict": "passed", "blocks": False, "cases": 2, "seconds": 1.5, "why": ""}
TOLD |= {"phases": {"build": 1.5}, "sizes": {"unpacked": 7}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def report(**changes: Any) -> Span:
    return Span("1", "report", attributes={REPORT: json.dumps([{**TOLD, **changes}])})


def test_a_call_that_tells_verdicts_is_kept_and_its_spans_go_on(store: Store, tmp_path: Path) -> None:
    heard: list[Span] = []
    listening = Recording(tmp_path, ["call", "test-examples"])
    with listening.kept(store, tuple):
        listening.listening(heard.append)(report())
    (run,) = runs.listed(store)
    assert heard == [report()]
    assert (run.place, run.words, run.code, run.tree) == (str(tmp_path), ("call", "test-examples"), 0, Commit())
    assert run.judgements == (Judgement("hello", "passed", False, 2, 1.5, {"build": 1.5}, "", {"unpacked": 7}),)


def test_a_call_that_judges_nothing_leaves_nothing(store: Store, tmp_path: Path) -> None:
    listening = Recording(tmp_path, ["call", "tags"])
    with listening.kept(store, tuple):
        listening.listening(lambda _: None)(Span("1", "tags"))
    assert runs.listed(store) == []


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (UserError("x"), 2), (RuntimeError(), 1)])
def test_a_run_that_fails_after_its_verdicts_is_kept_with_its_code(
    store: Store, tmp_path: Path, error: BaseException, code: int
) -> None:
    listening = Recording(tmp_path, [])
    with pytest.raises(type(error)), listening.kept(store, tuple):
        listening.listening(lambda _: None)(report(blocks=True))
        raise error
    assert [run.code for run in runs.listed(store)] == [code]


def test_no_secret_is_kept(store: Store, tmp_path: Path) -> None:
    words = ["call", "--label=hunter2", "--password", "cmd://echo x", "--at=https://me:pass@host/a", "--token=env:T"]
    listening = Recording(tmp_path, words)
    with listening.kept(store, lambda: [b"hunter2"]):
        listening.listening(lambda _: None)(report(name="a hunter2", why="said hunter2"))
    (run,) = runs.listed(store)
    assert run.words == ("call", "--label=***", "--password", "cmd:…", "--at=https://***@host/a", "--token=env:T")
    assert (run.judgements[0].name, run.judgements[0].why) == ("a ***", "said ***")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "{}x", "7", "[7]", "[[]]", '"a"', "[" * 100_000, json.dumps([{"name": "a"}])),
        *(json.dumps([{**TOLD, key: value}]) for key, value in {"cases": "1", "phases": 3, "sizes": {"a": []}}.items()),
        *(json.dumps([{**TOLD, "seconds": value}]) for value in (True, None, float("nan"), float("inf"))),
    ],
)
def test_what_is_no_report_judges_nothing(text: str) -> None:
    assert recording.judgements(text) == []
