"""``baselard man``: the manual page, from the table of commands and their parsers; a wheel carries it as a file.

In man(7)'s macros, of which a page of this kind needs five; https://man7.org/linux/man-pages/man7/groff_man.7.html.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import NoReturn

from baselard.cli import front, parser
from baselard.engine.errors import HostError

_ABOUT = """\
Baselard builds a container base image once, hands the built object to every example that starts FROM it, tests them
in parallel, and publishes exactly what was tested. What can be called are the functions of a Dagger module:
Baselard's own, or that of the tree. `baselard call --help` lists them, `baselard call FUNCTION --help` tells of one."""
_STATUS = (
    ("0", "done, and every check passed"),
    ("1", "the work or a check failed"),
    ("2", "wrong use, a configuration that cannot be, or a machine that lacks something"),
    ("3", "a bug in Baselard"),
    ("130", "interrupted"),
)


def run(commands: Mapping[str, str]) -> int:
    """Show the page on a terminal, else write it. Raises HostError where nothing shows it."""
    if sys.stdout.isatty():
        _open(page(commands))
    sys.stdout.write(page(commands))
    return 0


def _open(text: str) -> NoReturn:
    """Become the program that shows it."""
    if not (program := shutil.which("man")):
        raise HostError("there is no man here: install man-db, or read `baselard COMMAND --help`")
    read, write = os.pipe()
    os.write(write, text.encode())  # shorter than a pipe holds
    os.close(write)
    os.dup2(read, 0)
    os.execv(program, [program, "-l", "-"])  # noqa: S606 -- the user's own


def page(commands: Mapping[str, str]) -> str:
    """The whole page, as roff; ``commands`` by name, each with the line about it."""
    return "\n".join(_lines(commands)) + "\n"


def _lines(commands: Mapping[str, str]) -> Iterator[str]:
    yield from ('.TH BASELARD 1 "" Baselard "User Commands"', ".SH NAME")
    yield r"baselard \- build a container base image once, test every example on it, publish what was tested"
    yield from (".SH SYNOPSIS", r".B baselard", r"[\-C DIR] [\-\-engine embedded|dagger] [\-\-no\-daemon] COMMAND ...")
    yield from (".SH DESCRIPTION", _text(_ABOUT), ".SH OPTIONS")
    for word, about in front.WORDS:
        yield from _item(f"{word} {front.VALUED.get(word, '')}".rstrip(), about)
    yield ".SH COMMANDS"
    for name, about in commands.items():
        yield from _command(name, about)
    yield ".SH EXIT STATUS"
    for code, meaning in _STATUS:
        yield from _item(code, meaning)
    yield from (".SH SEE ALSO", _text("https://github.com/baselard/baselard"))


def _command(name: str, about: str) -> Iterator[str]:
    own = parser.of("call" if name == "watch" else name)
    line = own.line.replace("call", name, 1)
    yield from (f".SS {_text(line)}", _text(about[:1].upper() + about[1:] + "."))
    if own.about:
        yield from (".PP", _text(own.about))
    if name == "watch":
        yield from (".PP", _text("The options are those of call."))
        return
    for option, meaning in own.rows():
        yield from _item(option, meaning)


def _item(head: str, about: str) -> Iterator[str]:
    yield from (".TP", rf"\fB{_text(head)}\fR", _text(about))


def _text(text: str) -> str:
    """Text in which nothing is a request or an escape, and a hyphen is one that can be copied."""
    escaped = text.strip().replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    return "\n".join(rf"\&{line}" if line[:1] in (".", "'") else line for line in escaped.splitlines())
