"""The manual page. Judges: mandoc's lint, groff's own warnings, and man's formatting."""

import re
import shutil
import subprocess

import pytest

from baselard.cli import main, man, parser
from baselard.cli.commands import COMMANDS, shown

PAGE = man.page(shown())


def ran(program: str, *options: str) -> "subprocess.CompletedProcess[str]":
    found = shutil.which(program) or pytest.skip(f"{program} is not installed")
    return subprocess.run([found, *options], input=PAGE, capture_output=True, text=True, check=False)


def test_nothing_is_wrong_with_it() -> None:
    """But that it has no date: it would be that of the build, and two builds are to be the same."""
    told = ran("mandoc", "-Tlint", "-W", "warning").stdout.splitlines()
    assert [line for line in told if "missing date" not in line] == []


def test_a_reader_sees_every_command_with_every_option() -> None:
    plain = re.sub(".\b", "", ran("mandoc", "-Tutf8", "-O", "width=200").stdout)  # bold is written twice
    for name, command in COMMANDS.items():
        assert bool(re.search(rf"baselard {name}\b", plain)) == command.shown, name
    options = {option for name in shown().keys() & parser.BUILT.keys() for option in parser.of(name).names}
    assert {option for option in options if option not in plain} == set()


def test_man_itself_shows_it() -> None:
    done = ran("man", "-l", "--warnings=w", "-")
    assert "EXIT STATUS" in done.stdout and done.stderr == ""


def test_without_a_terminal_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["man"]) == 0
    assert capsys.readouterr() == (PAGE, "")
