"""Exit codes: what ended how, and where that is said."""

import re
from pathlib import Path
from typing import Any

import pytest

from baselard.cli import main
from baselard.cli.commands import COMMANDS
from baselard.engine.errors import EngineError, ExecError, HostError, UnsupportedError, UserError


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the next command raise."""

    def set_up(error: BaseException) -> None:
        def run(argv: list[str]) -> int:
            raise error

        monkeypatch.setattr("baselard.cli.call.run", run)

    return set_up


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("bad word"), 2),
        (HostError("no runc"), 2),
        (EngineError("went wrong"), 1),
        (UnsupportedError("Query.llm", "none"), 1),
        (ExecError(["false"], 1), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_have_their_exit_codes(
    raising: Any, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    raising(error)
    assert main.main(["call"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_a_failed_command_comes_last_with_its_own_words(raising: Any, capsys: pytest.CaptureFixture[str]) -> None:
    raising(ExecError(["make", "all"], 2, "out\n", "err\n"))
    main.main(["call"])
    assert capsys.readouterr().err == "out\nerr\nmake all: exit code: 2\n"


def test_a_bug_leaves_a_report_without_values_of_variables(
    raising: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("MY_TOKEN", "very-secret")
    raising(ZeroDivisionError("oh"))
    assert main.main(["call", "x"]) == 3
    said = capsys.readouterr().err
    path = re.search(r"the whole story is in (\S+)", said)
    assert path
    report = Path(path[1]).read_text()
    assert "ZeroDivisionError: oh" in report and "Traceback" in report
    assert "MY_TOKEN" in report and "very-secret" not in report


def test_help_fits_one_screen_and_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 24
    named = {name for name in COMMANDS if re.search(rf"^  {name} ", text, re.MULTILINE)}
    assert "\n`baselard call --help`" in text and "`baselard man`" in text
    # for whoever works on Baselard, for SDKs, for the shells' scripts, and to end what ends by itself
    assert set(COMMANDS) - named == {"man", "test", "bench", "session", "complete", "stop"}


def test_an_unknown_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["cal"]) == 2
    assert capsys.readouterr().err == "unknown command cal; did you mean call?\n"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_there(name: str) -> None:
    import importlib

    assert callable(importlib.import_module(f"baselard.cli.{name}").run)
    assert f"_{name}" == COMMANDS[name].run.__name__
