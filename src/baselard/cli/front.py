"""Words before the command: where to work, and which engine gets the line."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from baselard.engine.errors import HostError, UserError

ENGINES = ("embedded", "dagger")
MADE_FOR = "0.21"
NO_DAEMON = "--no-daemon"
WORDS = (
    ("-C", "work in that directory"),
    ("--engine", f"what does the work: {' or '.join(ENGINES)}"),
    (NO_DAEMON, "in this process alone, without an engine that stays"),
    ("--rootless", "as root of a user namespace, without sudo"),
    ("--no-rootless", "as root, by sudo if need be"),
    ("--userns", "single: where all files belong to one user"),
)
"""What may stand before the command, with a line about each."""
VALUED = {"-C": "DIR", "--engine": "NAME", "--userns": "MODE"}
"""Those that take a value, with what help calls it."""
_ROOTLESS = {"--rootless": "1", "--no-rootless": "0"}
_HERE = ("-h", "--help", "help", "version", "--version", "completion", "complete", "man")  # what any system can do
_SYSTEMS = {"darwin": "macOS", "win32": "Windows"}


def passed(argv: Sequence[str]) -> list[str]:
    """The command line from the command on, after what stands before it was heeded. Does not return for dagger's.

    Raises UserError for what is wrong with these, HostError for a system that cannot do it.
    """
    engine, line = os.environ.pop("BASELARD_ENGINE", "") or ENGINES[0], list(argv)
    for name, value in _taken(line):
        if name in _ROOTLESS:
            os.environ["BASELARD_ROOTLESS"] = _ROOTLESS[name]
        elif name == "-C":
            _enter(value)
        elif name == "--userns":
            os.environ["BASELARD_USERNS"] = value
        elif name == "--engine":
            engine = _named(value)
    if (namespace := os.environ.get("BASELARD_USERNS", "")) not in ("", "single"):
        raise UserError(f"--userns {namespace}: there is single, where all files belong to one user")
    if engine not in ENGINES:
        raise UserError(f"--engine {engine}: there is embedded and dagger")
    if engine == "dagger":
        _hand_on(line)
    if sys.platform != "linux" and line and line[0] not in _HERE:
        raise HostError(
            f"the embedded engine is for Linux, and this is {_SYSTEMS.get(sys.platform, sys.platform)}: here the same "
            f"functions run on Dagger's engine, which its program `dagger` starts in Docker; install Dagger "
            f"{MADE_FOR} and say `baselard --engine dagger {' '.join(line[:2])}`, or work in a Linux machine"
        )
    return line


def entered(argv: Sequence[str]) -> list[str]:
    """The command line from the command on, in the directory that -C names, for who only looks at it."""
    line = list(argv)
    for name, value in _taken(line):
        if name == "-C" and value:
            _enter(value)
    return line


def _taken(line: list[str]) -> Iterator[tuple[str, str]]:
    """Each word before the command with its value, taken off the line. Raises UserError for a value too many.

    NO_DAEMON was heeded by baselard.resident.client, before anything else.
    """
    while line and line[0].partition("=")[0] in dict(WORDS):
        name, equals, value = line.pop(0).partition("=")
        if equals and name not in VALUED:
            raise UserError(f"{name} takes no value")
        yield name, line.pop(0) if name in VALUED and not equals and line else value


def _named(engine: str) -> str:
    if not engine:
        raise UserError("--engine needs a value: embedded or dagger")
    return engine


def _enter(directory: str) -> None:
    if not directory:
        raise UserError("-C needs a value: the directory to work in")
    try:
        os.chdir(directory)
    except OSError as error:
        raise UserError(f"-C {directory}: there is no such directory, or it may not be entered: {error}") from None


def _hand_on(line: Sequence[str]) -> None:
    """Become the Dagger command line. Raises HostError where it or its engine is not there."""
    from baselard.engine.host import process  # help needs no engine

    if not (dagger := process.which("dagger")):
        raise HostError("--engine dagger: there is no dagger in PATH; install the Dagger CLI 0.21 first")
    told = process.run((dagger, "version"), check=False).stdout.decode(errors="replace")
    version = re.match(r"dagger v(\S+)", told)
    if version and not version[1].startswith(f"{MADE_FOR}."):
        sys.stderr.write(
            f"baselard: the dagger in PATH is v{version[1]}: Baselard is made for {MADE_FOR}, which another may not "
            "serve\n"
        )
    _require_socket(os.environ.get("_EXPERIMENTAL_DAGGER_RUNNER_HOST", ""))
    sys.stderr.flush()
    os.execv(dagger, ["dagger", *_with_module(line)])  # noqa: S606 -- the user's own


def _require_socket(host: str) -> None:
    """Raise HostError for an address without an engine: dagger itself would try for minutes without a word."""
    scheme, _, path = host.partition("://")
    if scheme == "unix" and not Path(path).is_socket():
        raise HostError(
            f"there is no engine at _EXPERIMENTAL_DAGGER_RUNNER_HOST={host}: start it, or unset the variable"
        )


def _with_module(line: Sequence[str]) -> list[str]:
    """A call where no module is, neither named nor above, is one of Baselard's own functions on this directory."""
    from baselard.engine.host import checkout  # help needs no engine
    from baselard.engine.modules import source

    names = {word.partition("=")[0] for word in line}
    if line[:1] != ["call"] or names & {"-m", "--mod", "--source"} or source.nearest(Path.cwd()):
        return list(line)
    return ["call", "-m", str(checkout.MODULE), "--source", ".", *line[1:]]
