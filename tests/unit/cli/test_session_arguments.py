"""The arguments SDKs start a session with."""

from pathlib import Path

import pytest

from baselard.cli import session
from baselard.engine.errors import UserError


def test_python_s_arguments(tmp_path: Path) -> None:
    argv = [
        "--label",
        "dagger.io/sdk.name:python",
        "--label=x:y",
        "--workdir",
        str(tmp_path),
        "--load-workspace-modules",
    ]
    assert session.parse([*argv, "--project", "/p"]) == session.Asked(tmp_path, modules=True)


def test_the_dagger_program_s_arguments(tmp_path: Path) -> None:
    """cmd/dagger/session.go at 0.21.8: ``--version`` names the client's, and has a value."""
    argv = ["--version", "v0.21.8", "--skip-workspace-modules", "-W", ".", f"--workdir={tmp_path}"]
    assert session.parse(argv) == session.Asked(tmp_path)


def test_without_a_directory_it_is_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert session.parse([]).workdir == tmp_path


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
        session.parse(argv)
