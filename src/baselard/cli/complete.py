"""``baselard complete``, which the scripts of ``completion`` ask: what a command line may go on with.

Commands and their options come from the table and the parser, functions and their flags from the module at hand.
Nobody's code runs for it: a module is completed once it was called or listed, Baselard's own at once.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from baselard.cli import chain, front, help, parser, places, target
from baselard.cli.target import Target
from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.typedef import FunctionArg
from baselard.engine.errors import EngineError
from baselard.engine.host import checkout
from baselard.engine.modules import known, remote

Word = tuple[str, str]
"""What may be written, and a line about it."""
_VALUES = {"-C": (), "--engine": front.ENGINES, "--userns": ("single",)}


def run(words: Sequence[str], commands: Mapping[str, str]) -> int:
    """Print what the last word may become, with a tab before what it means; nothing where a path may stand.

    ``commands`` are those that are offered, each with a line about it.
    """
    *before, typed = words or [""]
    try:
        for word, about in _next(before, typed, commands):
            if word.startswith(typed):
                sys.stdout.write(f"{word}\t{' '.join(about.split())}\n")
    except EngineError:
        pass  # a command line in the making; it is told what is wrong when it is entered
    return 0


def _next(before: Sequence[str], typed: str, commands: Mapping[str, str]) -> Iterable[Word]:
    command, *words = front.entered(before) or [""]
    if not command:
        values = _VALUES.get(before[-1]) if before else None
        return [*commands.items(), *front.WORDS] if values is None else [(name, "") for name in values]
    if command in ("call", "watch") or (command == "functions" and not typed.startswith("-")):
        return _of_functions(command, words, typed)
    return _of_command(command, words, typed) if command in parser.BUILT else []


def _of_command(command: str, words: Sequence[str], typed: str) -> Iterator[Word]:
    own = parser.of(command)
    choices = own.choices(words)
    if choices is not None:
        yield from ((choice, "") for choice in choices)
    elif typed.startswith("-"):
        yield from own.words()
    else:
        yield from ((choice, "") for choice in own.first if not words)


def _of_functions(command: str, words: Sequence[str], typed: str) -> Iterable[Word]:
    """Those that may follow, and the flags of the last that is there."""
    if command == "watch" and words[:1] == ["check"]:
        return _of_command("check", words[1:], typed)
    if (choices := parser.of("call").choices(words)) is not None:
        return [(choice, "") for choice in choices]
    options = parser.early(words)
    if remote.is_remote(options.module):
        return []
    with target.opened(options) as found:
        return _in_chain(found, words, typed) if _is_known(found) else []


def _is_known(found: Target) -> bool:
    return found.source.root == checkout.MODULE or bool(known.read(found.source, places.cache_root()))


def _in_chain(found: Target, words: Sequence[str], typed: str) -> list[Word]:
    if (valued := _waiting(found, words)) is not None:
        kind = valued.type_def.element or valued.type_def
        return [(member.name, "") for member in (found.find(kind.name) or kind).members] if kind.name else []
    last = chain.parse(found.module, found.find, [*words, "--help"]).steps[-1].function
    if typed.startswith("-"):
        flags = [(f"--{kebab(arg.name)}", help.explained(arg, found.find)) for arg in last.args]
        return [*flags, *parser.of("call").words()]
    return help.functions_of(found.find, last)


def _waiting(found: Target, words: Sequence[str]) -> FunctionArg | None:
    """The argument whose flag is the last word, if a value has to follow."""
    if not words or not words[-1].startswith("--") or "=" in words[-1]:
        return None
    last = chain.parse(found.module, found.find, [*words[:-1], "--help"]).steps[-1].function
    named = chain.named(last, words[-1])
    return named if named and named.type_def.kind != "BOOLEAN_KIND" else None
