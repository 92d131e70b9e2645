"""The arguments SDKs start a session with."""

from pathlib import Path

import pytest

from baselard.cli import parser, session
from baselard.engine.errors import UserError


def asked(argv: list[str]) -> tuple[Path, bool]:
    read = parser.read("session", argv)
    return session.directory(read.workdir), read.modules


def test_python_s_arguments(tmp_path: Path) -> None:
    argv = [
        "--label",
        "dagger.io/sdk.name:python",
        "--label=x:y",
        "--workdir",
        str(tmp_path),
        "--load-workspace-modules",
    ]
    assert asked([*argv, "--project", "/p"]) == (tmp_path, True)


def test_the_dagger_program_s_arguments(tmp_path: Path) -> None:
    """cmd/dagger/session.go at 0.21.8: ``--version`` names the client's, and has a value."""
    argv = ["--version", "v0.21.8", "--skip-workspace-modules", "-W", ".", f"--workdir={tmp_path}"]
    assert asked(argv) == (tmp_path, False)


def test_without_a_directory_it_is_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert asked([]) == (tmp_path, False)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--workdri", "x"], "unknown option --workdri; did you mean --workdir"),
        (["--label"], "--label needs a value"),
        (["--workdir", "/not/there"], "there is no such directory"),
    ],
)
def test_mistakes(argv: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        asked(argv)
