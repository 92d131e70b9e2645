"""What becomes of a command whose streams, arguments or directory are odd: a sentence, and the exit code for it."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from baselard.cli import crash

ROOT = Path(crash.__file__).parents[2]


def _run(line: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[bytes]":
    """A shell's command line, where ``baselard`` is the command line in this Python."""
    command = f"baselard() {{ '{sys.executable}' -m baselard.cli \"$@\"; }}; {line}"
    places = {"PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        ["bash", "-c", command], cwd=cwd, env={**os.environ, **places}, capture_output=True, check=False
    )


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("baselard version >&-", 2, b"the result cannot be written: Bad file descriptor\n"),
        ("baselard version >/dev/full", 2, b"the result cannot be written: No space left on device\n"),
        ("baselard --help >/dev/full", 2, b"the result cannot be written: No space left on device\n"),
        ("baselard version <&-", 0, b""),
        ("baselard version 2>&-", 0, b""),
        ("baselard version 2>/dev/full", 0, b""),
        ("baselard nonsense 2>&-", 2, b""),
        ("baselard nonsense 2>/dev/full", 2, b""),
        ("baselard nonsense <&- >&- 2>&-", 2, b""),
        ("baselard --help | true; exit ${PIPESTATUS[0]}", 1, b""),
        ("baselard doctor $'a\\xffb'", 2, rb"the argument 'a\udcffb' is not UTF-8 text" + b"\n"),
        ("baselard $'a\\xffb'", 2, b"unknown command a\xffb\n"),
        ("LC_ALL=C baselard $'\\xc3\\xa4'", 2, "unknown command \u00e4\n".encode()),
        ("LC_ALL=C PYTHONIOENCODING=latin-1 baselard $'\\xe2\\x86\\x92'", 2, "unknown command \u2192\n".encode()),
        ("unset HOME; baselard version", 0, b""),
        ("baselard test --help | true; exit ${PIPESTATUS[0]}", 1, b""),
    ],
)
def test_streams_and_arguments(line: str, code: int, says: bytes, tmp_path: Path) -> None:
    done = _run(line, tmp_path)
    assert (done.returncode, done.stderr) == (code, says)


def test_a_directory_that_has_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = _run("cd gone && rmdir ../gone && baselard init", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(b"the working directory cannot be used (No such file or directory)")
    assert _run("mkdir gone; cd gone && rmdir ../gone && baselard version", tmp_path).returncode == 0


def test_no_file_of_ours_gets_the_number_of_a_stream(tmp_path: Path) -> None:
    """A database on descriptor 1 would be written over by the result."""
    code = "from baselard.cli import streams; streams.prepare(); import os; print(os.open('/', 0))"
    done = _run(f"'{sys.executable}' -c \"{code}\" <&- 2>&-", tmp_path)
    assert int(done.stdout) > 2


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        ("mkdir -p base/Dockerfile", 2, "there is no Dockerfile below "),
        ("mkdir baselard.yaml base; echo FROM scratch > base/Dockerfile", 2, "baselard.yaml is there already"),
        ("mkdir base; echo FROM scratch > base/Dockerfile; touch .github", 2, "cannot be written: Not a directory"),
        ("mkdir base; mkfifo base/Dockerfile", 2, "there is no Dockerfile below "),
        ("mkdir base; ln -s Dockerfile base/Dockerfile", 2, "there is no Dockerfile below "),
    ],
)
def test_init_where_things_are_odd(make: str, code: int, says: str, tmp_path: Path) -> None:
    subprocess.run(["sh", "-e", "-c", make], cwd=tmp_path, check=True)
    line = "baselard init --github" if "touch" in make else "baselard init"
    done = _run(line, tmp_path)
    assert done.returncode == code, done.stderr
    assert says.encode() in done.stderr
    assert b"a bug" not in done.stderr


class _MuteError(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("argv", [["call", "x"], ["call", "a\udcff\ud800"]])
@pytest.mark.parametrize("error", [ValueError("a\udcff\ud800"), _MuteError(), RecursionError()])
def test_a_report_is_always_made(
    argv: Sequence[str], error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(os.environb, b"ODD\xff", b"x")
    said = crash.report(argv, error)
    name = re.search(r"the whole story is in (\S+)", said)
    assert name
    assert type(error).__name__ in said
    assert type(error).__name__ in Path(name[1]).read_text()


@pytest.mark.parametrize("place", ["no/where", "a file", "/dev/full"])
def test_a_report_that_cannot_be_written_is_shown(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / place))
    said = crash.report(["call"], ZeroDivisionError("oh"))
    assert "command: baselard call" in said and "ZeroDivisionError: oh" in said
    assert "no file can be written for this: " in said


def test_a_bug_with_nowhere_to_write_ends_as_one(tmp_path: Path) -> None:
    code = "import baselard.cli.version as v; v.number = lambda: 1 / 0; from baselard.cli.main import main; "
    line = f"'{sys.executable}' -c \"import sys; {code}sys.exit(main(['version']))\""
    done = _run(line, tmp_path, TMPDIR="/proc/self/fdinfo")
    assert done.returncode == 3
    assert b"ZeroDivisionError: division by zero" in done.stderr
