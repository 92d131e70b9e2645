"""The scripts in the shells that run them. Judges: bash, zsh and fish."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
BASH = """\
source <(baselard completion bash)
COMP_LINE=$1 COMP_POINT=${#1}
COMP_WORDS=($1) && [[ $1 != *" " ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[[ $1 != *=dot ]] || COMP_WORDS[COMP_CWORD]=dot  # as readline takes it apart
_baselard
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """\
compdef() { : }
_describe() { print -rl -- "${(@P)2}" }
_files() { : }
source <(baselard completion zsh)
words=("${(@s: :)1}") CURRENT=$#words
_baselard
"""


@pytest.fixture
def shell(tmp_path: Path):
    """Runs a script in a shell that has `baselard` in its PATH and the line to complete as its argument."""
    (tmp_path / "baselard").symlink_to(CHECKOUT / "baselard")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(tmp_path)}

    def run(name: str, script: str, line: str, *options: str) -> list[str]:
        program = shutil.which(name) or pytest.skip(f"{name} is not installed")
        argv = [program, *options, "-c", script, *([name] if name != "fish" else []), line]
        done = subprocess.run(
            argv, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.splitlines()

    return run


LINES = pytest.mark.parametrize(
    ("line", "words"),
    [
        ("baselard hist", ["history"]),
        ("baselard call test-exam", ["test-example", "test-examples"]),
        ("baselard call test-examples --onl", ["--only"]),
        ("baselard cache ", ["export", "import"]),
        ("baselard cache export ", []),
    ],
)


@LINES
def test_bash_and_fish_are_given_the_words(shell, line: str, words: list[str]) -> None:
    assert [word for word in shell("bash", BASH, line, "--norc") if word] == words
    script = "baselard completion fish | source; complete -C $argv[1]"
    offered = [word.split("\t")[0] for word in shell("fish", script, line, "--no-config")]
    assert offered == words or (not words and "README.md" in offered)


@LINES
def test_zsh_is_given_them_with_what_they_mean(shell, line: str, words: list[str]) -> None:
    """What the completion system would be told: it takes a word and a colon before the words about it."""
    offered = shell("zsh", ZSH, line, "-f")
    assert [entry.split(":")[0] for entry in offered] == words
    assert all(entry.split(":")[1] or "cache" in line for entry in offered)


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_scripts_are_whole(shell, name: str, tmp_path: Path) -> None:
    """Judge: the shell's own parser."""
    shell(name, f"baselard completion {name} >{tmp_path}/script; {name} -n {tmp_path}/script", "")
