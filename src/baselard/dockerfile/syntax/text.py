"""Dockerfile text → typed instructions, with every error that needs no variable and no image found here.

The lexical half (lines, continuations, heredocs) is e2b-dockerfile-utils, a port of BuildKit's parser; its JSON forms
are read again by `exec_form`. The rules on top of it are in `parsers`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from e2b_dockerfile_utils import DockerfileAst, DockerfileInstruction, DockerfileSyntaxError, parse_dockerfile_ast

from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.directives import read_directives
from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_
from baselard.dockerfile.syntax.exec_form import NOT_STRINGS, reread
from baselard.dockerfile.syntax.flags import suggestion
from baselard.dockerfile.syntax.parsers import PARSERS, instruction

ONLY_STRINGS = "Only strings are supported in JSON arrays"  # the lexer's words for what BuildKit says otherwise


def parse(text: str, filename: str = "Dockerfile") -> ins.Dockerfile:
    """The Dockerfile as stages of instructions. Raises DockerfileError with the first mistake found."""
    lines = text.splitlines()
    directives = read_directives(text, filename)
    ast = _lex(text, filename, lines)
    typed, ignored = _typed(ast, filename, lines)
    global_args, stages = _group(ast, typed, _place(filename, lines, 0))
    return ins.Dockerfile(
        file=filename,
        global_args=global_args,
        stages=stages,
        escape=ast.escape_token,
        directives=directives,
        warnings=(
            *(Warning_(w.message, _place(filename, lines, w.line), "NoEmptyContinuation") for w in ast.warnings),
            *ignored,
        ),
    )


def parse_trigger(text: str, place: Place, escape: str) -> ins.Instruction:
    """The one instruction of an ONBUILD trigger, reported at the FROM line that runs it."""
    prefix = "" if escape == "\\" else f"# escape={escape}\n"
    ast = _lex(prefix + text, place.file, [place.source], at=place)
    if len(ast.instructions) != 1:
        raise DockerfileError("onbuild trigger should be a single expression", place)
    typed, _ = _instruction(ast.instructions[0], place, ast.escape_token)
    if isinstance(typed, ins.Stage):
        raise DockerfileError("FROM isn't allowed as an ONBUILD trigger", place)
    return typed


def _lex(text: str, filename: str, lines: list[str], at: Place | None = None) -> DockerfileAst:
    try:
        return parse_dockerfile_ast(text)
    except DockerfileSyntaxError as error:
        message = re.sub(r"^Dockerfile parse error( on line \d+)?: ", "", str(error)).replace(ONLY_STRINGS, NOT_STRINGS)
        word = re.match(r"unknown instruction: (.*)", message, re.S)
        hint = suggestion(word[1], [name.lower() for name in PARSERS]) if word else ""
        raise DockerfileError(
            message + hint.upper().replace("DID YOU MEAN", "did you mean"),
            at or _place(filename, lines, error.line or 0),
        ) from None
    except RecursionError:
        raise DockerfileError("nested too deeply to be a Dockerfile", at or _place(filename, lines, 0)) from None


def _place(filename: str, lines: list[str], line: int) -> Place:
    return Place(filename, line, lines[line - 1].strip() if 0 < line <= len(lines) else "")


def _typed(ast: DockerfileAst, filename: str, lines: list[str]) -> tuple[list[ins.Instruction], Iterator[Warning_]]:
    """The instructions, and a warning for each whose array is followed by something that is ignored."""
    read = [_instruction(one, _place(filename, lines, one.start_line), ast.escape_token) for one in ast.instructions]
    return [one for one, _ in read], (_ignored(after, one.place) for one, after in read if after)


def _instruction(node: DockerfileInstruction, place: Place, escape: str) -> tuple[ins.Instruction, str]:
    try:
        node, after = reread(node, escape)
    except ValueError as error:
        raise DockerfileError(str(error), place) from None
    return instruction(node, place), after


def _ignored(text: str, place: Place) -> Warning_:
    message = (
        f"{text!r} after the JSON array is ignored; Docker 27.2 and later take such a line as shell form, "
        "so put it on a line of its own"
    )
    return Warning_(message, place, "TextAfterArray")


def _group(
    ast: DockerfileAst, typed: list[ins.Instruction], whole: Place
) -> tuple[tuple[ins.Arg, ...], tuple[ins.Stage, ...]]:
    """Cut the list at its FROM lines; ARG alone may stand before the first."""
    global_args: list[ins.Arg] = []
    stages: list[tuple[ins.Stage, list[ins.Instruction]]] = []
    for one in typed:
        if isinstance(one, ins.Stage):
            stages.append((one, []))
        elif stages:
            stages[-1][1].append(one)
        elif isinstance(one, ins.Arg):
            global_args.append(one)
        else:
            raise DockerfileError("no build stage in current context", one.place)
    if not stages:
        message = "file with no instructions" if not ast.instructions else "dockerfile contains no stages to build"
        raise DockerfileError(message, whole)
    built = (ins.Stage(s.place, s.base, s.name, s.platform, tuple(body)) for s, body in stages)
    return tuple(global_args), tuple(built)
