"""What a command line may go on with. Judges: the table of commands, the parsers, and the module's own registration."""

from pathlib import Path

import pytest

from baselard.cli import front, main, parser
from baselard.cli.commands import COMMANDS
from baselard.engine.host import checkout
from baselard.engine.modules import environment


@pytest.fixture
def offered(capsys: pytest.CaptureFixture[str]):
    """The words that may stand in the place of the last one."""

    def words(*line: str) -> list[str]:
        assert main.main(["complete", *line]) == 0
        said = capsys.readouterr()
        assert said.err == ""
        return [text.split("\t")[0] for text in said.out.splitlines()]

    return words


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def registered(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for all lines: what functions the module has is asked of it once, which takes seconds."""
    monkeypatch.setenv("BASELARD_CACHE", str(cache))


def test_the_commands_of_the_help_and_what_stands_before_them(offered) -> None:
    assert offered("") == [*(name for name, one in COMMANDS.items() if one.shown), *dict(front.WORDS)]
    assert offered("com") == ["compare", "completion"]
    assert offered("--engine", "") == ["embedded", "dagger"]
    assert offered("--engine", "embedded", "ch") == ["check"]
    assert offered("--no-rootless", "--userns", "") == ["single"]


@pytest.mark.parametrize("name", sorted(name for name in parser.BUILT.keys() - {"call"} if COMMANDS[name].shown))
def test_every_option_of_every_command(offered, name: str) -> None:
    assert set(offered(name, "--")) <= set(parser.of(name).names)
    assert len(offered(name, "--")) == len(list(parser.of(name).rows()))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["cache", ""], ["export", "import"]),
        (["cache", "export", ""], []),
        (["completion", "z"], ["zsh"]),
        (["check", "--progress", "d"], ["dots"]),
        (["check", "-m", ""], []),
        (["watch", "check", "--li"], ["--list"]),
        (["bench", ""], []),
        (["no-such", ""], []),
    ],
)
def test_values_where_there_are_a_few(offered, line: list[str], words: list[str]) -> None:
    assert offered(*line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["test-exam"], ["test-example", "test-examples"]),
        (["test-examples", "--onl"], ["--only"]),
        (["test-examples", "--only", ""], []),
        (["--progress", "d"], ["dots"]),
        (["-q", "base", "with-e"], ["with-entrypoint", "with-env-file-variables", "with-env-variable",
                                    "with-error", "with-exec", "with-exposed-port"]),
        (["base", "file", "--pa"], ["--path"]),
        (["base", "with-exec", "--expect", ""], ["ANY", "FAILURE", "SUCCESS"]),
        (["no-such", ""], []),
        (["test-examples", "--only", "a", "--no-such", ""], []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["call", "watch"])
@pytest.mark.usefixtures("registered")
def test_functions_with_their_flags_and_what_may_follow(offered, command: str, line: list[str], words) -> None:
    assert sorted(offered(command, *line)) == words


def test_nobodys_code_runs_to_complete_a_line(offered, tmp_path, monkeypatch) -> None:
    (tmp_path / "dagger.json").write_text('{"name": "m", "sdk": "python"}')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "m"\nversion = "1"\n')
    (tmp_path / "src/m").mkdir(parents=True)
    (tmp_path / "src/m/__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.setattr(environment, "interpreter", lambda *_: pytest.fail("it was to run"))
    assert offered("call", "-m", str(tmp_path), "") == []
    assert offered("call", "-m", "github.com/acme/module", "") == []
    assert offered("-C", str(checkout.ROOT / "nowhere"), "call", "") == []
