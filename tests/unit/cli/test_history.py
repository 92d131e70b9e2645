"""Earlier runs as text and as JSON: what a reader of a terminal and a program see."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.cli import compare, comparison, history, parser, past
from baselard.cli.comparison import Change, Turned
from baselard.engine.errors import UserError
from baselard.engine.store import runs
from baselard.engine.store.database import Store
from baselard.engine.store.runs import Commit, Judgement, RecordedRun

GOOD = Judgement("hello", "passed", False, 2, 1.5, {"build": 1.0, "test": 0.5}, sizes={"unpacked": 5_000_000})
BAD = replace(GOOD, verdict="failed", blocks=True, why="port: closed\x1b[2J", phases={"build": 3.0, "test": 0.55})
OTHER = Judgement("bare", "noted")
TREE = Commit("main", "0123456789" * 4, True)
BEFORE = RecordedRun("/p", ("call", "test-examples"), 0.0, 2.0, 0, TREE, (GOOD, OTHER), 3)
AFTER = replace(BEFORE, code=1, judgements=(replace(BAD, sizes={"unpacked": 6_000_000}), OTHER), number=4)


def test_a_table_has_a_line_for_each_run() -> None:
    assert past.table([AFTER, BEFORE]) == (
        "RUN  RESULT         SECONDS  STARTED      COMMIT      CALL\n"
        "4    1 of 2 failed  2.0      01-01 00:00  012345678+  test-examples\n"
        "3    all 2 passed   2.0      01-01 00:00  012345678+  test-examples\n"
    )


@pytest.mark.parametrize("width", [20, 40, 59, 60, 80, 200])
def test_a_table_stays_within_its_terminal(width: int) -> None:
    long = replace(AFTER, words=("call", "test-examples", "--only", "a" * 300))
    lines = past.table([long], width).splitlines()
    assert max(map(len, lines)) <= width
    assert all("1 of 2 failed" in line for line in lines[1:] if width >= 40)


def test_one_run_tells_why_it_failed_and_no_escape_of_it_acts() -> None:
    hostile = replace(AFTER, place="/p\x1b[2J", words=("a\x1b[2J",), tree=replace(TREE, branch="b\x1b[2J"))
    assert "\x1b" not in past.one(hostile) + past.table([hostile])
    shown = past.one(AFTER)
    assert "✘ failed  hello     1.5 s  build 3.0 s, test 0.6 s\n    port: closed[2J\n✔ noted   bare\n" in shown
    assert "on 012345678 (main) with changes in /p" in shown


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_but_a_reason_is_wider_than_the_terminal(width: int) -> None:
    long = replace(BAD, name="a-name-of-many-letters " * 3, phases={"build": 9.0, "test": 100.0})
    before = replace(BEFORE, words=("call", "a" * 300), judgements=(replace(long, phases={"build": 1.0, "test": 1.0}),))
    after = replace(AFTER, judgements=(long,))
    tables = past.one(after, width).split("\n\n")[1] + comparison.text(comparison.compared(before, after), width)
    assert max(len(line) for line in tables.splitlines() if "port: closed" not in line) <= width
    assert "+99.0" in tables


def test_words_that_say_how_a_call_is_shown_are_left_out() -> None:
    words = ("call", "--progress", "plain", "-q", "test-examples", "--only", "a-q", "--progress=dots", "-vv")
    assert past.call(replace(BEFORE, words=words)) == "test-examples --only a-q"


def test_runs_that_passed_otherwise_say_how() -> None:
    flaky = replace(BEFORE, judgements=(GOOD, replace(OTHER, verdict="flaky")))
    assert past.result(flaky) == "1 passed, 1 flaky"
    assert past.result(BEFORE) == "all 2 passed"


def test_a_comparison_has_verdicts_seconds_and_sizes_that_differ() -> None:
    found = comparison.compared(BEFORE, replace(AFTER, judgements=(*AFTER.judgements, replace(GOOD, name="new"))))
    assert found.verdicts == (
        Turned("hello", "passed", "failed", "port: closed\x1b[2J"),
        Turned("new", "absent", "passed"),
    )
    assert found.same == 1
    assert found.seconds == (Change("hello", "build", 1.0, 3.0), Change("hello", "test", 0.5, 0.55))
    assert found.sizes == (Change("hello", "unpacked", 5e6, 6e6),)


def test_a_comparison_for_people_leaves_out_what_nobody_would_notice() -> None:
    assert comparison.text(comparison.compared(BEFORE, AFTER)).partition("\n\n")[2] == (
        "hello: passed → failed: port: closed[2J\n"
        "1 other verdict is as before\n\n"
        "seconds      before  after  change\n"
        "hello build     1.0    3.0    +2.0\n\n"
        "sizes in MB     before  after  change\n"
        "hello unpacked     5.0    6.0    +1.0\n"
    )


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BASELARD_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("baselard.engine.host.privilege.may_mount", lambda: True)
    monkeypatch.chdir(tmp_path)
    opened = Store.open(tmp_path / "store")
    runs.add(opened, replace(BEFORE, place=str(tmp_path)))
    runs.add(opened, replace(AFTER, place="/elsewhere"))
    opened.close()
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    asked = parser.read(words[0], words[1:])
    if words[0] == "compare":
        compare.run(asked.before, asked.after, asked.line, as_json=asked.json)
    else:
        history.run(asked.words, asked.line, everywhere=asked.all, as_json=asked.json)
    return capsys.readouterr().out


def test_a_listing_is_about_this_tree(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["run"] for one in json.loads(ran(capsys, "history", "--json"))] == [1]
    assert [one["run"] for one in json.loads(ran(capsys, "history", "--all", "--json"))] == [2, 1]
    assert "all 2 passed" in ran(capsys, "history")


def test_json_has_all_that_is_known(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(ran(capsys, "history", "show", "2", "--json"))
    assert shown["judgements"][0]["phases"] == {"build": 3.0, "test": 0.55}
    assert shown["tree"] == {"branch": "main", "commit": "0123456789" * 4, "changed": True}
    compared = json.loads(ran(capsys, "compare", "1", "2", "--json"))
    assert (compared["before"], compared["after"], compared["same"]) == (1, 2, 1)
    assert compared["sizes"] == [{"name": "hello", "what": "unpacked", "before": 5e6, "after": 6e6}]


def test_an_empty_history_says_so(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / "empty").mkdir()
    monkeypatch.chdir(store / "empty")
    assert ran(capsys, "history") == (
        f"no run is recorded about {store}/empty yet: baselard call test-examples makes one\n"
    )
    assert json.loads(ran(capsys, "history", "--json")) == []


@pytest.mark.parametrize("number", ["9", "0", "-", "last", "1.0", "\u0661", "9" * 30])
def test_an_unknown_run_is_told(store: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    with pytest.raises(UserError, match=f"there is no run {number}; the last one is 2: baselard history lists them"):
        ran(capsys, "history", "show", number)
    with pytest.raises(UserError, match="there is no run"):
        ran(capsys, "compare", "1", number)


@pytest.mark.parametrize("words", [["shwo", "1"], ["show"], ["show", "1", "2"], ["1"]])
def test_other_words_are_told(store: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(UserError, match="write baselard history, or baselard history show RUN"):
        ran(capsys, "history", *words)
