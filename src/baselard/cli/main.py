"""The way into a command, and the one place where errors become exit codes.

0: done · 1: the work failed · 2: bad input or this machine lacks something · 3: a bug here · 130: interrupted.
"""

import os
import sys
from collections.abc import Callable, Sequence

from baselard.cli import columns, commands, front, streams
from baselard.cli.commands import COMMANDS
from baselard.cli.errors import told
from baselard.cli.options import Help, unknown
from baselard.engine.errors import EngineError, ExecError, HostError, UserError, foreseen

FAILED, MISUSED, BUG, INTERRUPTED = 1, 2, 3, 130


def main(argv: Sequence[str]) -> int:
    """Run one command line; the exit code. Nothing but the result is written to stdout."""
    return guarded(_dispatch, argv)


def guarded(work: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """The exit code of ``work`` with ``argv``; what goes wrong is said on stderr."""
    try:
        code = _helping(work, argv)
        sys.stdout.flush()
    except streams.UnwrittenError as error:
        streams.give_up_stdout()
        return FAILED if isinstance(error, streams.UnreadError) else _explain(error, argv)
    except (Exception, KeyboardInterrupt) as error:
        return _explain(error, argv)
    return code


def _helping(work: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    try:
        return work(argv)
    except Help as wanted:
        sys.stdout.write(str(wanted))
        return 0


def _explain(error: BaseException, argv: Sequence[str]) -> int:
    """Say on stderr what went wrong; the exit code for it."""
    error = foreseen(error) or error
    match error:
        case KeyboardInterrupt():
            return INTERRUPTED
        case ExecError():
            _say(told(error))
            return FAILED
        case EngineError():
            _say(told(error))
            return MISUSED if isinstance(error, UserError | HostError) else FAILED
    from baselard.cli.crash import report  # only ever needed here

    _say(report(argv, error))
    return BUG


def _dispatch(argv: Sequence[str]) -> int:
    argv = front.passed(argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        sys.stdout.write(commands.usage())
        return 0 if argv else MISUSED
    name = "version" if argv[0] == "--version" else argv[0]
    if name not in COMMANDS:
        raise UserError(unknown("command", name, [name for name, command in COMMANDS.items() if command.shown]))
    if name != "version":
        _check(argv)
    return commands.run(name, argv[1:])


def _check(argv: Sequence[str]) -> None:
    """Raise UserError for what no command can work with: a directory that has gone, an argument that is no text."""
    try:
        os.getcwd()
    except OSError as error:
        said = f"the working directory cannot be used ({error.strerror}); cd to another one, or name one by -C"
        raise UserError(said) from None
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UserError(f"the argument {word!r} is not UTF-8 text") from None


def _say(*texts: str) -> None:
    for text in filter(None, texts):
        sys.stderr.write(columns.fitting(text.rstrip("\n"), columns.width(sys.stderr)) + "\n")
