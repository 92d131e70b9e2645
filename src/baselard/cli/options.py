"""Requests of a command line apart from the functions it calls."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass


class Help(Exception):  # noqa: N818 -- nothing went wrong
    """Help was asked for; the text of it."""


@dataclass(frozen=True)
class Options:
    """The flags of ``call``, ``check`` and ``functions``, by the names that ``parser`` gives them.

    ``module`` is as given to ``-m``, ``output`` the path of ``-o``.
    """

    module: str = ""
    output: str = ""
    json: bool = False
    quiet: int = 0
    verbose: int = 0
    progress: str = "auto"
    no_cache_exec: bool = False
    interactive: bool = False
    interactive_command: str = "/bin/sh"
    last_failed: bool = False
    failed_first: bool = False
    help: bool = False

    @property
    def on_failure(self) -> tuple[str, ...]:
        """The program that opens in the container of a command that failed, as argv; empty when nothing does."""
        return tuple(shlex.split(self.interactive_command)) if self.interactive else ()


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """The sentence that says ``given`` is not known, with what was probably meant."""
    import difflib  # only a mistake needs it

    names = {name.lstrip("-"): name for name in known}
    word = given.lstrip("-")
    near = difflib.get_close_matches(word, names, n=1) or [name for name in names if word and name.startswith(word)]
    return f"unknown {what} {given}" + (f"; did you mean {names[near[0]]}?" if near else "")
