"""The commands: a line about each and the way to it. Imports are late, so that each pays for what it needs alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # argparse
    from argparse import Namespace


@dataclass(frozen=True)
class Subcommand:
    """``run`` takes what ``parser`` read and gives the exit code. Those for developers and SDKs are not ``shown``."""

    about: str
    run: "Callable[[Namespace], int]"
    shown: bool = True


def _call(asked: "Namespace") -> int:
    from baselard.cli import call

    return call.run(asked.line[1:])


def _functions(asked: "Namespace") -> int:
    from baselard.cli import functions, parser

    return functions.run(parser.options(asked), asked.names)


def _check(asked: "Namespace") -> int:
    from baselard.cli import check, parser

    return check.run(parser.options(asked), asked.patterns, asked.line, listing=asked.listing)


def _history(asked: "Namespace") -> int:
    from baselard.cli import history

    return history.run(asked.words, asked.line, everywhere=asked.all, as_json=asked.json)


def _compare(asked: "Namespace") -> int:
    from baselard.cli import compare

    return compare.run(asked.before, asked.after, asked.line, as_json=asked.json)


def _watch(asked: "Namespace") -> int:
    from baselard.cli import watch

    return watch.run(asked.line[1:])


def _open(asked: "Namespace") -> int:
    from baselard.cli import open as opening

    return opening.run(asked.place, asked.line, example=asked.shell, commit=asked.commit)


def _init(asked: "Namespace") -> int:
    from baselard.cli import init

    return init.run(github=asked.github, yes=asked.yes)


def _plan(asked: "Namespace") -> int:
    from baselard.cli import plan

    return plan.run(asked.ref, as_json=asked.json)


def _outdated(asked: "Namespace") -> int:
    from baselard.cli import outdated

    return outdated.run(as_json=asked.json)


def _update(asked: "Namespace") -> int:
    from baselard.cli import update

    return update.run(yes=asked.yes, github=asked.github, lock=asked.lock)


def _cache(asked: "Namespace") -> int:
    from baselard.cli import cache

    return cache.run(asked.way, asked.place, asked.line, unsigned=asked.unsigned)


def _doctor(asked: "Namespace") -> int:
    from baselard.cli import doctor

    return doctor.run(deep=asked.deep, as_json=asked.json)


def _setup(asked: "Namespace") -> int:
    from baselard.cli import setup

    return setup.run(rootless=asked.rootless)


def _prune(asked: "Namespace") -> int:
    from baselard.cli import prune

    policy = prune.policy(asked.keep_bytes, asked.older_than, everything=asked.all)
    return prune.run(policy, asked.line, dry_run=asked.dry_run)


def _stop(_: "Namespace") -> int:
    from baselard.cli import stop

    return stop.run()


def _session(asked: "Namespace") -> int:
    from baselard.cli import session

    return session.run(session.directory(asked.workdir), asked.line, modules=asked.modules)


def _completion(asked: "Namespace") -> int:
    from baselard.cli import completion

    return completion.run(asked.shell)


def _complete(asked: "Namespace") -> int:
    from baselard.cli import complete

    return complete.run(asked.line[1:], shown())


def _man(_: "Namespace") -> int:
    from baselard.cli import man

    return man.run(shown())


def _version(_: "Namespace") -> int:
    from baselard.cli import version

    return version.run()


def _test(asked: "Namespace") -> int:
    from baselard.cli import test

    return test.run(asked.line[1:])


def _bench(asked: "Namespace") -> int:
    from baselard.cli import bench

    return bench.run(asked.line)


COMMANDS: Mapping[str, Subcommand] = {
    "call": Subcommand("call functions of a module, each on the result of the one before", _call),
    "functions": Subcommand("list the functions of a module, or of what a function returns", _functions),
    "check": Subcommand("run a module's checks, all or those that match a pattern", _check),
    "history": Subcommand("list earlier runs of this tree, or show one: history show RUN", _history),
    "compare": Subcommand("show what differs between two runs: verdicts, seconds, sizes", _compare),
    "watch": Subcommand("do a call or the checks again whenever a file changes, for what it concerns", _watch),
    "open": Subcommand("open a report that a run left, or a shell in an example of it", _open),
    "init": Subcommand("make this repository work: write a baselard.yaml from what is found, offer a workflow", _init),
    "plan": Subcommand("print what would be built, from what, tested how and published as what", _plan),
    "outdated": Subcommand("list images, tools and actions from elsewhere beside the newest there is", _outdated),
    "update": Subcommand("move pins that are behind: a diff, then the files, or a pull request", _update),
    "cache": Subcommand("take the last run's results to another machine, or bring them from one", _cache),
    "setup": Subcommand("install what the engine uses of this system's packages", _setup),
    "doctor": Subcommand("look at what this machine lends the engine, and name what is missing", _doctor),
    "prune": Subcommand("free space in the store", _prune),
    "stop": Subcommand(
        "end the resident engine, which ends by itself after minutes without a call", _stop, shown=False
    ),
    "session": Subcommand("serve the API to an SDK that starts its own engine", _session, shown=False),
    "completion": Subcommand(
        "print a script by which bash, zsh or fish completes commands, functions and flags", _completion
    ),
    "man": Subcommand("show the manual page", _man, shown=False),
    "version": Subcommand("print the version and the commit", _version),
    "complete": Subcommand("print what a command line may go on with, for these scripts", _complete, shown=False),
    "test": Subcommand(
        "lint, type-check and test this checkout; --full for the slow tests too, --as-user without root",
        _test,
        shown=False,
    ),
    "bench": Subcommand("measure the ways of sharing a base image against each other", _bench, shown=False),
}


def run(name: str, words: Sequence[str]) -> int:
    """Run a command; its exit code. Raises UserError for a mistake in ``words``, Help, and what the command raises."""
    from baselard.cli import parser

    return COMMANDS[name].run(parser.read(name, words))


def shown() -> dict[str, str]:
    """The commands for everybody, each with the line about it."""
    return {name: command.about for name, command in COMMANDS.items() if command.shown}


def usage() -> str:
    """The help of ``baselard`` itself; one screen."""
    lines = [f"  {name:<12}{about}\n" for name, about in shown().items()]
    return (
        "Build a container base image once, test every example on the built object, publish what was tested.\n\n"
        "Usage: baselard [-C DIR] [--engine embedded|dagger] [--no-daemon] [--rootless|--no-rootless] "
        "[--userns=single] COMMAND …\n"
        "  -C DIR      work in that directory; on a tree without a Dagger module, this module works on it\n\n"
        + "".join(lines)
        + "\n`baselard call --help` lists this module's functions, `COMMAND --help` tells of one command, "
        "`baselard man` of all.\n"
    )
