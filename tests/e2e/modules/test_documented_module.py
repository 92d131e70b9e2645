"""A module made of what the public documentation of Python modules shows; it runs here as it is documented there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from baselard.cli import start
from baselard.cli.main import main

MODULE = Path(__file__).with_name("documented")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("documented")
    names = {"BASELARD_STORE": "store", "BASELARD_CACHE": "cache", "BASELARD_RUN": "run"}
    return {variable: str(root / name) for variable, name in names.items()}


@pytest.fixture
def baselard(places: dict[str, str]):
    def run(*words: str, cwd: Path = MODULE) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "baselard.cli", *words]
        env = {**os.environ, **places, "TOKEN": "four"}
        return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def quickly(places: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What needs no engine, run in this very process."""
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(MODULE)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        return code, *capsys.readouterr()

    return run


def test_a_python_yet_to_come_is_a_warning_at_first_sight(baselard) -> None:
    done = baselard("functions")
    assert done.returncode == 0
    assert "warning: the module asks for Python >=3.14; it is tried with 3." in done.stderr
    assert "message        Return a greeting message\n" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("call --help", ["Greets, and looks at directories.", "--site Directory   What is served (default: site)"]),
        ("call message --help", ["Return a greeting message\n", "--name String  Whom to greet (default: World)"]),
        ("call scan --help", ["Vulnerability severity levels. (one of LOW, HIGH; required)", "--more [Severity]"]),
        ("call old --help", ["(deprecated: It has no meaning any more)"]),
        ("call import --help", ["--from String  (required)"]),
        ("functions organization", ["members", "One of the members, or nothing"]),
        ("check --list", ["has-index   The site has an index", "is-long"]),
    ],
)
def test_help_is_what_the_code_says(quickly, words: str, says: list[str]) -> None:
    code, out, _ = quickly(*words.split())
    assert code == 0
    assert not [text for text in says if text not in out]


@pytest.mark.parametrize(
    ("words", "prints"),
    [
        ("call message", "Hello, World!"),
        (
            "call --greeting Hi --loud with-name --name Ada with-name --name Eve message --name Bob",
            "HI, Ada, Eve, Bob!",
        ),
        ("call import --from here", "from here"),
        ("call scan --severity HIGH --more LOW,HIGH", "high low high"),
        ("call severity", "HIGH"),
        ("call sums --numbers 1,2 --numbers 3 --factor 2 --negative", "-12.0"),
        ("call accounts username", "ada\nbob\n"),
        ("call organization members url", "https://example.org/ada\nhttps://example.org/bob\n"),
        ("call organization member --username bob email", "bob@example.org"),
        ("call organization member --username nobody", ""),
        ("call entries", "pyproject.toml\n"),
        ("call tree entries", "index.html\n"),
        ("call --site src tree entries", "my_module/\n"),
        ("call read --source site/draft.tmp", "draft\n"),
        ("call length --token env:TOKEN", "4"),
        ("call box directory --path /site entries", "index.html\n"),
        ("call box label --name by", "my-module"),
        ("call box --platform linux/arm64 platform", "linux/arm64"),
        ("call settings", '{"a": [1, 2]}'),
        ("call foo", "nobody foos"),
    ],
)
@pytest.mark.root
def test_a_call_prints_its_result(baselard, words: str, prints: str) -> None:
    done = baselard(*words.split())
    assert (done.returncode, done.stdout) == (0, prints), done.stderr


@pytest.mark.root
def test_objects_as_json(baselard) -> None:
    done = baselard("call", "-j", "organization")
    ada, bob = ({"username": "ada", "email": ""}, {"username": "bob", "email": "bob@example.org"})
    assert json.loads(done.stdout) == {"url": "https://example.org", "members": [ada, bob]}


@pytest.mark.root
def test_a_result_goes_to_a_file(baselard, tmp_path: Path) -> None:
    assert baselard("call", "-o", str(tmp_path / "site"), "tree").returncode == 0
    assert os.listdir(tmp_path / "site") == ["index.html"]
    assert baselard("call", "-o", str(tmp_path / "said"), "message").stdout == "Hello, World!"
    assert (tmp_path / "said").read_text() == "Hello, World!"


@pytest.mark.root
def test_what_is_deprecated_is_said_and_works(baselard) -> None:
    done = baselard("call", "old", "--how", "yet")
    assert (done.stdout, done.stderr) == ("yet", "warning: --how is deprecated: It has no meaning any more\n")
    done = baselard("call", "say")
    assert (done.stdout, done.stderr) == ("Hello, World!", "warning: say is deprecated: Say message\n")


@pytest.mark.root
def test_checks_run_and_the_failing_one_is_named(baselard) -> None:
    done = baselard("check")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 of 2 failed: is-long"
    assert "index.html has 16 characters" in done.stderr
    assert baselard("check", "has-*").returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("call mesage", "unknown function mesage; did you mean message?"),
        ("call message --nane x", "unknown flag --nane; did you mean --name?"),
        ("call scan", "missing: --severity (function scan)"),
        ("call scan --severity HIHG", "unknown value HIHG; did you mean HIGH? (one of LOW, HIGH)"),
        ("call sums --numbers a", "--numbers a: "),
        ("call read --source nothing", "--source nothing: there is no such file or directory"),
        ("call read --source site", "--source site: a file is expected"),
        ("call length --token env:NOTHING", "--token env:NOTHING: the variable is not set"),
        ("call must-foo", "--fooer (function must-foo): an object of the interface Fooer has no name"),
        ("call foo --fooer x", "--fooer x: an object of the interface Fooer has no name on a command line"),
        ("call message upper", "message returns String, which has no functions: upper cannot follow"),
        ("check has-idnex", "unknown check has-idnex; did you mean has-index?"),
        ("functions organisation", "unknown function organisation; did you mean organization?"),
    ],
)
def test_what_is_wrong_is_found_before_anything_starts(
    quickly, monkeypatch: pytest.MonkeyPatch, words: str, says: str
) -> None:
    monkeypatch.setattr(start, "engine", None)
    code, out, err = quickly(*words.split())
    assert (code, out) == (2, "")
    assert says in err.splitlines()[-1]
    assert len(err.splitlines()) <= 2, err
