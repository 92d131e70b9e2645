"""``baselard watch``: a call or the checks, and again what a change of a file concerns, in one engine and session."""

import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from baselard.cli import call, chain, changed, check, displays, help, parser, result, start, target
from baselard.cli.errors import told
from baselard.cli.options import Options
from baselard.cli.recording import Recording
from baselard.cli.target import Target
from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.reachable import Step
from baselard.engine.errors import EngineError, UserError, foreseen
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.modules.arguments import default_path
from baselard.engine.modules.source import PythonModule
from baselard.engine.modules.walk import Walk
from baselard.engine.progress.renewed import Renewed
from baselard.engine.progress.spans import OnSpan

CHANGED = "changed-paths"
"""The argument of a function that takes the files that changed, and leaves out what they do not concern."""
_RECENT = 5.0  # seconds; where a file was written longer ago, the moment when it was seen to change counts
_NAMED = 3

Show = Callable[[], bool]
"""Writes what came out of a round; whether it went well."""
Round = Callable[[Walk, Sequence[str]], Awaitable[Show]]
"""Does the work once, for these changed paths, or for all if there are none. Raises EngineError."""


@dataclass(frozen=True)
class Work:
    """What is done in each round, and whose changes lead to one. ``tree`` is where the paths of changes begin."""

    round: Round
    roots: tuple[Path, ...]
    tree: Path


def run(argv: list[str]) -> int:
    """Do the work, then again after each change, until interrupted. Raises EngineError for what cannot be begun."""
    checking = _words(argv)[:1] == ["check"]
    read = _checks if checking else _call
    with target.opened(parser.early(argv)) as found:
        work = read(found, argv)
        if work is None:
            return 0
        _require_rounds(found.options)
        start.require_privilege(["watch", *argv], found)
        found.start_runner(learns=True)  # it has a thread, with which no process enters a user namespace
        shown = Renewed(lambda: displays.display_of(found.options))
        found.show_on(shown)
        start.walk(found, lambda walk: _rounds(walk, work, shown), _Unrecorded(found.source.context, argv))
    return _start_anew(argv)


def _start_anew(argv: Sequence[str]) -> NoReturn:
    """Become another process, which imports the functions as they are now."""
    _say("the functions' own code has changed: watch starts anew")
    os.execv(sys.executable, [sys.executable, "-I", "-m", "baselard.cli", "watch", *argv])  # noqa: S606


class _Unrecorded(Recording):
    """Rounds are no runs: they would fill the history."""

    def listening(self, tell: OnSpan) -> OnSpan:
        return tell


def _words(argv: Sequence[str]) -> list[str]:
    """The words of a command line that belong to no option of ``call``."""
    own, words, at = parser.of("call"), list[str](), 0
    while at < len(argv):
        _, width = own.taken(argv[at:])
        words += [] if width else [argv[at]]
        at += width or 1
    return words


def _require_rounds(options: Options) -> None:
    """Raise UserError for what makes no sense again and again."""
    once = {
        "-o": options.output,
        "-i": options.interactive,
        "--last-failed": options.last_failed,
        "--failed-first": options.failed_first,
    }
    for flag, given in once.items():
        if given:
            raise UserError(f"{flag} is not for watch: use it with baselard call")


# --- what is watched ------------------------------------------------------------------------------------------------


def _call(found: Target, argv: list[str]) -> Work | None:
    """A call as the work; None when its help was all that was asked for."""
    parsed = chain.parse(found.module, found.find, argv)
    if parsed.options.help or len(parsed.steps) < 2:
        sys.stdout.write(help.call_help(found.module, found.find, parsed))
        return None
    if parsed.steps[-1].args.get("share", "object") != "object":
        raise UserError("--share is not for watch: what is watched is built and tested here, on the object")
    for step in parsed.steps:
        call.check_addresses(step)

    async def once(walk: Walk, paths: Sequence[str]) -> Show:
        value = await walk.run([*parsed.steps[:-1], _narrowed(parsed.steps[-1], paths)])

        def show() -> bool:
            result.show(parsed.steps[-1].function.return_type, value, as_json=parsed.options.json)
            _end_line(value)
            return True

        return show

    return _work(once, found.source, parsed.steps)


def _checks(found: Target, argv: list[str]) -> Work:
    """The checks as the work."""
    words = list(argv)
    words.remove("check")
    chosen = check.matching(found.module, parser.read("check", words).patterns)
    if not chosen:
        raise UserError("the module has no checks")

    async def once(walk: Walk, paths: Sequence[str]) -> Show:
        outcomes = await check.outcomes(walk, chosen, lambda step: _narrowed(step, paths))
        return lambda: check.report(outcomes) == 0

    return _work(once, found.source, [step for one in chosen for step in one.steps])


def _work(once: Round, source: PythonModule, steps: Iterable[Step]) -> Work:
    roots = tuple(dict.fromkeys(path for step in steps for path in _local(source, step)))
    tree = next((root for root in roots if root.is_dir()), Path.cwd())
    return Work(once, (*roots, *([] if source.root in roots else [source.root])), tree)


def _local(source: PythonModule, step: Step) -> Iterator[Path]:
    """The files and directories of this machine that a function gets."""
    for arg in step.function.args:
        given = step.args.get(arg.name)
        if given is None and arg.default_path:
            yield default_path(source, arg)
        for value in given if isinstance(given, list) else [given]:
            if isinstance(value, ObjectAddress) and value.is_local:
                yield Path(value.path).expanduser().resolve()


def _narrowed(step: Step, paths: Sequence[str]) -> Step:
    """The same function for what these paths concern, if it can be told and was not told otherwise."""
    arg = next((arg for arg in step.function.args if kebab(arg.name) == CHANGED), None)
    if arg is None or not paths or arg.name in step.args:
        return step
    return replace(step, args={**step.args, arg.name: list(paths)})


# --- the rounds -----------------------------------------------------------------------------------------------------


async def _rounds(walk: Walk, work: Work, shown: Renewed) -> None:
    """Round after round, until the module itself is not what it was."""
    async with changed.watched(work.roots) as changes:
        fine, seconds = await _round(walk, work, shown, (), time.time())
        _say(f"{_verdict(fine, shown)} in {seconds:.1f} s; {work.tree} is watched, Ctrl-C ends")
        while True:
            paths = await changes.take()
            if any(map(walk.source.holds, paths)):
                return
            names = sorted(str(path.relative_to(work.tree)) for path in paths if path.is_relative_to(work.tree))
            _say(f"\n{_listed(names or sorted(map(str, paths)))} changed")
            outside = any(not path.is_relative_to(work.tree) for path in paths)
            fine, seconds = await _round(walk, work, shown, () if outside else names, _written(paths))
            _say(f"{_verdict(fine, shown)} {seconds:.1f} s after the change")


async def _round(walk: Walk, work: Work, shown: Renewed, paths: Sequence[str], began: float) -> tuple[bool, float]:
    """Whether it went well, and the seconds since ``began``. What can be mended is told; a bug is raised."""
    shown.begin()
    try:
        show = await work.round(walk, paths)
    except Exception as raised:
        shown.close()
        error = foreseen(raised) or raised
        if not isinstance(error, EngineError):
            raise
        seconds = time.time() - began
        _say(told(error))
        return False, seconds
    shown.close()
    seconds = time.time() - began
    fine = show()
    sys.stdout.flush()
    return fine, seconds


def _written(paths: Iterable[Path]) -> float:
    """When the first of these files was written, as far as that can be believed."""
    now = time.time()
    times = [path.stat().st_mtime for path in paths if path.is_file()]
    return min((one for one in times if now - _RECENT < one <= now), default=now)


def _verdict(fine: bool, shown: Renewed) -> str:
    names = ", ".join(shown.failed)
    if not fine:
        return f"failed ({names})" if names else "failed"
    return f"passed, {names} still fail{'s' if len(shown.failed) == 1 else ''};" if names else "passed"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _end_line(value: object) -> None:
    """End the last line of a result, so that the next round's begins on its own."""
    if not sys.stdout.isatty() and isinstance(value, str) and not value.endswith("\n"):
        sys.stdout.write("\n")


def _say(text: str) -> None:
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()
